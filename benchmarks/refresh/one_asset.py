"""The smallest code location there is: what Dagster's UI takes to start with nothing of ours."""

import dagster as dg


@dg.asset
def nothing() -> None:
    """It only has to be shown."""


defs = dg.Definitions(assets=[nothing])
