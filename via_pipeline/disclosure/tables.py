"""The tables of a dataset on a connection: its rows read, and the protected table made of them.

Belongs here: SQL. Does not belong here: any decision (``release``), the lake (``run``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import Dataset, Rounding, RuleSet, Status
from via_pipeline.disclosure.sums import COUNT, SHARE, Row, TableError
from via_pipeline.storage.duck import literal, quoted

STATUS = "waarde_status"
RULE = "regel"
SYNTHETIC = "is_synthetisch"

_DECISIONS = "_besluiten"
_OWN_STATUS = "_eigen_status"

# Where there is no larger population and no row to compare with.
_NOTHING_BESIDE = "'', ''"


@dataclass(frozen=True)
class Decision:
    """What is hidden of one row, and what is told of it; nothing where the row keeps its figure."""

    row: int
    hides_count: bool
    hides_value: bool
    hides_compared: bool
    status: Status | None
    rule: str | None


def prepare(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """A copy of the rows to publish, numbered by key, on ``connection``.

    Raises:
        TableError: a column is missing or not described.
    """
    _number(connection, dataset, _columns(connection, dataset))


def rows(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[Row]:
    """The prepared rows, sorted by key, with the contributions that the source gives.

    Raises:
        TableError: something is there that the dataset says is impossible.
    """
    if any(
        connection.execute(
            f"SELECT count(*) FROM {_prepared(dataset)} "
            f"WHERE {_impossible(dataset, of)} AND {quoted(column)} <> 0"
        ).fetchone()
        != (0,)
        for of, column in (("n", dataset.count), ("teller", dataset.numerator))
        if column
    ):
        raise TableError(
            f"{dataset.source}: somebody is counted where datasets.yaml says that nobody can be "
            f"(impossible of {dataset.name})"
        )
    return read(
        connection,
        dataset,
        _prepared(dataset),
        "_nummer",
        largest=dataset.contributions,
        beside=_beside(dataset),
    )


def arms(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[list[Row]]:
    """The prepared rows once per arm, as shares of which only the counts are known."""
    return [
        _arm(
            connection,
            dataset,
            arm.count,
            quoted(arm.numerator),
            _prepared(dataset),
            "_nummer",
            beside=_beside(dataset),
        )
        for arm in dataset.arms
    ]


def read(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    source: str,
    order: str,
    *,
    largest: Sequence[str] = (),
    status: str | None = None,
    beside: str = _NOTHING_BESIDE,
) -> list[Row]:
    """Rows of ``source`` (SQL), laid out like the dataset, in the order of ``order`` (SQL).

    ``largest`` are columns of contributions and ``beside`` is SQL that tells of other rows, neither
    of which a published table has; ``status`` is the column that only a published table has.
    """
    absent = f"{quoted(dataset.absent_when_zero)} = 0" if dataset.absent_when_zero else "false"
    no_count, no_part = _impossible(dataset, "n"), _impossible(dataset, "teller")
    numbers = [
        f"CASE WHEN {absent} OR {no} THEN NULL ELSE {quoted(name) if name else 'NULL'} END"
        for name, no in (
            (dataset.count, no_count),
            (dataset.numerator, f"{no_count} OR {no_part}"),
            (dataset.value, no_count),
        )
    ]
    kind = quoted(dataset.kind) if dataset.kind else literal(SHARE if dataset.numerator else COUNT)
    found = connection.execute(
        f"SELECT [{', '.join(map(_text, dataset.key))}], {kind}, {', '.join(numbers)}, "
        f"{_deliveries(dataset)}, [{', '.join(map(quoted, largest))}], {no_count} OR {no_part}, "
        f"{_text(status) if status else literal('')}, {beside} FROM {source} ORDER BY {order}"
    ).fetchall()
    return [
        Row(
            *(tuple(key), kind, n, part, value, deliveries),
            largest=tuple(one for one in amounts if one is not None),
            is_impossible=no,
            status=told,
            inside=inside,
            compared=compared,
        )
        for key, kind, n, part, value, deliveries, amounts, no, told, inside, compared in found
    ]


def read_arms(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, source: str, order: str
) -> list[list[Row]]:
    """Rows of a published comparison (SQL ``source``) once per arm: only counts are told."""
    return [
        _arm(connection, dataset, arm.count, "NULL::BIGINT", source, order, status=STATUS)
        for arm in dataset.arms
    ]


def write(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    ruleset: RuleSet,
    decisions: Sequence[Decision],
) -> None:
    """Make table ``disclosure__<dataset>`` of the prepared rows."""
    _keep(connection, decisions)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {quoted(dataset.table)} AS "
        + _protected(dataset, ruleset, _columns(connection, dataset))
    )
    connection.execute(f"DROP TABLE {_DECISIONS}")


def forget(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Drop the prepared rows."""
    connection.execute(f"DROP TABLE IF EXISTS {_prepared(dataset)}")


def order_by(dataset: Dataset) -> str:
    """SQL that orders rows by the dataset's key, as texts; the same on every machine."""
    return ", ".join(_text(name) for name in dataset.key)


def _columns(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    """Columns to publish, after a look that source and description agree."""
    there = [name for name, *_ in connection.sql(f"FROM {quoted(dataset.source)}").description]
    described = [name for name in dictionary.columns(dataset.name) if name not in (STATUS, RULE)]
    # Columns that begin with _ are the lake's own (delivery and row of a conformed table).
    told = {*described, STATUS} if dataset.has_status else set(described)
    extra = [name for name in there if name not in told and not name.startswith("_")]
    missing = [name for name in described if name not in there and name != SYNTHETIC]
    if extra or missing:
        raise TableError(
            f"{dataset.source} and disclosure/columns.yaml differ: "
            f"not described {extra}, described but not there {missing}"
        )
    return described


def _number(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, columns: Sequence[str]
) -> None:
    """A copy of the rows to publish, numbered by key; a table of facts is not synthetic.

    What ``only`` leaves out is left out here: nothing after this can tell that it was there.
    """
    there = {name for name, *_ in connection.sql(f"FROM {quoted(dataset.source)}").description}
    selected = ", ".join(
        quoted(name) if name in there else f"false AS {quoted(name)}" for name in columns
    )
    inside = [*(arm.numerator for arm in dataset.arms), *dataset.contributions]
    inside += [one.column for one in (dataset.inside, dataset.compared) if one is not None]
    if missing := sorted(set(inside) - there):
        raise TableError(f"{dataset.source} lacks columns that datasets.yaml names: {missing}")
    selected += "".join(f", {quoted(name)}" for name in inside)
    selected += f", {STATUS if dataset.has_status else 'NULL::VARCHAR'} AS {_OWN_STATUS}"
    order = order_by(dataset)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_prepared(dataset)} AS "
        f"SELECT row_number() OVER (ORDER BY {order}) - 1 AS _nummer, {selected} "
        f"FROM (SELECT *, {_detailed(dataset)} AS _uitgesplitst FROM {quoted(dataset.source)}) "
        f"WHERE _uitgesplitst AND ({dataset.only or 'true'})"
    )


def _text(name: str) -> str:
    return f"coalesce(CAST({quoted(name)} AS VARCHAR), '')"


def _detailed(dataset: Dataset) -> str:
    """SQL: whether a row may be there at all, by the size of the site that it breaks down."""
    if dataset.detail is None or dataset.sites is None or dataset.breakdown is None:
        return "true"
    within = ", ".join(quoted(name) for name in dataset.detail.within)
    return (
        f"({quoted(dataset.sites.column)} = {literal(dataset.sites.whole)} "
        f"OR ({quoted(dataset.breakdown.names)} = {literal(dataset.breakdown.whole)} "
        f"AND {quoted(dataset.kind or '')} = {literal(COUNT)}) "
        f"OR max({quoted(dataset.count or '')}) OVER (PARTITION BY {within}) "
        f">= {dataset.detail.minimum})"
    )


def _impossible(dataset: Dataset, of: str) -> str:
    """SQL: whether a row is one where nobody can be counted."""
    tests = [
        "("
        + " AND ".join(f"{_text(name)} = {literal(is_)}" for name, is_ in one.where.items())
        + ")"
        for one in dataset.impossible
        if one.of == of
    ]
    return "(" + (" OR ".join(tests) or "false") + ")"


def _prepared(dataset: Dataset) -> str:
    return quoted(f"_te_beveiligen_{dataset.name}")


def _beside(dataset: Dataset) -> str:
    """SQL: the larger population of a prepared row, and the row that it is compared with."""
    columns = (
        dataset.inside and dataset.inside.column,
        dataset.compared and dataset.compared.column,
    )
    return ", ".join(_text(name) if name else "''" for name in columns)


def _deliveries(dataset: Dataset) -> str:
    column = dataset.deliveries or dataset.rests_on
    return f"coalesce({quoted(column)}, '')" if column else "''"


def _arm(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    count: str,
    numerator: str,
    source: str,
    order: str,
    *,
    status: str | None = None,
    beside: str = _NOTHING_BESIDE,
) -> list[Row]:
    found = connection.execute(
        f"SELECT [{', '.join(map(_text, dataset.key))}], {quoted(count)}, {numerator}, "
        f"{_deliveries(dataset)}, {_text(status) if status else literal('')}, {beside} "
        f"FROM {source} ORDER BY {order}"
    ).fetchall()
    return [
        Row(tuple(key), SHARE, n, part, None, told, status=own, inside=inside, compared=compared)
        for key, n, part, told, own, inside, compared in found
    ]


def _keep(connection: duckdb.DuckDBPyConnection, decisions: Sequence[Decision]) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_DECISIONS} "
        "(_nummer BIGINT, _n BOOLEAN, _w BOOLEAN, _v BOOLEAN, _status VARCHAR, _regel VARCHAR)"
    )
    # Whole columns at once: row by row takes a hundred times as long.
    connection.execute(
        f"INSERT INTO {_DECISIONS} SELECT unnest(?::BIGINT[]), unnest(?::BOOLEAN[]), "
        "unnest(?::BOOLEAN[]), unnest(?::BOOLEAN[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [
            [item.row for item in decisions],
            [item.hides_count for item in decisions],
            [item.hides_value for item in decisions],
            [item.hides_compared for item in decisions],
            [item.status and str(item.status) for item in decisions],
            [item.rule for item in decisions],
        ],
    )


def _protected(dataset: Dataset, ruleset: RuleSet, columns: Sequence[str]) -> str:
    absent = f"{quoted(dataset.absent_when_zero)} = 0" if dataset.absent_when_zero else "false"
    shown = []
    for name in columns:
        if name in dataset.numbers:
            is_compared = dataset.compared is not None and name in dataset.compared.columns
            hidden = "_n" if name == dataset.count else "_v" if is_compared else "_w"
            shown.append(
                f"CASE WHEN coalesce({hidden}, false) OR ({absent}) THEN NULL "
                f"ELSE {_rounded(dataset, ruleset, name)} END AS {quoted(name)}"
            )
        else:
            shown.append(quoted(name))
    figure = dataset.value or dataset.count
    unavailable = f"{quoted(figure)} IS NULL OR ({absent})" if figure else "false"
    is_zero = _rounds_to_zero(dataset, ruleset)
    return (
        f"SELECT {', '.join(shown)}, "
        f"coalesce(_status, {_OWN_STATUS}, "
        f"CASE WHEN {unavailable} THEN {literal(Status.UNAVAILABLE)} "
        f"WHEN {is_zero} THEN {literal(Status.ROUNDS_TO_ZERO)} END) AS {STATUS}, "
        f"_regel AS {RULE} "
        f"FROM {_prepared(dataset)} LEFT JOIN {_DECISIONS} USING (_nummer) ORDER BY _nummer"
    )


def _rounded(dataset: Dataset, ruleset: RuleSet, name: str) -> str:
    """A count rounded to the rule set's base; what rounds to 0 from above is NULL.

    Half up to the nearest multiple, as CBS does; or to the middle of the interval up to the next
    multiple (six: 1 to 6 is 3, 7 to 12 is 9), as OpenSAFELY does ("midpoint 6 rounding",
    https://docs.opensafely.org/outputs/sdc/).
    """
    column, base = quoted(name), ruleset.rounding
    is_count = name in (dataset.count, dataset.numerator)
    if base == 1 or not (is_count or dataset.kind):
        return column
    whole = f"CAST({column} AS BIGINT)"
    if ruleset.rounded_to is Rounding.MIDPOINT:
        rounded = f"({whole} + {base - 1}) // {base} * {base} - {base // 2}"
    else:
        rounded = f"({whole} + {base // 2}) // {base} * {base}"
    result = f"CASE WHEN {column} > 0 THEN nullif({rounded}, 0) ELSE {column} END"
    if is_count:
        return result
    return (
        f"CASE WHEN {quoted(dataset.kind or '')} = {literal(COUNT)} THEN {result} ELSE {column} END"
    )


def _rounds_to_zero(dataset: Dataset, ruleset: RuleSet) -> str:
    if ruleset.rounding == 1 or not dataset.count or ruleset.rounded_to is Rounding.MIDPOINT:
        return "false"
    count = quoted(dataset.count)
    return f"{count} > 0 AND {count} < {ruleset.rounding - ruleset.rounding // 2}"
