"""A dataset made fit to publish: hidden numbers NULL, with a status and the rule that hid them.

Belongs here: reading a table from a connection, taking the decisions of ``primary`` and
``secondary``, writing the protected table on that connection. Does not belong here: the lake
(``run``). Pure but for the table it makes: same rows and rules, same result, whatever the order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from via_pipeline.disclosure import dictionary, primary, secondary
from via_pipeline.disclosure.model import SECONDARY, Dataset, Rule, RuleKind, RuleSet, Status
from via_pipeline.disclosure.system import COUNT, SHARE, Row, TableError, build
from via_pipeline.storage.duck import literal, quoted

STATUS = "waarde_status"
RULE = "regel"
SYNTHETIC = "is_synthetisch"

_NUMBERED = "_te_beveiligen"
_DECISIONS = "_besluiten"
_OWN_STATUS = "_eigen_status"


@dataclass(frozen=True)
class Decision:
    """What is hidden of one row, and what is told of it."""

    row: int
    hides_count: bool
    hides_value: bool
    status: Status
    rule: str


def protect(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, ruleset: RuleSet
) -> duckdb.DuckDBPyRelation:
    """Make table ``disclosure__<dataset>`` of ``dataset.source``, both on ``connection``.

    Columns: those that ``columns.yaml`` describes for the dataset, in that order; the last are
    ``waarde_status`` and ``regel``, NULL for a figure shown. Rows are ordered by the key.

    Raises:
        TableError: a column is missing or not described, a key is not unique, or the numbers of a
            row contradict each other. Nothing is published then.
    """
    columns = _columns(connection, dataset)
    _number(connection, dataset, columns)
    if dataset.arms:
        decisions = decide_by_arm(dataset, ruleset, _arms(connection, dataset))
    else:
        decisions = decide(dataset, ruleset, _rows(connection, dataset))
    _keep(connection, decisions)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {quoted(dataset.table)} AS "
        + _protected(dataset, ruleset, columns)
    )
    for helper in (_DECISIONS, _NUMBERED):
        connection.execute(f"DROP TABLE {helper}")
    return connection.sql(f"FROM {quoted(dataset.table)}")


def decide(dataset: Dataset, ruleset: RuleSet, rows: Sequence[Row]) -> list[Decision]:
    """What to hide of ``rows``, which are sorted by key; a row shown in full has no decision.

    Raises:
        TableError: see ``protect``.
    """
    if not ruleset.rules:
        return []
    system = build(dataset, rows)
    broken = primary.broken(dataset, ruleset, rows)
    small = set(system.is_withheld)
    for index, rules in broken.items():
        for rule in rules:
            kinds = "N" if primary.hides_count(rule) else "TCS"
            small |= {
                system.unknown_of[index, kind]
                for kind in kinds
                if (index, kind) in system.unknown_of
            }
    hidden = secondary.protect(system, small, _minima(ruleset))
    dark = {slot for unknown in hidden for slot in system.slots[unknown]}
    decisions = []
    for index in range(len(rows)):
        count = (index, "N") in dark
        value = count or any((index, kind) in dark for kind in "TCS")
        withheld = _is_withheld(dataset, rows[index])
        if value or withheld:
            told = _told(_withholding(ruleset) if withheld else broken.get(index, []))
            decisions.append(Decision(index, count, value, *told))
    return decisions


def decide_by_arm(
    dataset: Dataset, ruleset: RuleSet, arms: Sequence[Sequence[Row]]
) -> list[Decision]:
    """What to hide of comparisons: each arm has its count, and what hides one arm hides the row.

    ``arms`` holds the same rows once per arm, sorted by key.

    Raises:
        TableError: see ``protect``.
    """
    apart = dataset.model_copy(update={"key": (*dataset.key, "_arm")})
    rows = [
        replace(row, key=(*row.key, str(arm)))
        for together in zip(*arms, strict=True)
        for arm, row in enumerate(together)
    ]
    found: dict[int, Decision] = {}
    for item in decide(apart, ruleset, rows):
        row = item.row // len(arms)
        if row not in found or found[row].rule == SECONDARY:
            found[row] = Decision(row, True, True, item.status, item.rule)
    # A figure can stand in the table twice: as an outcome of its own and as a group of another.
    # What looks the same goes dark together; by coincidence that hides more, never less.
    looks = [
        tuple((row.count, row.numerator) for row in together)
        for together in zip(*arms, strict=True)
    ]
    dark = {looks[row] for row in found}
    for row, look in enumerate(looks):
        if look in dark and row not in found:
            found[row] = Decision(row, True, True, Status.CONFIDENTIAL, SECONDARY)
    return [found[row] for row in sorted(found)]


def _is_withheld(dataset: Dataset, row: Row) -> bool:
    withheld = dataset.withheld
    return withheld is not None and row.key[dataset.key.index(withheld.column)] == withheld.code


def _withholding(ruleset: RuleSet) -> list[Rule]:
    """The rule by which a room to the left withheld figures: the minimum count."""
    return [rule for rule in ruleset.rules if rule.kind is RuleKind.COUNT]


def _minima(ruleset: RuleSet) -> Mapping[str, int]:
    return {
        "N": ruleset.minimum(RuleKind.COUNT),
        "T": ruleset.minimum(RuleKind.NUMERATOR),
        "C": ruleset.minimum(RuleKind.REMAINDER),
    }


def _told(rules: Sequence[Rule]) -> tuple[Status, str]:
    """Status and published rule; confidential goes before unreliable."""
    if not rules:
        return Status.CONFIDENTIAL, SECONDARY
    first = min(rules, key=lambda rule: rule.status is not Status.CONFIDENTIAL)
    return first.status, first.published_as


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
    for arm in dataset.arms:
        selected += f", {quoted(arm.numerator)}"
    selected += f", {STATUS if dataset.has_status else 'NULL::VARCHAR'} AS {_OWN_STATUS}"
    order = order_by(dataset)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_NUMBERED} AS "
        f"SELECT row_number() OVER (ORDER BY {order}) - 1 AS _nummer, {selected} "
        f"FROM {quoted(dataset.source)} WHERE {dataset.only or 'true'}"
    )


def order_by(dataset: Dataset) -> str:
    """SQL that orders rows by the dataset's key, as texts; the same on every machine."""
    return ", ".join(_text(name) for name in dataset.key)


def _text(name: str) -> str:
    return f"coalesce(CAST({quoted(name)} AS VARCHAR), '')"


def _rows(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[Row]:
    absent = f"{quoted(dataset.absent_when_zero)} = 0" if dataset.absent_when_zero else "false"
    numbers = [
        f"CASE WHEN {absent} THEN NULL ELSE {quoted(name) if name else 'NULL'} END"
        for name in (dataset.count, dataset.numerator, dataset.value)
    ]
    kind = quoted(dataset.kind) if dataset.kind else literal(SHARE if dataset.numerator else COUNT)
    found = connection.execute(
        f"SELECT [{', '.join(map(_text, dataset.key))}], {kind}, {', '.join(numbers)} "
        f"FROM {_NUMBERED} ORDER BY _nummer"
    ).fetchall()
    return [Row(tuple(key), *rest) for key, *rest in found]


def _arms(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[list[Row]]:
    """The rows once per arm, as shares of which only the counts are known."""
    found = []
    for arm in dataset.arms:
        rows = connection.execute(
            f"SELECT [{', '.join(map(_text, dataset.key))}], {quoted(arm.count)}, "
            f"{quoted(arm.numerator)} FROM {_NUMBERED} ORDER BY _nummer"
        ).fetchall()
        found.append([Row(tuple(key), SHARE, count, part, None) for key, count, part in rows])
    return found


def _keep(connection: duckdb.DuckDBPyConnection, decisions: Sequence[Decision]) -> None:
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_DECISIONS} "
        "(_nummer BIGINT, _n BOOLEAN, _w BOOLEAN, _status VARCHAR, _regel VARCHAR)"
    )
    # Whole columns at once: row by row takes a hundred times as long.
    connection.execute(
        f"INSERT INTO {_DECISIONS} SELECT unnest(?::BIGINT[]), unnest(?::BOOLEAN[]), "
        "unnest(?::BOOLEAN[]), unnest(?::VARCHAR[]), unnest(?::VARCHAR[])",
        [
            [item.row for item in decisions],
            [item.hides_count for item in decisions],
            [item.hides_value for item in decisions],
            [str(item.status) for item in decisions],
            [item.rule for item in decisions],
        ],
    )


def _protected(dataset: Dataset, ruleset: RuleSet, columns: Sequence[str]) -> str:
    absent = f"{quoted(dataset.absent_when_zero)} = 0" if dataset.absent_when_zero else "false"
    shown = []
    for name in columns:
        if name in dataset.numbers:
            hidden = "_n" if name == dataset.count else "_w"
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
        f"FROM {_NUMBERED} LEFT JOIN {_DECISIONS} USING (_nummer) ORDER BY _nummer"
    )


def _rounded(dataset: Dataset, ruleset: RuleSet, name: str) -> str:
    """A count rounded to the rule set's base (half up); what rounds to 0 from above is NULL."""
    column, base = quoted(name), ruleset.rounding
    is_count = name in (dataset.count, dataset.numerator)
    if base == 1 or not (is_count or dataset.kind):
        return column
    rounded = f"(CAST({column} AS BIGINT) + {base // 2}) // {base} * {base}"
    result = f"CASE WHEN {column} > 0 THEN nullif({rounded}, 0) ELSE {column} END"
    if is_count:
        return result
    return (
        f"CASE WHEN {quoted(dataset.kind or '')} = {literal(COUNT)} THEN {result} ELSE {column} END"
    )


def _rounds_to_zero(dataset: Dataset, ruleset: RuleSet) -> str:
    if ruleset.rounding == 1 or not dataset.count:
        return "false"
    count = quoted(dataset.count)
    return f"{count} > 0 AND {count} < {ruleset.rounding - ruleset.rounding // 2}"
