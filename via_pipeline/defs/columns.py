"""Columns of every table as the UI shows them: type, Dutch words, and where each comes from.

Belongs here: bringing together what the rooms declare of their tables; the words of tables inside
the house (``columns.yaml``). Does not belong here: a table's content. Nothing is read but
declarations, so that a lineage is what the code says and tells nothing of a row.

A column comes from, in this order: what the contract, the measures, the analysis plans,
``datasets.yaml`` or ``contents.yaml`` say; the upstream columns of its own name; what ``rest`` in
``columns.yaml`` says of its table. SQL in declarations is not parsed: every upstream column that it
names counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from via_pipeline.contracts import model
from via_pipeline.contracts.declared import LOADER
from via_pipeline.contracts.model import Contract, Table
from via_pipeline.defs.automation import LETTER
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import Dataset, load_datasets
from via_pipeline.fingerprint import PACKAGE

BI_FILE = "serving__bi_file"
Columns = Mapping[str, str]
Origins = dict[str, list[tuple[str, str]]]
"""Column to the (asset, column) pairs that it comes from."""

_FILE = Path(__file__).with_suffix(".yaml")
_TYPES = Path(__file__).with_name("column_types.yaml")
_MEASURES = PACKAGE / "outcomes" / "measures"
_WORD = re.compile(r"[A-Za-z_]\w*")
# Of a dataset: what disclosure control itself writes, by looking at the figures.
_CLOSING = ("waarde_status", "regel")
# What disclosure control writes about a release, and declares as SQL only (disclosure.record).
_OF_THE_RELEASE = {
    "breedte": "BIGINT",
    "uitgesplitst_vanaf": "BIGINT",
    "is_grover": "BOOLEAN",
    "cellen": "BIGINT",
    "verborgen": "BIGINT",
    "waarde_verloren_pct": "BIGINT",
    "niet_veilig": "BIGINT",
    "is_synthetisch": "BOOLEAN",
}
_NUMBERS = ("BIGINT", "DECIMAL", "DOUBLE")
# What a table says of the deliveries among its rows.
_OF_DELIVERY = ("peildatum", "leveringen", "is_synthetisch")


def _read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), LOADER)  # noqa: S506 (a safe one)


@cache
def _declared() -> dict[str, Any]:
    return _read(_FILE)


@cache
def _contract_tables() -> dict[str, tuple[Contract, Table]]:
    return {
        table.lake_table: (contract, table)
        for contract in model.load_all()
        for table in contract.tables
        if table.conformed
    }


@cache
def _datasets() -> dict[str, Dataset]:
    return {dataset.table: dataset for dataset in load_datasets()}


@cache
def computed() -> Mapping[str, Columns]:
    """Columns and DuckDB types of every table that no contract describes, by asset.

    From ``column_types.yaml``: the rooms that declare them import the engines, and a code location
    that loads must not wait for those. A test holds the file to the rooms (``declared``).
    """
    found: dict[str, Columns] = _read(_TYPES)
    # A source gets an outcome table by a file of measures, without any Python.
    outcome = found["outcomes__result"]
    own = {f"outcomes__{path.stem}": outcome for path in sorted(_MEASURES.glob("*.yaml"))}
    return found | own


def declared() -> dict[str, Columns]:
    """The same as the rooms declare it; imports their engines."""
    from via_pipeline.context import werkloosheid
    from via_pipeline.diversity import barometer, benchmark, counts, flow, ladder, linkage, trend
    from via_pipeline.letters.content import contents
    from via_pipeline.outcomes import compute, covid, effects, reach
    from via_pipeline.pilots import dekking, stand

    found: dict[str, Columns] = {
        "pilots__stand": stand.COLUMNS,
        "pilots__dekking": dekking.COLUMNS,
        "outcomes__result": compute.COLUMNS,
        "outcomes__bereik": reach.COLUMNS,
        "outcomes__covid": covid.COLUMNS,
        "outcomes__covid_gebeurtenis": covid.EVENT_COLUMNS,
        "outcomes__schatting": effects.PUBLISHABLE_COLUMNS,
        "context__werkloosheid": werkloosheid.COLUMNS,
        "diversity__telling": counts.COUNT_COLUMNS,
        "diversity__overgang": counts.MOVE_COLUMNS,
        "diversity__barometer": barometer.COLUMNS,
        "diversity__ladder": ladder.COLUMNS,
        "diversity__flow": flow.COLUMNS,
        "diversity__benchmark": benchmark.COLUMNS,
        benchmark.PUBLISHED: benchmark.PUBLISHED_COLUMNS,
        "diversity__trend": trend.COLUMNS,
        "diversity__koppeling": linkage.COLUMNS,
        **effects.TABLES,
    }
    for table, dataset in _datasets().items():
        source = found.get(dataset.source) or _types_of_contract(dataset.source)
        found[table] = {
            name: source.get(name) or _OF_THE_RELEASE.get(name, "VARCHAR")
            for name in dictionary.columns(dataset.name)
        }
    found[LETTER] = {
        f"{content.name}.{column}": found[content.dataset.table].get(column, "VARCHAR")
        for content in contents()
        if content.dataset
        for column in content.words
    }
    return {name: dict(columns) for name, columns in found.items()}


def _types_of_contract(name: str) -> Columns:
    known = _contract_tables().get(name)
    return known[1].conformed_types if known else {}


def columns_of(asset: str) -> list[str]:
    """The names of an asset's columns, in order; none where it is not a table.

    A file of several tables has ``table.column``.
    """
    if asset in _contract_tables():
        return list(_contract_tables()[asset][1].conformed_types)
    if asset.startswith("landing__"):
        return [name for name, _ in _landing(asset)]
    if asset == BI_FILE:
        return [
            f"{one.name}.{name}"
            for one in _datasets().values()
            for name in computed().get(one.table, {})
        ]
    return list(computed().get(asset, {}))


def words(asset: str, column: str) -> str:
    """The Dutch description of a computed column; "" where nobody wrote one.

    A missing word keeps nothing from running: a test asks for it.
    """
    dataset = next(
        (one.name for one in _datasets().values() if asset in (one.table, one.source)), None
    )
    if dataset is not None and column in dictionary.columns(dataset):
        return dictionary.columns(dataset)[column]
    own: Mapping[str, str] = _declared()["words"]
    if column in own:
        return own[column]
    for name in dictionary.tables():
        if column in dictionary.columns(name):
            return dictionary.columns(name)[column]
    return ""


def schema(asset: str) -> dg.TableSchema | None:
    """The columns of ``asset`` for the UI; None for what is no table, or is one of a contract."""
    if asset.startswith("landing__"):
        found = [(name, "tekst", text) for name, text in _landing(asset)]
    elif asset in (LETTER, BI_FILE):
        found = [
            (name, computed().get(asset, {}).get(name, ""), _words_in_file(name))
            for name in columns_of(asset)
        ]
    else:
        found = [
            (name, kind.lower(), words(asset, name))
            for name, kind in computed().get(asset, {}).items()
        ]
    if not found:
        return None
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name=name, type=kind or "string", description=text)
            for name, kind, text in found
        ]
    )


def lineage(asset: str, upstream: Iterable[str]) -> dg.TableColumnLineage | None:
    """Where the columns of ``asset`` come from; ``upstream`` are the assets it is made of."""
    found = {name: pairs for name, pairs in origins(asset, upstream).items() if pairs}
    if not found:
        return None
    return dg.TableColumnLineage(
        deps_by_column={
            name: [dg.TableColumnDep(dg.AssetKey(table), column) for table, column in pairs]
            for name, pairs in found.items()
        }
    )


@cache
def upstream_of() -> Mapping[str, tuple[str, ...]]:
    """What every asset is made of, by name, as its definition says."""
    from via_pipeline.defs.assemble import at_hand

    return {
        spec.key.to_user_string(): tuple(dep.asset_key.to_user_string() for dep in spec.deps)
        for spec in at_hand().resolve_all_asset_specs()
    }


def told(asset: str) -> dict[str, Any]:
    """The lineage of the columns of ``asset`` as metadata of its materialization."""
    found = lineage(asset, upstream_of().get(asset, ()))
    return {"dagster/column_lineage": found} if found else {}


def origins(asset: str, upstream: Iterable[str]) -> Origins:
    """The same in plain values."""
    if asset in _contract_tables():
        return _of_contract(*_contract_tables()[asset])
    if asset in (LETTER, BI_FILE):
        return _of_files(asset)
    if asset in _datasets():
        return _of_dataset(_datasets()[asset])
    if asset not in computed():
        return {}
    own = _declared()["made_of"].get(asset)
    no_column = _declared()["only_who_counts"]
    tables = {
        name: set(columns_of(name)) for name in own or sorted(upstream) if name not in no_column
    }
    declared = _of_declarations(asset)
    rest = [tuple(text.split(".")) for text in _declared()["rest"].get(asset, [])]
    found: Origins = {}
    for column, kind in computed()[asset].items():
        is_figure = own is not None and kind.startswith(_NUMBERS)
        same = (
            []
            if is_figure
            else [(name, column) for name, known in tables.items() if column in known]
        )
        found[column] = declared.get(column) or same or [(a, b) for a, b in rest]
    return found


def _of_contract(contract: Contract, table: Table) -> Origins:
    """Of a conformed column the column of the partner's file that it is made of."""
    landing = f"landing__{contract.source}"
    found: Origins = {}
    for person in table.persons:
        pairs = [(landing, f"{table.name}.{name}") for name in person.columns]
        found[f"{person.name}_id"] = found[f"{person.name}_id_soort"] = pairs
    for column in table.stored_columns:
        pairs = [(landing, f"{table.name}.{column.derived_from or column.name}")]
        found[column.name] = pairs
        if column.has_missing_kinds:
            found[f"{column.name}__ontbreekt"] = pairs
    return found


def _landing(asset: str) -> list[tuple[str, str]]:
    source = asset.removeprefix("landing__")
    if source not in model.source_names():
        return []
    return [
        (f"{table.name}.{column.name}", column.description)
        for table in model.load(source).tables
        for column in table.delivered_columns
    ]


def _of_dataset(dataset: Dataset) -> Origins:
    known = set(columns_of(dataset.source))
    figures = [name for name in (dataset.count, dataset.numerator, dataset.value) if name in known]
    figures += [arm.count for arm in dataset.arms if arm.count in known]
    return {
        column: [(dataset.source, name) for name in (figures if column in _CLOSING else [column])]
        for column in dictionary.columns(dataset.name)
        if column in _CLOSING or column in known
    }


def _words_in_file(name: str) -> str:
    """The words of ``table.column`` in a file of several tables."""
    table, _, column = name.partition(".")
    published = _contents().get(table, table)
    own: Mapping[str, str] = _declared()["words"]
    return dictionary.columns(published).get(column) or own.get(column, "")


@cache
def _contents() -> dict[str, str]:
    """Tables of a letter's package to the published dataset that each comes from."""
    path = PACKAGE / "letters" / "contents.yaml"
    return {name: item["from"] for name, item in _read(path).items() if "from" in item}


def _of_files(asset: str) -> Origins:
    """Of a file of several tables every ``table.column``: the protected column that it shows."""
    by_name = {dataset.name: dataset.table for dataset in load_datasets()}
    found: Origins = {}
    for name in columns_of(asset):
        table, _, column = name.partition(".")
        published = _contents().get(table, table)
        # A column that the package adds says something of the edition, not of a row.
        is_shown = column in dictionary.columns(published)
        found[name] = [(by_name[published], column)] if is_shown else []
    return found


@cache
def _of_declarations(asset: str) -> Origins:
    """What measures and analysis plans say: every column of a table that they name."""
    from via_pipeline.outcomes import compute, effects, plan

    source = asset.removeprefix("outcomes__")
    measures = compute.MEASURES / f"{source}.yaml"
    if asset.startswith("outcomes__") and measures.exists():
        read = compute.load_plan(source)
        tables = [name for name in _contract_tables() if name in f"{read.table} {read.relation}"]
        figures = [
            text
            for one in read.measures
            for text in (one.of, one.predicate, one.expression, one.distinct)
            if text
        ]
        named = {
            "locatie": _named(tables, [read.locatie or ""]),
            "periode": _named(tables, [read.periode]),
            "groep": _named(tables, read.dimensions.values()),
        }
        all_figures = _named(tables, [*figures, *read.filters]) + [
            (name, f"{person.name}_id")
            for name in tables
            for person in _contract_tables()[name][1].persons
            if any("{persoon}" in text for text in figures)
        ]
        of_figures = sorted(set(all_figures)) or [(name, "_row") for name in tables]
        return (
            named
            | {"groep_soort": named["groep"]}
            | {name: of_figures for name in ("n", "teller", "waarde")}
            | {name: [(table, "_delivery") for table in tables] for name in _OF_DELIVERY}
        )
    if asset in effects.TABLES or asset == "outcomes__schatting":
        text = " ".join(path.read_text("utf-8") for path in sorted(plan.PLANS.glob("*.yaml")))
        tables = [name for name in _contract_tables() if re.search(rf"\b{name}\b", text)]
        pairs = _named(tables, [text])
        # Keys and words come from the plan itself, figures from the rows that it names.
        figures = [
            name for name, kind in computed()[asset].items() if kind.startswith(("DEC", "BIG"))
        ]
        return {name: pairs for name in figures if name not in ("volgorde", "reeks")} | {
            name: [(table, "_delivery") for table in tables] for name in _OF_DELIVERY[1:]
        }
    return {}


def _named(tables: Iterable[str], texts: Iterable[str]) -> list[tuple[str, str]]:
    said = {word for text in texts for word in _WORD.findall(text)}
    return sorted(
        (table, column)
        for table in tables
        for column in _contract_tables()[table][1].conformed_types
        if column in said
    )
