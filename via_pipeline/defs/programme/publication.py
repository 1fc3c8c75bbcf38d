"""What leaves the house: disclosure-checked tables, the file that BI reads, the letter.

Belongs here: the assets after disclosure control, and the run's last word. Does not belong here: a
rule of disclosure, a format of a package (the rooms).
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg

from via_pipeline.defs import (
    automation,
    charts,
    columns,
    events,
    guard,
    metadata,
    policy,
    proven,
)
from via_pipeline.defs.editions import editions
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

PROTECTED = {
    "disclosure__resultaat": (
        "**Voorlopige resultaten**\n\nOutcomes of all pilots.",
        ["outcomes__result"],
    ),
    "disclosure__schatting": (
        "**Vergelijkingen volgens het analyseplan**\n\nEstimates at reading dates, with a "
        "sentence as strong as the design.",
        ["outcomes__schatting"],
    ),
    "disclosure__diversiteit": (
        "**Culturele diversiteit**\n\nShares per organisation of 250 employees or more.",
        ["diversity__barometer"],
    ),
    "disclosure__ladder": (
        "**Culturele diversiteit per functieniveau**\n\nShares up to subtop and top, of sectors "
        "and of organisations with a consent.",
        ["diversity__ladder"],
    ),
    "disclosure__doorstroom": (
        "**Instroom, doorstroom, uitstroom**\n\nWhat share of each origin group rose, left, came.",
        ["diversity__flow"],
    ),
    "disclosure__ontwikkeling": (
        "**Ontwikkeling**\n\nShares over time, breaks marked.",
        ["diversity__trend"],
    ),
    "disclosure__vergelijking_benchmark": (
        "**Naast elkaar**\n\nOrganisations and sectors beside larger groups and published figures.",
        ["diversity__benchmark"],
    ),
    "disclosure__benchmark": (
        "**Gepubliceerde cijfers**\n\nShares that others published, with source and mark.",
        ["diversity__gepubliceerd"],
    ),
    "disclosure__koppeling": (
        "**Koppeling**\n\nJobs that could not be linked, of organisations with a consent.",
        ["diversity__koppeling"],
    ),
    "disclosure__covid_context": (
        "**Context van COVID-19**\n\nPublished unemployment figures by background.",
        ["context__werkloosheid"],
    ),
    "disclosure__covid_gebeurtenis": (
        "**Gebeurtenissen rond COVID-19**\n\nDated events of the plans, interruptions of delivery.",
        ["outcomes__covid_gebeurtenis"],
    ),
    "disclosure__stand_van_zaken": (
        "**Stand van zaken per pilot**\n\nState, planned, target, realised, reach.",
        ["pilots__stand"],
    ),
    "disclosure__bereik": (
        "**Bereik**\n\nSchools, employers, municipalities: planned, target, realised, delivered.",
        ["outcomes__bereik"],
    ),
    "disclosure__overname": (
        "**Overname**\n\nWho took an approach over afterwards, where a public source says so.",
        ["register__overname"],
    ),
    "disclosure__beveiliging": (
        "**Beveiliging**\n\nWhat disclosure control did per dataset, and that its audit passed.",
        [],
    ),
    "disclosure__vervolgstap": (
        "**Maatregelen en vervolgstappen**\n\nWho does what by when.",
        ["register__maatregel"],
    ),
    "disclosure__leveringskwaliteit": (
        "**Kwaliteit en dekking van de leveringen**\n\nExpected, late, missing and rejected "
        "deliveries, rows in hundreds, share in quarantine.",
        ["pilots__dekking"],
    ),
}
PROOF = "disclosure__beveiliging"
"""The table that tells what protection did; the check on the proof of the BI release is its."""
ALL_PROCESSED = "alle_bronnen_verwerkt"


@dg.multi_asset(
    name="disclosure",
    specs=[
        dg.AssetSpec(
            name,
            description=f"{text} Disclosure-checked: hidden numbers are NULL with a reason.",
            deps=deps,
            metadata={"dagster/table_name": name},
            code_version=metadata.CODE_VERSION,
        )
        for name, (text, deps) in PROTECTED.items()
    ],
    check_specs=[proven.spec(PROOF)],
    pool=policy.POOL,
)
def disclosure(context: dg.AssetExecutionContext, installation: Installation):
    """Protect everything that will be published, together: linked tables share their secrets."""
    from via_pipeline.disclosure.record import effort
    from via_pipeline.disclosure.run import TONIGHT, Protected, protect
    from via_pipeline.letters import published

    home = installation.home()
    made = Protected()
    for found in proven.guarded(
        context, PROOF, TONIGHT, lambda: protect(home, published.earlier(home))
    ):
        if isinstance(found, dg.AssetCheckResult):
            yield found
        else:
            made = found
    if made.narrowed:
        context.log.warning(
            "Smaller margins than the rule set asks, because an earlier publication leaves no "
            f"more room: {', '.join(made.narrowed)}. It passes when that publication is withdrawn."
        )
    if made.coarser:
        context.log.warning(
            "More is hidden than need be, because the search for a cheaper pattern met its bound "
            f"of work, or what it found did not pass the proof: {', '.join(made.coarser)}. Table "
            "beveiliging tells it too. Less detail ('only', 'detail' in disclosure/datasets.yaml) "
            "makes the search end."
        )
    with ThreadPoolExecutor(1, thread_name_prefix="charts") as beside:
        # What draws takes half a second to start, and Python may go on meanwhile.
        pictures = charts.begun(home, beside)
        hidden = metadata.hidden_figures(home, PROTECTED)
        for name in PROTECTED:
            told = made.summary.get(name.removeprefix("disclosure__"), {})
            seconds = {f"{what}_seconds": round(took, 3) for what, took in made.seconds.items()}
            yield dg.MaterializeResult(
                asset_key=name,
                metadata=metadata.lake_figures(home, name)
                | hidden[name]
                | (effort(told) if told else {})
                | (seconds if name == PROOF else {}),
            )
        yield proven.passed(PROOF, TONIGHT, made.summary)
        try:
            for seen in pictures.result():
                context.log_event(seen)
        except Exception as error:  # whatever it is, the figures matter more than their pictures
            context.log.warning(f"no charts: {type(error).__name__}")


@dg.asset(
    name="serving__bi_file",
    description=(
        "**Het bestand dat BI leest**\n\nThe published DuckDB file and its Parquet twins: only "
        "disclosure-checked aggregates, built from scratch, verified, swapped atomically."
    ),
    deps=list(PROTECTED),
    check_specs=[
        dg.AssetCheckSpec(
            ALL_PROCESSED,
            asset="serving__bi_file",
            blocking=True,
            description=(
                "In deze run is geen bron afgebroken. / No source crashed in this run. Blocks "
                "nothing but the run's own green light: everything else is already published."
            ),
        )
    ],
    pool=policy.POOL,
    code_version=metadata.CODE_VERSION,
)
def bi_file(context: dg.AssetExecutionContext, installation: Installation) -> dg.MaterializeResult:
    """Publish, then say whether every source came through."""
    from via_pipeline.serving.publish import publish

    home = installation.home()
    published = guard.told(context, lambda: publish(home))
    return dg.MaterializeResult(
        metadata=_published(home, published) | columns.told(columns.BI_FILE),
        check_results=[_all_processed(context)],
    )


def _all_processed(context: dg.AssetExecutionContext) -> dg.AssetCheckResult:
    crashed = sorted(
        found.asset_key.to_user_string()
        for found in events.evaluations(context.instance, context.run_id)
        if found.check_name == guard.PROCESSED and not found.passed
    )
    return dg.AssetCheckResult(
        passed=not crashed,
        check_name=ALL_PROCESSED,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"Afgebroken / crashed: {', '.join(crashed)}" if crashed else None,
        metadata={"crashed": len(crashed)},
    )


def _published(home: Home, published: Any) -> dict[str, Any]:
    files = sorted(path for path in published.path.parent.rglob("*") if path.is_file())
    return {
        "release": published.release,
        "tables": len(PROTECTED),
        "in_force": published.is_in_force,
        "files": len(files),
        "bytes": sum(path.stat().st_size for path in files),
        "content": metadata.markdown_table(
            ["bestand", "bytes"],
            ([metadata.relative(home, path), path.stat().st_size] for path in files),
        ),
    }


_EDITIONS = dg.StaticPartitionsDefinition([edition.name for edition in editions(Home.from_env())])


@dg.asset(
    name=automation.LETTER,
    description=(
        "**Voortgangsbrief**\n\nThe datasets of one edition: CSV, Parquet and a descriptor. It "
        "sees only deliveries received and register rows known by the edition's reading date."
    ),
    deps=list(PROTECTED),
    partitions_def=_EDITIONS,
    check_specs=[proven.spec(automation.LETTER)],
    pool=policy.POOL,
    code_version=metadata.CODE_VERSION,
)
def voortgangsbrief(context: dg.AssetExecutionContext, installation: Installation):
    """Emit the package of the edition that is the partition's key."""
    from via_pipeline.disclosure.record import summary_of
    from via_pipeline.letters.release import concept
    from via_pipeline.pilots.conform import RetentionEnded

    home = installation.home()
    edition = context.partition_key
    folder = home.letters / edition
    stays: list[str] = []

    def emitted() -> None:
        try:
            concept.make(home, edition, run=context.run.run_id)
        except RetentionEnded as ended:
            # What the edition was made of has had its term. The package as it was written stays.
            if not folder.exists():
                raise
            stays.append(f"the package stays as it was: {ended}")
            context.log.warning(stays[0])

    for found in proven.guarded(context, automation.LETTER, edition, emitted):
        if isinstance(found, dg.AssetCheckResult):
            yield found
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    yield dg.MaterializeResult(
        metadata=columns.told(automation.LETTER)
        | {
            "edition": edition,
            "folder": metadata.relative(home, folder),
            "files": len(files),
            "bytes": sum(path.stat().st_size for path in files),
            "content": metadata.markdown_table(
                ["bestand", "bytes"],
                ([path.relative_to(folder).as_posix(), path.stat().st_size] for path in files),
            ),
        }
    )
    try:
        summary = summary_of(home, edition)
    except FileNotFoundError:
        # Written by another installation, or before proofs were kept; this run changed nothing.
        summary = {}
    yield proven.passed(automation.LETTER, edition, summary, next(iter(stays), None))
