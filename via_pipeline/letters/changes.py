"""What differs from the edition before, cell by cell, and why: the table ``wijzigingen``.

Only what was published is compared: a cell that is hidden in both editions is in neither, whatever
happened to the figure behind it.

Belongs here: comparing two snapshots, and giving each difference the reason that the provenance of
both tells. Does not belong here: making a snapshot of an older edition (``before``), words around
the table (``changelog``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import duckdb

from via_pipeline.disclosure.protect import RULE, STATUS
from via_pipeline.letters.address import CELL
from via_pipeline.letters.content import Content, own_table
from via_pipeline.letters.snapshot import Rows, Snapshot

TABLE = "wijzigingen"
WHOLE_ROW = "(rij)"
"""In ``kolom``: the row as a whole is new or gone."""

_DELIVERIES = "leveringen"
_READING = "leesdatum"
_NOT_COMPARED = {CELL, _DELIVERIES, RULE}
# Columns of any table that people keep in the register.
_KEPT = {
    *("thema", "korte_naam", "pilotlijn", "design", "claim", "fase", "status", "statustekst"),
    *("statustekst_bekend_op", "gepland", "doel", "gerealiseerd", "ontwerp", "budget"),
    *("voorwaarde", "evaluator", "locatie_naam", "locatie_soort"),
}
# Columns that change with the day, whatever was delivered.
_OF_THE_DAY = {"ontbreekt", "nog_niet_verwacht"}
_METHODS = {
    "contracten": "contract",
    "maten": "maten",
    "analyseplannen": "analyseplan",
    "onthullingsregels": "regels van onthullingscontrole",
}
_NAMED = 3


class Kind(StrEnum):
    """What happened to a row or cell."""

    NEW = "nieuw"
    GONE = "vervallen"
    CHANGED = "gewijzigd"


class Reason(StrEnum):
    """Why."""

    REVISED = "herziene_levering"
    DELIVERED = "nieuwe_levering"
    WITHDRAWN = "vervallen_levering"
    READING = "nieuwe_leesdatum"
    LATER = "later_gekeken"
    REGISTER = "register"
    DISCLOSURE = "onthullingscontrole"
    METHOD = "methode"
    CORRECTION = "correctie"
    UNKNOWN = "onbekend"


LABELS = {
    Reason.REVISED: "Een partner leverde een herziening",
    Reason.DELIVERED: "Er is een levering bijgekomen",
    Reason.WITHDRAWN: "Een levering telt niet meer mee",
    Reason.READING: "Het analyseplan had een nieuwe leesdatum",
    Reason.LATER: "De leesdatum van de brief is later: er had meer ontvangen moeten zijn",
    Reason.REGISTER: "Het programmaregister of de referentiegegevens zijn bijgewerkt",
    Reason.DISCLOSURE: "Het cijfer is nu verborgen of juist getoond, om andere te beschermen",
    Reason.METHOD: "De rekenwijze of de programmatuur is gewijzigd",
    Reason.CORRECTION: "Correctie",
    Reason.UNKNOWN: "Niet uit de herkomst af te leiden",
}


@dataclass(frozen=True)
class Change:
    """One difference. ``row`` is the key in words; values are as in the CSV, empty for none.
    ``deliveries`` are those that came or went.
    """

    table: str
    cell: str
    row: str
    column: str
    kind: Kind
    old: str
    new: str
    old_status: str
    new_status: str
    reason: Reason
    note: str
    deliveries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Why:
    """A reason, in words, with the deliveries that came or went."""

    reason: Reason
    note: str
    deliveries: tuple[str, ...] = ()


def compare(before: Snapshot, after: Snapshot, correction: str | None = None) -> list[Change]:
    """Every difference, in the order of tables, rows and columns of ``after``.

    ``correction`` is the public note of a correction; what nothing else explains is put down to
    it. Tables that only one of both has count as empty in the other.
    """
    why = _Reasons(before.origin, after.origin, correction)
    found: list[Change] = []
    for name in dict.fromkeys((*after.tables, *before.tables)):
        old, new = before.tables.get(name), after.tables.get(name)
        found += _table(name, old or new.without_rows(), new or old.without_rows(), why)  # type: ignore[union-attr]
    return found


def table(connection: duckdb.DuckDBPyConnection, changes: Sequence[Change]) -> Content:
    """Make the table on ``connection``."""
    return own_table(
        connection,
        name=TABLE,
        title="Wijzigingen ten opzichte van de vorige editie",
        description=(
            "Elk verschil met de vorige editie, cel voor cel, met de reden. Vergeleken is wat "
            "gepubliceerd is; over verborgen cijfers zegt de tabel niets."
        ),
        columns={
            "tabel": ("VARCHAR", "Tabel waarin iets veranderde."),
            CELL: ("VARCHAR", "Cel (rij) die veranderde, zoals in die tabel."),
            "rij": ("VARCHAR", "De sleutel van die rij, in woorden."),
            "kolom": ("VARCHAR", f"Kolom die veranderde; {WHOLE_ROW} is de hele rij."),
            "wat": ("VARCHAR", "Wat er gebeurde: nieuw, vervallen of gewijzigd."),
            "oud": ("VARCHAR", "Wat er in de vorige editie stond; leeg als dat niets was."),
            "nieuw": ("VARCHAR", "Wat er nu staat; leeg als dat niets is."),
            "oude_status": ("VARCHAR", "De waarde_status van de rij in de vorige editie."),
            "nieuwe_status": ("VARCHAR", "De waarde_status van de rij nu."),
            "reden": ("VARCHAR", "Waarom."),
            "toelichting": ("VARCHAR", "De reden in woorden, met de leveringen waar het om gaat."),
        },
        key=("tabel", CELL, "kolom"),
        rows=[
            (
                *(one.table, one.cell, one.row, one.column, str(one.kind)),
                *(one.old or None, one.new or None),
                *(one.old_status or None, one.new_status or None),
                *(str(one.reason), one.note),
            )
            # By key, as every published table: the order of rows tells nothing.
            for one in sorted(changes, key=lambda one: (one.table, one.cell, one.column))
        ],
    )


def _table(name: str, old: Rows, new: Rows, why: _Reasons) -> Iterator[Change]:
    columns = [c for c in new.columns if c not in _NOT_COMPARED and c not in new.key]
    for key, row in new.rows.items():
        was = old.rows.get(key)
        if was is None:
            yield _whole(name, new, row, Kind.NEW, why.of_row(None, row))
            continue
        for column in columns:
            if was.get(column, "") != row[column]:
                found = why.of_cell(was, row, column)
                yield Change(
                    name,
                    row[CELL],
                    _words(new, row),
                    column,
                    Kind.CHANGED,
                    was.get(column, ""),
                    row[column],
                    was.get(STATUS, ""),
                    row.get(STATUS, ""),
                    found.reason,
                    found.note,
                    found.deliveries,
                )
    for key, was in old.rows.items():
        if key not in new.rows:
            yield _whole(name, old, was, Kind.GONE, why.of_row(was, None))


def _whole(name: str, rows: Rows, row: Mapping[str, str], kind: Kind, why: Why) -> Change:
    status = row.get(STATUS, "")
    before, after = (status, "") if kind is Kind.GONE else ("", status)
    return Change(
        *(name, row[CELL], _words(rows, row), WHOLE_ROW, kind, "", "", before, after),
        *(why.reason, why.note, why.deliveries),
    )


def _words(rows: Rows, row: Mapping[str, str]) -> str:
    return " / ".join(row[name] or "-" for name in rows.key)


class _Reasons:
    """Why a row or cell differs, from the provenance of both editions."""

    def __init__(
        self, before: Mapping[str, Any], after: Mapping[str, Any], correction: str | None
    ) -> None:
        self._before = {item["levering"]: _key(item) for item in before.get("leveringen", [])}
        self._after = {item["levering"]: _key(item) for item in after.get("leveringen", [])}
        self._of_key = {key: delivery for delivery, key in self._before.items()}
        self._last_reading = str(before.get("leesdatum", ""))
        self._methods = list(_methods(before, after))
        self._correction = correction

    def of_row(self, was: Mapping[str, str] | None, row: Mapping[str, str] | None) -> Why:
        """The reason of a row that is new (``was`` None) or gone (``row`` None)."""
        there = row if row is not None else was
        assert there is not None
        if row is not None and row.get(_READING, "") > self._last_reading:
            return Why(Reason.READING, f"Leesdatum {row[_READING]}.")
        return self._by_delivery(was, row) or self._otherwise(there, Reason.REGISTER)

    def of_cell(self, was: Mapping[str, str], row: Mapping[str, str], column: str) -> Why:
        """The reason of a cell that differs."""
        if column in _KEPT:
            return self._otherwise({}, Reason.REGISTER)
        found = self._by_delivery(was, row)
        if found is not None:
            return found
        if column in _OF_THE_DAY:
            return Why(Reason.LATER, f"{LABELS[Reason.LATER]}.")
        if was.get(STATUS, "") != row.get(STATUS, "") and not self._methods:
            return Why(Reason.DISCLOSURE, f"{LABELS[Reason.DISCLOSURE]}.")
        return self._otherwise(row, Reason.REGISTER)

    def _by_delivery(
        self, was: Mapping[str, str] | None, row: Mapping[str, str] | None
    ) -> Why | None:
        old = set((was or {}).get(_DELIVERIES, "").split())
        new = set((row or {}).get(_DELIVERIES, "").split())
        # A row may name deliveries that count in both editions: those explain nothing.
        came = sorted(new - old - set(self._before)) if was is None else sorted(new - old)
        went = sorted(old - new - set(self._after)) if row is None else sorted(old - new)
        revised = [
            (delivery, self._of_key[self._after[delivery]])
            for delivery in came
            if self._after.get(delivery) in self._of_key
        ]
        if revised:
            pairs = [f"{one} in plaats van {other}" for one, other in revised if one != other]
            if pairs:
                return Why(Reason.REVISED, f"Herziene levering: {_listed(pairs)}.", tuple(came))
        if came:
            return Why(Reason.DELIVERED, f"Nieuwe levering: {_listed(came)}.", tuple(came))
        if went:
            return Why(Reason.WITHDRAWN, f"Niet meer in gebruik: {_listed(went)}.", tuple(went))
        return None

    def _otherwise(self, row: Mapping[str, str], of_facts: Reason) -> Why:
        if not row.get(_DELIVERIES):
            return Why(of_facts, f"{LABELS[of_facts]}.")
        if self._correction:
            return Why(Reason.CORRECTION, self._correction)
        if self._methods:
            return Why(Reason.METHOD, f"Gewijzigd: {_listed(self._methods)}.")
        return Why(Reason.UNKNOWN, f"{LABELS[Reason.UNKNOWN]}.")


def _key(delivery: Mapping[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    return delivery["bron"], tuple(sorted(delivery.get("sleutel", {}).items()))


def _methods(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """In words, what of the way of working differs between two provenances."""
    for part, word in _METHODS.items():
        old = {_named(item): item["sha256"] for item in before.get(part, [])}
        new = {_named(item): item["sha256"] for item in after.get(part, [])}
        for name in sorted(set(old) | set(new)):
            if old.get(name) != new.get(name):
                yield f"{word} {name}"
    if before.get("code_sha256") != after.get("code_sha256"):
        yield f"programmatuur (versie {after.get('code_versie')})"


def _named(item: Mapping[str, Any]) -> str:
    return str(item.get("bestand") or item.get("bron"))


def _listed(texts: Iterable[str]) -> str:
    every = list(texts)
    shown = ", ".join(every[:_NAMED])
    return shown if len(every) <= _NAMED else f"{shown} en nog {len(every) - _NAMED}"
