"""Tables as cells: which columns count people, which place a cell, what was hidden.

Belongs here: the conventions that anyone reads off the published dictionary. Does not belong here:
the sums (``sums``) and the attacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from attack.publication import Row, Table

WHOLE_SITE, WHOLE_GROUP, CROSSED = "alle", "totaal", "×"
HIDDEN, SECONDARY, NOT_APPLICABLE = "c", "aanvullend", "z"
MINIMUM = 10
"""The smallest number of people that may show; anyone can read it in the open source."""

_SITES = ("locatie",)
_BREAKDOWNS = (("groep_soort", "groep"), ("kenmerk", "subgroep"), ("ladder", "trede"))
_POPULATION = ("populatie_soort", "populatie", "sbi_versie")
_KEYS = (
    ("pilot_id", "bron", "locatie", "periode", "groep_soort", "groep", "maat"),
    ("organisatie", "peildatum", "kenmerk", "subgroep", "indeling", "categorie"),
    ("pilot_id", "locatie", "leesdatum", "uitkomst", "horizon", "groep_soort", "groep", "reeks"),
    ("pilot_id", "locatie"),
    ("organisatie", "peildatum", "sleutel_soort"),
    (*_POPULATION, "peildatum", "ladder", "trede", "indeling", "noemer", "categorie"),
    (
        *(*_POPULATION, "peildatum_van", "peildatum", "ladder", "trede", "stroom"),
        *("indeling", "categorie"),
    ),
    (
        *(*_POPULATION, "peildatum", "periode", "indeling", "vergelijking", "vergelijking_met"),
        *("methode", "vintage", "categorie"),
    ),
    (*_POPULATION, "peildatum", "indeling", "categorie"),
)
_COUNTS = ("n", "deelnemers_n")
_ARMS = ("n_interventie", "n_vergelijking")
_VALUES = ("waarde", "aandeel_pct")
# Tables that count organisations or repeat what was public already, told by a column of theirs.
_NOT_PEOPLE = {"omschrijving", "werkloosheid_pct", "overname_id", "maatregel_id"}


@dataclass(frozen=True)
class Shape:
    """How a table is laid out. Two tables of one shape speak of the same cells."""

    key: tuple[str, ...]
    counts: tuple[str, ...]
    numerator: str | None
    value: str | None
    site: str | None
    breakdown: tuple[str, str] | None
    parts: str | None


@dataclass(frozen=True)
class Cell:
    """One published row (one arm of it): its place, and what is told of it.

    ``place`` is the key with names; ``deliveries`` is what the row says it rests on, so that two
    editions with the same deliveries speak of the same people. ``rule`` is set when hidden, and
    ``width`` is how uncertain it is promised to stay then.
    """

    where: str
    shape: Shape
    place: tuple[tuple[str, str], ...]
    deliveries: str
    kind: str
    count: int | None
    numerator: int | None
    value: str | None
    status: str | None
    rule: str | None
    unit: str = ""
    sector: str = ""
    organisations: int | None = None
    width: int = 1

    @property
    def at(self) -> dict[str, str]:
        """The place as a mapping."""
        return dict(self.place)

    @property
    def address(self) -> str:
        """The place in one line."""
        return " / ".join(value for _, value in self.place)


def shape_of(table: Table, others: Sequence[Table] = ()) -> Shape | None:
    """The shape of ``table``, or nothing when it does not count people.

    The key is what the package says, else that of another table with the same columns, else one of
    the known ones.
    """
    columns = set(table.columns)
    counts = tuple(name for name in (*_COUNTS, *_ARMS) if name in columns)
    if "vergelijking" in columns:
        # What a population is held beside is a row of another table.
        counts = ("n",)
    if not counts or columns & _NOT_PEOPLE:
        return None
    alike = [one.key for one in (table, *others) if one.key and set(one.columns) == columns]
    known = [key for key in _KEYS if columns.issuperset(key)]
    if not alike and not known:
        return None
    key = (alike or known)[0]
    return Shape(
        key=key,
        counts=counts,
        numerator="teller" if "teller" in columns else None,
        value=next((name for name in _VALUES if name in columns), None),
        site=next((name for name in _SITES if name in key), None),
        breakdown=next((pair for pair in _BREAKDOWNS if columns.issuperset(pair)), None),
        # Of a flow each origin group has a denominator of its own.
        parts="categorie" if "categorie" in key and "stroom" not in key else None,
    )


def cells(table: Table, shape: Shape) -> Iterator[Cell]:
    """The cells of ``table``, in its order; a row with two arms is two cells."""
    for row in table.rows:
        for column in shape.counts:
            place = [(name, row[name] or "") for name in shape.key if name != "reeks"]
            if column in _ARMS:
                place.append(("arm", column.removeprefix("n_")))
            yield Cell(
                where=table.where,
                shape=shape,
                place=tuple(place),
                deliveries=row.get("leveringen") or "",
                kind=_kind(row, shape),
                count=_whole(row[column]),
                numerator=_whole(row[shape.numerator]) if shape.numerator else None,
                value=row[shape.value] if shape.value else None,
                status=row.get("waarde_status"),
                rule=(row.get("regel") or "?") if row.get("waarde_status") == HIDDEN else None,
                unit=row.get("eenheid_statistiek") or "",
                sector=row.get("sector") or "",
                organisations=_whole(row.get("organisaties")),
                width=table.width,
            )


def _kind(row: Row, shape: Shape) -> str:
    return row.get("soort") or ("aandeel" if shape.numerator else "aantal")


def _whole(text: str | None) -> int | None:
    return None if text is None else int(float(text))
