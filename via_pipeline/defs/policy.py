"""What holds for every asset, said once: its room, its owners, how fresh it must be, retries.

Belongs here: policy by room. Does not belong here: what one asset is (its description, columns).
"""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import timedelta

import dagster as dg

from via_pipeline.contracts.model import Contract
from via_pipeline.defs import columns

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


DOCS_VARIABLE = "VIA_DOCS_URL"
_DOCS = {
    "landing": "contracts.md",
    "intake": "how-it-works.md",
    "quality": "contracts.md#quality-rules",
    "pilots": "how-it-works.md",
    "register": "how-it-works.md",
    "reference": "methods.md",
    "outcomes": "methods.md",
    "diversity": "diversity.md",
    "context": "methods.md",
    "disclosure": "disclosure.md",
    "privacy": "data-protection.md",
    "serving": "operate.md#what-bi-reads-and-going-back",
    "status": "operate.md#what-is-broken-right-now",
    "letters": "letters.md",
}
_DOCS_OF = {"letters__uitgave": "releasing.md", "diversity__peildatum": "workers.md"}


def room(key: dg.AssetKey) -> str:
    """The room of an asset: the part of its name before the double underscore."""
    return key.path[-1].split("__")[0]


def owners(contract: Contract) -> list[str]:
    """The team that answers for a source's content (from its contract), and ours."""
    plain = unicodedata.normalize("NFKD", contract.owner).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    return [f"team:{slug}", DATA_TEAM]


def doc_page(key: dg.AssetKey) -> str:
    """The page below ``docs/`` that explains an asset, with its anchor where it has one."""
    return _DOCS_OF.get(key.path[-1]) or _DOCS[room(key)]


def doc_link(page: str) -> str:
    """Markdown that leads to a page: a link where the pages are served, else its place."""
    base = os.environ.get(DOCS_VARIABLE, "").rstrip("/")
    if not base:
        return f"Documentatie: `docs/{page}`"
    file, _, anchor = page.partition("#")
    target = file.removesuffix(".md") + ".html" + (f"#{anchor}" if anchor else "")
    return f"Documentatie: [{file.removesuffix('.md')}]({base}/{target})"


def applied(spec: dg.AssetSpec) -> dg.AssetSpec:
    """``spec`` with the policy of its room; what the spec says itself stands."""
    name = room(spec.key)
    made_here = name != "landing"
    schema = columns.schema(spec.key.to_user_string())
    more = {"dagster/column_schema": schema} if schema else {}
    return spec.replace_attributes(
        description=f"{spec.description}\n\n{doc_link(doc_page(spec.key))}",
        metadata=more | dict(spec.metadata),
        group_name=name,
        owners=spec.owners or [DATA_TEAM],
        kinds=spec.kinds or _KINDS.get(name, set()),
        freshness_policy=_FRESH if made_here and spec.partitions_def is None else None,
    )
