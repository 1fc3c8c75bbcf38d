"""What anyone knows of the tables of cultural diversity: the same people stand in several of them.

Belongs here: which figures of those tables are one figure, which add up, and columns worked out
from two rows. All of it is read off the published words and columns. Does not belong here: sums
within one table (``sums``), solving (``intervals``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from attack.cells import MINIMUM, WHOLE_GROUP, WHOLE_SITE, Cell
from attack.findings import Finding, Severity
from attack.publication import Row, Table

Placed = tuple[Cell, Mapping[str, int]]
"""A cell with the numbers of its quantities: N, and T of a share."""

_SELF = "organisatie"
_LADDER = "functieniveau"
_WHO = ("populatie_soort", "populatie", "sbi_versie")
_GROUP = ("indeling", "categorie")


def equal(placed: Sequence[Placed]) -> Iterator[tuple[str, int, tuple[int, ...]]]:
    """Figures that are one figure, or that add up: (what is assumed, total, parts)."""
    for cells in _by_publication(placed).values():
        ladder = _index(cells, "noemer")
        yield from _alike(cells, ladder)
        yield from _of_one_day(cells, ladder)
        yield from _members(cells)


def attack(tables: Sequence[Table], placed: Sequence[Placed], value_of) -> list[Finding]:
    """Differences of few people between these tables, and columns that tell a hidden row.

    ``value_of`` gives the published value of a quantity, or None.
    """
    found = list(_worked_out(tables))
    for publication, cells in _by_publication(placed).items():
        for name, one, other in _nearly(cells):
            more, fewer = value_of(one), value_of(other)
            if more is not None and fewer is not None and 0 < abs(more - fewer) < MINIMUM:
                told = f"{abs(more - fewer)} people: {more} and {fewer}"
                found.append(Finding(Severity.HIGH, "nearly the same", publication, name, told))
    return found


def _by_publication(placed: Sequence[Placed]) -> dict[str, list[Placed]]:
    found: dict[str, list[Placed]] = defaultdict(list)
    for cell, quantities in placed:
        if "indeling" in cell.at or "sleutel_soort" in cell.at or cell.at.get("pilot_id") == "P4":
            found[cell.where.rpartition("/")[0]].append((cell, quantities))
    return found


def _index(cells: Sequence[Placed], column: str) -> dict[tuple, Mapping[str, int]]:
    """Quantities of the table that has ``column`` in its key: by who, day, rung and group."""
    found = {}
    for cell, quantities in cells:
        at = cell.at
        if column in at and quantities:
            who = tuple(at[name] for name in _WHO)
            found[*who, at["peildatum"], at["trede"], at["indeling"], at["categorie"]] = quantities
    return found


def _alike(cells: Sequence[Placed], ladder: Mapping[tuple, Mapping[str, int]]) -> Iterator:
    """One figure by two names: on the ladder, of an organisation, over time, beside others."""
    own = {key[1:2] + key[3:]: value for key, value in ladder.items() if key[0] == _SELF}
    series = {}
    for cell, quantities in cells:
        at = cell.at
        if cell.shape.key[-1] == "categorie" and _kind(at) == "series" and at[_WHO[0]] == _SELF:
            series[at["populatie"], at["peildatum"], at["indeling"], at["categorie"]] = quantities
    for cell, quantities in cells:
        at = cell.at
        match _kind(at):
            case "organisation" if at["kenmerk"] == _LADDER:
                key = (at["organisatie"], at["peildatum"], at["subgroep"])
                other = own.get((*key, at["indeling"], at["categorie"]))
            case "organisation" if at["kenmerk"] == WHOLE_GROUP:
                key = (at["organisatie"], at["peildatum"])
                other = series.get((*key, at["indeling"], at["categorie"]))
            case "beside":
                who = tuple(at[name] for name in _WHO)
                group = tuple(at[name] for name in _GROUP)
                other = ladder.get((*who, at["peildatum"], WHOLE_GROUP, *group))
            case _:
                continue
        for what in "NT":
            if other and what in quantities and quantities[what] != other.get(what):
                yield "one figure", quantities[what], (other[what],)


def _of_one_day(cells: Sequence[Placed], ladder: Mapping[tuple, Mapping[str, int]]) -> Iterator:
    """Who can move are an origin group of the ladder, of an organisation by itself."""
    subgroups: dict[tuple, list[int]] = defaultdict(list)
    for cell, quantities in cells:
        at = cell.at
        if _kind(at) == "flow" and at[_WHO[0]] == _SELF and "N" in quantities:
            day = at["peildatum" if at["stroom"] == "instroom" else "peildatum_van"]
            key = (*(at[name] for name in _WHO), day, at["trede"])
            other = ladder.get((*key, at["indeling"], at["categorie"]))
            if other and "T" in other:
                yield "who moves", quantities["N"], (other["T"],)
        if _kind(at) == "organisation" and at["kenmerk"] not in (WHOLE_GROUP, _LADDER):
            for what in "NT":
                key = (at["organisatie"], at["peildatum"], at["kenmerk"], what)
                group = at["indeling"], at["categorie"]
                subgroups[*key, *group] += [quantities[what]] if what in quantities else []
    for (name, day, _, what, *group), parts in subgroups.items():
        for key, whole in ladder.items():
            if key[:2] == (_SELF, name) and key[3:] == (day, WHOLE_GROUP, *group):
                yield "subgroups", whole[what], tuple(sorted(set(parts)))


def _members(cells: Sequence[Placed]) -> Iterator:
    """Organisations of a sector, sectors of the whole: where as many are named as there are."""
    size: dict[tuple, int] = {}
    within: dict[tuple, list[Placed]] = defaultdict(list)
    wholes: list[tuple[Placed, tuple]] = []
    for cell, quantities in cells:
        at = cell.at
        if not set(_WHO) <= set(at) or "vergelijking" in at or not quantities:
            continue
        who = tuple(at[name] for name in _WHO)
        rest = tuple(pair for pair in cell.place if pair[0] not in _WHO)
        if _kind(at) == "series" and cell.organisations:
            size[who, at["peildatum"]] = cell.organisations
        above = {
            _SELF: ("sector", cell.sector, at["sbi_versie"]),
            "sector": (WHOLE_SITE, WHOLE_SITE, WHOLE_SITE),
        }.get(at[_WHO[0]])
        if above:
            within[above, rest].append((cell, quantities))
        wholes.append(((cell, quantities), (who, rest)))
    for (cell, quantities), key in wholes:
        members = within.get(key, [])
        names = {tuple(one.at[name] for name in _WHO) for one, _ in members}
        days = [cell.at[name] for name in ("peildatum_van", "peildatum") if name in cell.at]
        told = [
            (size.get((key[0], day)), [size.get((name, day)) for name in names]) for day in days
        ]
        if not names or any(all_ is None or None in few or sum(few) != all_ for all_, few in told):
            continue
        for what in "NT":
            parts = {one[what] for _, one in members if what in one}
            if what in quantities and quantities[what] not in parts:
                yield "members", quantities[what], tuple(sorted(parts))


def _nearly(cells: Sequence[Placed]) -> Iterator[tuple[str, int, int]]:
    """Pairs of figures whose difference is people: second jobs, and origins that are not known."""
    table: dict[tuple, int] = {}
    for cell, quantities in cells:
        at = cell.at
        group = (at.get("peildatum"), at.get("indeling"), at.get("categorie"))
        for what, quantity in quantities.items():
            match _kind(at):
                case "series":
                    table["jobs", what, at["populatie_soort"], at["populatie"], *group] = quantity
                case "ladder" if at["trede"] == WHOLE_GROUP:
                    table["people", what, at["populatie_soort"], at["populatie"], *group] = quantity
    for key, quantity in table.items():
        other = table.get(("people", *key[1:]))
        if key[0] == "jobs" and other is not None:
            yield " / ".join(map(str, key[2:])), quantity, other
    for cell, quantities in cells:
        at = cell.at
        if at.get("maat") in ("werknemers", "banen") and "N" in quantities:
            kind = "people" if at["maat"] == "werknemers" else "jobs"
            yield from _unknown(cells, cell, quantities["N"], kind)
        if "sleutel_soort" in at and "N" in quantities:
            for key, other in table.items():
                if key[:4] == ("jobs", "N", _SELF, at["organisatie"]) and key[4] == at["peildatum"]:
                    yield cell.address, quantities["N"], other


def _unknown(
    cells: Sequence[Placed], everybody: Cell, number: int, kind: str
) -> Iterator[tuple[str, int, int]]:
    """All people or jobs beside those with a known origin, of all organisations together."""
    at = everybody.at
    for cell, quantities in cells:
        other = cell.at
        if other.get("populatie_soort") != WHOLE_SITE or other.get("peildatum") != at["periode"]:
            continue
        is_ladder = kind == "people" and _kind(other) == "ladder" and other["trede"] == at["groep"]
        is_series = kind == "jobs" and _kind(other) == "series" and at["groep"] == WHOLE_GROUP
        if (is_ladder or is_series) and "N" in quantities and at["locatie"] == WHOLE_SITE:
            yield everybody.address, number, quantities["N"]


def _kind(at: Mapping[str, str]) -> str:
    """Which table a cell is of, by its key."""
    if "noemer" in at:
        return "ladder"
    if "stroom" in at:
        return "flow"
    if "vergelijking" in at:
        return "beside"
    if "kenmerk" in at:
        return "organisation"
    return "series" if {"populatie_soort", "peildatum"} <= set(at) else ""


def _worked_out(tables: Sequence[Table]) -> Iterator[Finding]:
    """A shown column that is worked out from a row that is hidden."""
    for table in tables:
        columns = set(table.columns)
        if {"vorig_aandeel_pct", "vorige_peildatum"} <= columns:
            yield from _second(
                table, table, ("vorig_aandeel_pct", "verschil_pp", "is_sprong"), _earlier
            )
        if "ratio_lager" in columns:
            yield from _second(table, table, ("ratio_lager", "ratio_lager_laag"), _below)
        if {"vergelijking_met", "aandeel_vergelijking_pct"} <= columns:
            place = table.where.rpartition("/")[0]
            for other in tables:
                if "ratio_lager" in other.columns and other.where.rpartition("/")[0] == place:
                    yield from _second(
                        table, other, ("aandeel_vergelijking_pct", "teller_vergelijking"), _beside
                    )


def _second(table: Table, other: Table, columns: Sequence[str], second) -> Iterator[Finding]:
    hidden = {_mark(row) for row in other.rows if row.get("teller") is None}
    for row in table.rows:
        mark = second(row)
        told = [name for name in columns if row.get(name) is not None]
        if told and mark in hidden:
            address = " / ".join(filter(None, mark))
            yield Finding(
                Severity.HIGH, "worked out", table.where, address, f"hidden, and in {told[0]}"
            )


def _mark(row: Row) -> tuple:
    names = ("populatie_soort", "populatie", "peildatum", "trede", "indeling", "categorie")
    return tuple(row.get(name) for name in names)


def _earlier(row: Row) -> tuple:
    return _mark({**row, "peildatum": row["vorige_peildatum"]})


def _below(row: Row) -> tuple:
    trede = row["trede"] or ""
    return _mark({**row, "trede": str(int(trede) - 1) if trede.isdigit() else None})


def _beside(row: Row) -> tuple:
    return _mark(
        {
            **row,
            "populatie_soort": row["vergelijking"],
            "populatie": row["vergelijking_met"],
            "trede": WHOLE_GROUP,
        }
    )
