"""Cultural diversity: one step that counts people once, and the tables made of those counts.

Belongs here: the assets of ``diversity``, their checks, and what the UI says of them. Does not
belong here: a figure by origin. These tables are before disclosure control; metadata are kept in
the event log, so they hold numbers of rows, of questions and of jobs not linked, never a share of a
group.
"""

from typing import TYPE_CHECKING, Any

import dagster as dg

from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation
from via_pipeline.engine import heavy

if TYPE_CHECKING:
    from via_pipeline.diversity.run import Done

UPSTREAM = (
    "pilots__p4_baan",
    "reference__land",
    "reference__gemeente",
    "reference__sbi_sectie",
    "reference__barometer_benchmark",
    "reference__barometer_dashboard",
    "register__organisatie",
    "register__organisatie_indeling",
    "register__organisatie_verklaring",
)
TABLES = {
    "diversity__telling": "**Tellingen per peildatum**\n\nJobs and employees per organisation, "
    "characteristic and origin; a part per peildatum, kept while nothing in it changes.",
    "diversity__overgang": "**Overgangen tussen peildatums**\n\nEmployees by function level on two "
    "consecutive peildata; a part per pair.",
    "diversity__barometer": "**Culturele diversiteit per organisatie**\n\nShares of jobs by "
    "origin, by both classifications of CBS, per organisation and characteristic.",
    "diversity__ladder": "**De ladder**\n\nShares by function level and salary band up to subtop "
    "and top; ratio to the level below and to the supply, with intervals.",
    "diversity__flow": "**Instroom, doorstroom, uitstroom**\n\nMoves between levels by origin: "
    "what share of each group moves up in a year.",
    "diversity__benchmark": "**Naast elkaar**\n\nOrganisations and sectors beside their sector, "
    "region and the published figures, as counted and standardised for function level.",
    "diversity__gepubliceerd": "**Gepubliceerde cijfers**\n\nShares that others published, with "
    "source and mark.",
    "diversity__trend": "**Verandering**\n\nShares over time, breaks in series marked and never "
    "bridged.",
    "diversity__koppeling": "**Koppeling**\n\nJobs that could not be linked, by kind of number.",
}
LINKED = "koppeling__niet_gekoppeld"
JUMPS = "verandering__verwachte_orde"
CLOSED = "stromen__sluiten"
CHECKS = {
    LINKED: (
        "diversity__koppeling",
        "Hoogstens 0,1% (bsn) of 5% (andere sleutel) is niet gekoppeld. / No more jobs than CBS "
        "gives as a maximum could not be linked.",
    ),
    JUMPS: (
        "diversity__trend",
        "Geen aandeel verandert meer dan een procentpunt per jaar. / A larger change is a question "
        "about the delivery first.",
    ),
    CLOSED: (
        "diversity__flow",
        "Wie komt, blijft en gaat telt op tot de stand op beide peildatums. / Flows add up to the "
        "stocks at both ends.",
    ),
}


_ACTIONS = {
    LINKED: "Vraag de organisatie naar de sleutels van deze levering. / Ask about the keys.",
    JUMPS: "Vraag de organisatie of de levering klopt, voordat het cijfer uitgaat. / Ask first.",
    CLOSED: "Meld dit als fout van het platform. / Report it: this is a fault of ours.",
}


@dg.multi_asset(
    name="diversity",
    specs=[
        dg.AssetSpec(
            name,
            description=f"{text} Not yet disclosure-checked: restricted.",
            deps=list(UPSTREAM),
            metadata={"dagster/table_name": name},
            code_version=metadata.CODE_VERSION,
        )
        for name, text in TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset, description=text)
        for name, (asset, text) in CHECKS.items()
    ],
    pool=policy.POOL,
)
def diversity(context: dg.AssetExecutionContext, installation: Installation):
    """Count what is new, make the marts, and say what is to be asked of the deliveries."""
    from via_pipeline.diversity import run

    home = installation.home()
    done = guard.told(context, lambda: run.refresh(home))
    for name in TABLES:
        yield dg.MaterializeResult(
            asset_key=name, metadata=metadata.lake_figures(home, name) | _parts(done, name)
        )
    found = run.questions(home)
    yield _result(
        LINKED,
        passed=not found.links_over,
        description=f"{found.links_over} van {found.links} combinaties van organisatie, peildatum "
        f"en sleutel boven het maximum / {found.links_over} of {found.links} combinations of "
        "organisation, reference date and key have more jobs not linked than CBS allows",
        metadata={
            "over_maximum": found.links_over,
            "content": metadata.markdown_table(
                ["sleutel", "banen", "niet gekoppeld (%)", "maximum (%)"], found.by_key
            ),
        },
    )
    yield _result(
        JUMPS,
        passed=not found.jumps,
        description=f"{found.jumps} veranderingen boven de verwachte orde; de grootste is "
        f"{found.largest_jump_pp:.1f} procentpunt / {found.jumps} changes larger than a year "
        "explains: ask the organisation about the delivery first"
        if found.jumps
        else None,
        metadata={
            "jumps": found.jumps,
            "largest_pp": round(found.largest_jump_pp, 1),
            "content": metadata.markdown_table(["populatie", "peildatum"], found.jumped),
        },
    )
    yield _result(
        CLOSED,
        severity=dg.AssetCheckSeverity.ERROR,
        passed=not found.open_ends,
        description=f"{found.open_ends} treden waar de stromen niet optellen tot de stand / "
        f"{found.open_ends} rungs where flows do not add up to the stocks: a fault of ours"
        if found.open_ends
        else None,
        metadata={"open_ends": found.open_ends},
    )


def _result(
    name: str,
    *,
    passed: bool,
    description: str | None,
    metadata: dict[str, Any],
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.WARN,
) -> dg.AssetCheckResult:
    if not passed:
        metadata = metadata | {"what_to_do": _ACTIONS[name]}
    return dg.AssetCheckResult(
        passed=passed,
        check_name=name,
        asset_key=CHECKS[name][0],
        severity=severity,
        description=description,
        metadata=metadata,
    )


def _parts(done: "Done", name: str) -> dict[str, Any]:
    """For the tables in parts: how many were made now, and how many stood."""
    made, kept = (
        sum(part.startswith(f"{name}/") for part in parts) for parts in (done.computed, done.kept)
    )
    if not made and not kept:
        return {}
    return {"parts_computed": made, "parts_kept": kept, "engine": heavy.label()}
