"""A code location of one asset, for tests where the webserver itself is the subject."""

import dagster as dg


@dg.asset
def voorbeeld() -> int:
    """Does nothing."""
    return 1


defs = dg.Definitions(assets=[voorbeeld], jobs=[dg.define_asset_job("klein")])
