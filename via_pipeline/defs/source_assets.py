"""The assets of one source, made of its contract: landing, intake, quality, tables, outcomes.

Belongs here: wiring rooms to assets, and the figures that the UI plots. Does not belong here: what
a room does, what a rule means (``source_checks.py``), policy (``policy.py``).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from via_pipeline import __version__
from via_pipeline.contracts.model import Contract, Table
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation
from via_pipeline.defs.source_checks import checks_of, source_results, source_specs
from via_pipeline.engine import heavy
from via_pipeline.fingerprint import PACKAGE
from via_pipeline.storage.home import Home

OBJECTIONS = "register__organisatie_verklaring"
_MEASURES = PACKAGE / "outcomes" / "measures"
_FORMAT_KINDS = {
    "csv": "csv",
    "xlsx": "excel",
    "ods": "ods",
    "sav": "spss",
    "parquet": "parquet",
    "zip": "zip",
    "md": "markdown",
}


def source_definitions(contract: Contract) -> dg.Definitions:
    """Every asset and check of ``contract``'s source."""
    assets: list[Any] = [_landing(contract), _intake(contract), _quality(contract)]
    if conformed(contract):
        assets.append(_tables(contract))
    if measured(contract):
        assets.append(_outcomes(contract))
    return dg.Definitions(assets=assets, asset_checks=checks_of(contract))


def conformed(contract: Contract) -> list[Table]:
    """The tables of ``contract`` that go on into the lake."""
    return [table for table in contract.tables if table.conformed]


def measured(contract: Contract) -> bool:
    """Whether there is a measures file for the source: only then it has an outcome table."""
    return (_MEASURES / f"{contract.source}.yaml").exists()


def objecting(contracts: Iterable[Contract]) -> list[str]:
    """The table that says whose deliveries count, where those of ``contracts`` may not."""
    return [OBJECTIONS] if any(one.delivery.organisation for one in contracts) else []


def _tags(contract: Contract) -> dict[str, str]:
    tags = {"via/bron": contract.source}
    return tags | ({"via/pilot": contract.pilot} if contract.pilot else {})


def _code_version(contract: Contract) -> str:
    return f"{__version__}+{contract.sha256[:12]}"


def _spec(contract: Contract, name: str, what: str, **more: Any) -> dg.AssetSpec:
    return dg.AssetSpec(
        name,
        description=metadata.described(contract, what),
        owners=policy.owners(contract),
        tags=_tags(contract),
        code_version=_code_version(contract),
        **more,
    )


def _landing(contract: Contract) -> dg.AssetSpec:
    where = f"{contract.kept_in}/" if contract.kept_in else f"landing/{contract.source}/<datum>/"
    return dg.AssetSpec(
        f"landing__{contract.source}",
        description=metadata.described(
            contract,
            f"What people keep in `{where}`."
            if contract.kept_in
            else f"What the partner delivers in `{where}`; never changed, never removed by a run.",
        ),
        owners=policy.owners(contract),
        tags=_tags(contract),
        kinds={_FORMAT_KINDS.get(name, "file") for name in contract.delivery.formats},
        metadata={
            "folder": f"VIA_DATA/{where}",
            "file_pattern": contract.delivery.file_pattern,
            "personal_data": any(
                column.is_identifying for table in contract.tables for column in table.columns
            ),
            "retention_years": contract.retention_years,
        },
    )


def _intake(contract: Contract) -> dg.AssetsDefinition:
    name = f"intake__{contract.source}"

    @dg.multi_asset(
        name=name,
        specs=[
            _spec(
                contract,
                name,
                "Deliveries as found: recognised, read, pseudonymised, conformed, in the ledger.",
                deps=[f"landing__{contract.source}"],
            )
        ],
        check_specs=[guard.processed_spec(name)],
        pool=policy.POOL,
    )
    def intake(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        from via_pipeline.intake.run import take_in

        home = installation.home()
        attempt = guard.guarded(
            context,
            lambda: take_in(home, contract, run_id=context.run_id, now=datetime.now(tz=UTC)),
        )
        return dg.MaterializeResult(
            asset_key=name,
            metadata=_this_run(attempt.value) | _ledger_figures(home, contract),
            check_results=[attempt.check(name)],
        )

    return intake


def _quality(contract: Contract) -> dg.AssetsDefinition:
    name = f"quality__{contract.source}"

    @dg.multi_asset(
        name=name,
        specs=[
            _spec(
                contract,
                name,
                "Deliveries judged by the contract's rules; quarantine; the report to the partner.",
                deps=[f"intake__{contract.source}"],
            )
        ],
        check_specs=[guard.processed_spec(name), *source_specs(contract)],
        pool=policy.POOL,
    )
    def quality(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        from via_pipeline.quality.run import JUDGED, judge, results_in_force

        home = installation.home()
        attempt = guard.guarded(context, lambda: judge(home, contract, run_id=context.run_id))
        attempt = attempt.unless(
            f"{result.file_name}: {rule.error}"
            for result in attempt.value or []
            for rule in result.rules
            if rule.rule == JUDGED
        )
        results = results_in_force(home, contract)
        return dg.MaterializeResult(
            asset_key=name,
            metadata={"judged_now": len(attempt.value or [])}
            | _quality_figures(home, contract, results),
            check_results=[attempt.check(name), *source_results(contract, results)],
        )

    return quality


def _tables(contract: Contract) -> dg.AssetsDefinition:
    tables = conformed(contract)

    @dg.multi_asset(
        name=f"tables__{contract.source}",
        specs=[
            _spec(
                contract,
                table.lake_table,
                f"Conformed table: accepted rows of the deliveries in force. {table.description}",
                deps=[f"quality__{contract.source}"],
                metadata={
                    "dagster/column_schema": metadata.column_schema(table),
                    "dagster/table_name": table.lake_table,
                },
            )
            for table in tables
        ],
        check_specs=[guard.processed_spec(table.lake_table) for table in tables],
        # All tables are refreshed together; one alone may be asked for in the UI.
        can_subset=True,
        pool=policy.POOL,
    )
    def conform(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> Iterator[dg.MaterializeResult]:
        from via_pipeline.pilots import conform as room

        home = installation.home()
        attempt = guard.guarded(context, lambda: room.refresh(home, contract))
        checked = {key.asset_key for key in context.selected_asset_check_keys}
        for table in tables:
            key = dg.AssetKey(table.lake_table)
            if key in context.selected_asset_keys:
                yield dg.MaterializeResult(
                    asset_key=key,
                    metadata=_table_figures(home, contract, table),
                    check_results=[attempt.check(table.lake_table)] if key in checked else [],
                )

    return conform


def _outcomes(contract: Contract) -> dg.AssetsDefinition:
    name = f"outcomes__{contract.source}"

    @dg.multi_asset(
        name=name,
        specs=[
            _spec(
                contract,
                name,
                "First outcomes of the pilot: counts, shares and means with n and period. "
                "Not yet disclosure-checked: restricted.",
                # The design of a site, from the register, says what its figures may claim.
                deps=[
                    *(table.lake_table for table in conformed(contract)),
                    "register__locatie",
                    *objecting([contract]),
                ],
                metadata={"dagster/table_name": name},
            )
        ],
        check_specs=[guard.processed_spec(name)],
        pool=policy.POOL,
    )
    def outcomes(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        from via_pipeline.outcomes.run import refresh

        home = installation.home()
        attempt = guard.guarded(context, lambda: refresh(home, contract.source))
        return dg.MaterializeResult(
            asset_key=name,
            metadata=metadata.lake_figures(home, name) | {"engine": heavy.label()},
            check_results=[attempt.check(name)],
        )

    return outcomes


def _this_run(summary: Any) -> dict[str, int]:
    """What intake did in this very run; ``deferred`` files were still changing."""
    if summary is None:
        return {}
    return {
        "new_now": len(summary.new),
        "duplicates_now": len(summary.duplicates),
        "unreadable_now": len(summary.rejected),
        "deferred": len(summary.deferred),
    }


def _ledger_figures(home: Home, contract: Contract) -> dict[str, Any]:
    """What the ledger knows of the source after this step; all plain, so that the UI plots it."""
    from via_pipeline.intake.ledger import Ledger

    rows = Ledger(home.ledger).rows(contract.source)
    statuses = [row.status.value for row in rows]
    return {
        "files_seen": len(rows),
        "duplicates": statuses.count("duplicate"),
        "superseded": statuses.count("superseded"),
        "waiting_for_judgement": statuses.count("received"),
        "rows_in": sum(row.rows_in for row in rows if row.status.value != "duplicate"),
        "bytes": sum(row.bytes for row in rows),
        "deliveries": metadata.markdown_table(
            ["ontvangen", "bestand", "status", "rijen", "grootboek-id"],
            (
                [row.received, row.file_name, row.status.value, row.rows_in, row.delivery_id]
                for row in reversed(rows)
            ),
        ),
    }


def _quality_figures(home: Home, contract: Contract, results: list[Any]) -> dict[str, Any]:
    from via_pipeline.intake.ledger import Ledger

    rows = Ledger(home.ledger).rows(contract.source)
    statuses = [row.status.value for row in rows]
    in_force = [row for row in rows if row.is_in_force]
    pages = [
        (result, home.reports / "validation" / f"{result.delivery_id}.html") for result in results
    ]
    figures: dict[str, Any] = {
        "accepted": statuses.count("accepted") + statuses.count("accepted_with_warnings"),
        "accepted_with_warnings": statuses.count("accepted_with_warnings"),
        "rejected": statuses.count("rejected"),
        "duplicates": statuses.count("duplicate"),
        "rows_accepted": sum(row.rows_accepted or 0 for row in in_force),
        "rows_quarantined": sum(row.rows_quarantined or 0 for row in in_force),
        **_rules(results),
        "verdicts": metadata.markdown_table(
            ["bestand", "oordeel", "rijen", "geaccepteerd", "quarantaine", "pagina"],
            (
                [
                    result.file_name,
                    result.verdict.value,
                    sum(count.rows_in for count in result.counts),
                    sum(count.accepted for count in result.counts),
                    sum(count.quarantined for count in result.counts),
                    metadata.relative(home, page),
                ]
                for result, page in pages
            ),
        ),
    }
    failing = [page for result, page in pages if result.verdict.value == "rejected"]
    for page in (failing or [page for _, page in pages])[-1:]:
        figures["validation_page"] = metadata.relative(home, page)
    return figures


def _rules(results: list[Any]) -> dict[str, Any]:
    """How many rules were looked at and how many fail, over the newest deliveries; plotted."""
    looked = [rule.passed for result in results for rule in result.rules]
    return {
        "rules_evaluated": len(looked),
        "rules_failed": looked.count(False),
        "rules_passed_pct": round(100 * looked.count(True) / len(looked), 1) if looked else 100.0,
    }


def _table_figures(home: Home, contract: Contract, table: Table) -> dict[str, Any]:
    from via_pipeline.intake.ledger import Ledger

    current = Ledger(home.ledger).current(contract.source)
    return metadata.lake_figures(home, table.lake_table) | {
        "deliveries_in_force": len(current),
        "in_force": metadata.markdown_table(
            ["bestand", "ontvangen", "peildatum", "rijen geaccepteerd", "vervangt"],
            (
                [row.file_name, row.received, row.peildatum, row.rows_accepted, row.supersedes]
                for row in current
            ),
        ),
    }
