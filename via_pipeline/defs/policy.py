"""What holds for every asset, said once: its room, its owners, how fresh it must be, retries.

Belongs here: policy by room. Does not belong here: what one asset is (its description, columns).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta

import dagster as dg

from via_pipeline.contracts.model import Contract

DATA_TEAM = "team:via-data"
POOL = "via_home"

# A nightly run at 02:00 that fails leaves assets one day old by the next working morning: warn
# then, and fail when a second night passes.
_FRESH = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
)

# What is inside, as the UI shows it. Formats of landing come from the contract.
_KINDS = {
    "intake": {"python", "parquet"},
    "quality": {"greatexpectations", "duckdb"},
    "pilots": {"duckdb", "parquet"},
    "register": {"duckdb", "parquet"},
    "reference": {"duckdb", "parquet"},
    "outcomes": {"duckdb", "parquet"},
    "diversity": {"duckdb", "parquet"},
    "context": {"duckdb", "parquet"},
    "disclosure": {"duckdb", "parquet"},
    "privacy": {"python"},
    "serving": {"duckdb"},
    "status": {"html", "jinja"},
    "letters": {"csv", "parquet"},
}


def room(key: dg.AssetKey) -> str:
    """The room of an asset: the part of its name before the double underscore."""
    return key.path[-1].split("__")[0]


def owners(contract: Contract) -> list[str]:
    """The team that answers for a source's content (from its contract), and ours."""
    plain = unicodedata.normalize("NFKD", contract.owner).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return [f"team:{slug}", DATA_TEAM]


def applied(spec: dg.AssetSpec) -> dg.AssetSpec:
    """``spec`` with the policy of its room; what the spec says itself stands."""
    name = room(spec.key)
    made_here = name != "landing"
    return spec.replace_attributes(
        group_name=name,
        owners=spec.owners or [DATA_TEAM],
        kinds=spec.kinds or _KINDS.get(name, set()),
        freshness_policy=_FRESH if made_here and spec.partitions_def is None else None,
    )
