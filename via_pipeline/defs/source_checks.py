"""Asset checks of one source: one a rule of the contract, always reporting, under a stable name.

Belongs here: the specs that a contract gives, and a ``CheckOutcome`` as a Dagster result. Does not
belong here: what a check says (``quality.checks``), running rules (``quality``).

A rule of a conformed table is a check on that table's asset; a rule of a table that is only looked
at (control totals) and the checks on a source as a whole stand on ``quality__<source>``. Only the
closing of rows blocks: it says that the platform itself lost or made up a row, and then no new
figure may go out; what was published stands. A partner's bad file blocks nothing: what is wrong
with it is already set aside, and the good rest goes on.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from via_pipeline.contracts.model import Contract, Severity, Table
from via_pipeline.contracts.rules import Rule
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation
from via_pipeline.quality import checks
from via_pipeline.quality.results import ValidationResult
from via_pipeline.storage.home import Home

_ACTIONS = {
    checks.ERROR: (
        "Stuur de werkmap in reports/partners/ aan de afzender: een nieuw bestand met dezelfde "
        "sleutel vervangt dit vanzelf. / Send the partner their workbook; a new file with the same "
        "key replaces this one. Until then the delivery before it stays in force."
    ),
    checks.WARN: (
        "Stuur de werkmap in reports/partners/ aan de afzender, of herstel de rijen: 'via "
        "quarantine export'. / Send the partner their workbook, or have a person resolve the rows."
    ),
}
_CONSEQUENCE = {
    Severity.REJECT_FILE: "rejects the file",
    Severity.REJECT_ROW: "puts the row in quarantine",
    Severity.WARN: "warns",
}


def checks_of(contract: Contract) -> list[dg.AssetChecksDefinition]:
    """One multi-check a table of ``contract``."""
    from via_pipeline.quality.run import rules_by_table

    by_table = rules_by_table(contract, Home.from_env().data / "reference")
    return [_table_checks(contract, table, by_table[table.name]) for table in contract.tables]


def check_name(table: Table, rule: str) -> str:
    """The check's name on its asset: the rule's id, with the table where the asset has several."""
    return rule if table.conformed else f"{table.name}__{rule}"


def target(contract: Contract, table: Table) -> str:
    """The asset that carries the checks of ``table``."""
    return table.lake_table if table.conformed else f"quality__{contract.source}"


def _table_checks(
    contract: Contract, table: Table, rules: Sequence[Rule]
) -> dg.AssetChecksDefinition:
    asset = target(contract, table)

    @dg.multi_asset_check(
        name=f"rules__{contract.source}__{table.name}",
        description=f"Every rule of table {table.name} of contract {contract.source}.",
        specs=[
            dg.AssetCheckSpec(
                check_name(table, rule.id),
                asset=asset,
                description=f"{rule.explanation} / {_promise(rule)}",
                metadata={
                    "column": rule.column or "(table)",
                    "suite": rule.suite,
                    "severity": rule.severity.value,
                    "expectation": rule.expectation,
                },
            )
            for rule in rules
        ],
        can_subset=True,
        pool=policy.POOL,
    )
    def table_checks(
        context: dg.AssetCheckExecutionContext, installation: Installation
    ) -> Iterator[dg.AssetCheckResult]:
        from via_pipeline.quality.run import results_in_force

        home = installation.home()
        results = guard.told(context, lambda: results_in_force(home, contract))
        wanted = {key.name for key in context.selected_asset_check_keys}
        for found in checks.rule_outcomes(rules, results):
            name = check_name(table, found.rule)
            if name in wanted:
                yield result_of(found, asset, name)

    return table_checks


def _promise(rule: Rule) -> str:
    kind = rule.expectation.removeprefix("expect_").replace("_", " ")
    where = f"{rule.table}.{rule.column}" if rule.column else rule.table
    return f"{where}: {kind}; a failure {_CONSEQUENCE[rule.severity]}"


def source_specs(contract: Contract) -> list[dg.AssetCheckSpec]:
    """The checks on a source as a whole, on ``quality__<source>``."""
    return [
        dg.AssetCheckSpec(
            found.rule,
            asset=f"quality__{contract.source}",
            blocking=found.is_blocking,
            description=f"{found.explanation} / {found.english.split(';')[0]}",
        )
        for found in checks.source_outcomes(contract, [])
    ]


def source_results(
    contract: Contract, results: Sequence[ValidationResult]
) -> list[dg.AssetCheckResult]:
    """What those checks say of ``results``."""
    asset = f"quality__{contract.source}"
    return [
        result_of(found, asset, found.rule) for found in checks.source_outcomes(contract, results)
    ]


def result_of(found: checks.CheckOutcome, asset: str, name: str) -> dg.AssetCheckResult:
    """An outcome as Dagster keeps it: Dutch for the partner, English for the engineer, examples."""
    told = found.english
    figures: dict[str, object] = {
        "deliveries": int(found.deliveries),
        "evaluated": int(found.evaluated),
        "failed": int(found.failed),
    }
    if not found.passed:
        files = ", ".join(dict.fromkeys(example.file for example in found.examples))
        told = f"{found.explanation} ({files}) / {found.english}"
        figures["what_to_do"] = _ACTIONS[found.severity]
        figures["examples"] = metadata.markdown_table(
            ["bestand", "fouten", "rijen in het bestand", "pagina"],
            (
                [
                    example.file,
                    example.failed,
                    _rows(example),
                    f"VIA_HOME/reports/validation/{example.delivery_id}.html",
                ]
                for example in found.examples
            ),
        )
    return dg.AssetCheckResult(
        passed=bool(found.passed),
        check_name=name,
        asset_key=dg.AssetKey(asset),
        severity=dg.AssetCheckSeverity(found.severity),
        description=told,
        metadata=figures,
    )


def _rows(example: checks.Example) -> str:
    if not example.rows:
        return "hele bestand"
    more = example.failed - len(example.rows)
    return ", ".join(str(row) for row in example.rows) + (f" en {more} meer" if more > 0 else "")
