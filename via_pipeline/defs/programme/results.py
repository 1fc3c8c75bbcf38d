"""What the programme knows inside the house: state, outcomes, diversity, context.

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
from via_pipeline.defs.source_assets import conformed, measured
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
                _register(contracts) + _of_pilots(contracts),
                _stand,
            ),
            _table(
                "outcomes__result",
                "**Uitkomsten van alle pilots**\n\nThe outcome tables of all sources, one after "
                "another; one row a measure, group, site and period.",
                [f"outcomes__{contract.source}" for contract in contracts if measured(contract)],
                _combine,
            ),
            _table(
                "diversity__barometer",
                "**Culturele diversiteit per organisatie**\n\nShares of jobs by origin, by both "
                "classifications of CBS, per organisation and characteristic.",
                [name for name in tables if name in _BAROMETER],
                _barometer,
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


_BAROMETER = ("pilots__p4_baan", "reference__land")


def _register(contracts: list[Contract]) -> list[str]:
    return [
        table.lake_table
        for contract in contracts
        if contract.source == "register"
        for table in conformed(contract)
    ]


def _of_pilots(contracts: list[Contract]) -> list[str]:
    return [
        table.lake_table
        for contract in contracts
        if contract.pilot
        for table in conformed(contract)
    ]


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


def _stand(home: Home) -> int:
    from via_pipeline.pilots import stand

    return stand.refresh(home)


def _combine(home: Home) -> int:
    from via_pipeline.outcomes.run import combine

    return combine(home)


def _barometer(home: Home) -> int:
    from via_pipeline.diversity.run import refresh

    return refresh(home)


def _context(home: Home) -> int:
    from via_pipeline.context.run import refresh

    return refresh(home)
