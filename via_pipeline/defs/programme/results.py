"""What the programme knows inside the house: state, outcomes, context.

Belongs here: the assets that join sources, before disclosure control; all of them restricted. Does
not belong here: a figure, or a rule for one (the rooms).
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Contract
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.resources import Installation
from via_pipeline.defs.source_assets import conformed, measured, objecting
from via_pipeline.storage.home import Home


@dg.definitions
def results() -> dg.Definitions:
    """The assets; their upstream follows from the contracts and the measures."""
    contracts = model.load_all()
    tables = [table.lake_table for contract in contracts for table in conformed(contract)]
    return dg.Definitions(
        assets=[
            _table(
                "pilots__stand",
                "**Stand van zaken**\n\nState of each pilot and site: phase, planned, target, "
                "realised, reach. From the register and the deliveries in force.",
                list(dict.fromkeys(_register(contracts) + _of_pilots(contracts))),
                _stand,
            ),
            _table(
                "pilots__dekking",
                "**Dekking van de leveringen**\n\nExpected, received, late, missing and rejected "
                "deliveries per source, with their rows; from the ledger and the calendars.",
                _of_pilots(contracts),
                _coverage,
            ),
            _table(
                "outcomes__result",
                "**Uitkomsten van alle pilots**\n\nThe outcome tables of all sources, one after "
                "another; one row a measure, group, site and period.",
                [f"outcomes__{contract.source}" for contract in contracts if measured(contract)],
                _combine,
            ),
            _table(
                "outcomes__bereik",
                "**Bereik**\n\nSchools, employers, municipalities and participants per pilot and "
                "period; planned, target, realised (register) and delivered apart.",
                ["register__doel", *_of_pilots(contracts)],
                _reach,
            ),
            _table(
                "outcomes__covid",
                "**Reeksen vóór en tijdens COVID-19**\n\nThe pilots' own monthly series; the jump "
                "at March 2020, without an interval where the series is too short for one.",
                [name for name in tables if name in _MONTHLY],
                _covid,
            ),
            _table(
                "outcomes__covid_gebeurtenis",
                "**Gebeurtenissen rond COVID-19**\n\nDated events of the plans, and interruptions "
                "of delivery that the ledger shows.",
                _of_pilots(contracts),
                _covid_events,
            ),
            _table(
                "context__werkloosheid",
                "**Werkloosheid naar achtergrond**\n\nCBS unemployment by background, the context "
                "of COVID-19; published figures with their source.",
                ["reference__werkloosheid"],
                _context,
            ),
        ]
    )


_MONTHLY = ("pilots__p3_sollicitatie", "pilots__p7_ww_periode", "pilots__p8_meting")


def _register(contracts: list[Contract]) -> list[str]:
    return [
        table.lake_table
        for contract in contracts
        if contract.source == "register"
        for table in conformed(contract)
    ]


def _of_pilots(contracts: list[Contract]) -> list[str]:
    pilots = [contract for contract in contracts if contract.pilot]
    tables = [table.lake_table for contract in pilots for table in conformed(contract)]
    return tables + objecting(pilots)


def _table(
    name: str, description: str, deps: list[str], refresh: Callable[[Home], Any]
) -> dg.AssetsDefinition:
    @dg.asset(
        name=name,
        description=description,
        deps=deps,
        metadata={"dagster/table_name": name},
        pool=policy.POOL,
        code_version=metadata.CODE_VERSION,
    )
    def table(
        context: dg.AssetExecutionContext, installation: Installation
    ) -> dg.MaterializeResult:
        home = installation.home()
        guard.told(context, lambda: refresh(home))
        return dg.MaterializeResult(metadata=metadata.lake_figures(home, name))

    return table


def _coverage(home: Home) -> int:
    from via_pipeline.pilots import dekking

    return dekking.refresh(home)


def _stand(home: Home) -> int:
    from via_pipeline.pilots import stand

    return stand.refresh(home)


def _combine(home: Home) -> int:
    from via_pipeline.outcomes.run import combine

    return combine(home)


def _reach(home: Home) -> int:
    from via_pipeline.outcomes.reach import refresh

    return refresh(home)


def _covid(home: Home) -> int:
    from via_pipeline.outcomes.covid import refresh

    return refresh(home)


def _covid_events(home: Home) -> int:
    from via_pipeline.outcomes.covid import refresh_events

    return refresh_events(home)


def _context(home: Home) -> int:
    from via_pipeline.context.run import refresh

    return refresh(home)
