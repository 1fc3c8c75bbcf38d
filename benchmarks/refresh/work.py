"""The one piece of work that all implementations do, told in one file, and whether they agree.

For every delivery: read the CSV as text; replace who it is about by a pseudonym (HMAC-SHA256); type
the columns; apply every rule of the contract; write the rows that pass (``conformed/``), those set
aside with the names of the rules that they broke (``quarantine/``), and how many rows each warning
is about. Then count the outcomes of ``via_pipeline/outcomes/measures`` over all that was accepted
(``outcomes/``). Everything is Parquet:

    conformed/<source>/<file>.parquet    the contract's conformed columns, without ``_delivery``
    quarantine/<source>/<file>.parquet   at least _row (as a sheet counts) and regels (a list)
    warnings.parquet                     bestand, regel, rijen (only where rows > 0)
    outcomes/<source>.parquet            locatie, periode, groep_soort, groep, maat, n, teller,
                                         waarde

Belongs here: telling an implementation what there is to do (``work.json``) and comparing two of
them. Does not belong here: doing it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.refresh.deliveries import Delivery

KEY = "62656e63686d61726b206f6e6c793a20" + "00" * 32
"""For the benchmark only: nobody stands behind what it makes pseudonyms of."""

CONFORMED = {
    "p7_ww": (
        "_row", "persoon_id", "persoon_id_soort", "volgnummer", "herkomst_oud", "leeftijdsklasse",
        "gemeentecode", "gemeentecode__ontbreekt", "begindatum", "einddatum", "reden_einde",
        "reden_einde__ontbreekt", "diensten_werkverkenner", "diensten_werkverkenner__ontbreekt",
        "diensten_training", "diensten_training__ontbreekt", "diensten_bemiddeling",
        "diensten_bemiddeling__ontbreekt",
    ),
    "p4_barometer": (
        "_row", "persoon_id", "persoon_id_soort", "baan_nr", "geboortejaar", "onderdeel",
        "salarisschaal", "functieniveau", "datum_in_dienst", "uurloon", "geboorteland",
        "geboorteland__ontbreekt", "geboorteland_moeder", "geboorteland_moeder__ontbreekt",
        "geboorteland_vader", "geboorteland_vader__ontbreekt",
    ),
}  # fmt: skip
SOURCES = tuple(CONFORMED)


@dataclass(frozen=True)
class Order:
    """What there is to do: deliveries, code lists and the key; ``write`` keeps it for a child."""

    deliveries: tuple[Delivery, ...]
    codes: dict[str, list[str]]

    def write(self, path: Path) -> None:
        """As JSON; paths are absolute."""
        told = {
            "key": KEY,
            "deliveries": [
                {
                    "source": one.source,
                    "name": one.name,
                    "path": str(one.path.absolute()),
                    "fields": one.fields,
                    "peildatum": one.peildatum,
                }
                for one in self.deliveries
            ],
            "codes": self.codes,
        }
        path.write_text(json.dumps(told, indent=1), encoding="utf-8")


def order(deliveries: Iterable[Delivery], reference: Path) -> Order:
    """The work on ``deliveries``; code lists as the contracts name them.

    ``gemeente@<peildatum>`` are the municipalities valid on that day, ``gemeente`` all that are
    known.
    """
    from via_pipeline.contracts import codelists

    found = tuple(deliveries)
    names = (
        "herkomst_oud", "leeftijdsklasse", "p7_reden_einde", "functieniveau", "land", "gemeente",
    )  # fmt: skip
    lists = {name: codelists.load(name, reference) for name in names}
    codes = {name: sorted(one.values) for name, one in lists.items()}
    for day in sorted({one.peildatum for one in found if one.source == "p7_ww"}):
        codes[f"gemeente@{day}"] = sorted(
            {
                code.code
                for code in lists["gemeente"].codes
                if str(code.valid_from or "") <= day <= str(code.valid_to or "9999")
            }
        )
    return Order(found, codes)


def differences(one: Path, other: Path) -> list[str]:
    """In what the results below two folders differ; nothing where they are equal.

    Rows are compared as multisets over the columns of the work, values as text, so that neither
    order nor width of an integer matters; figures to the last digit.
    """
    found = []
    figures = (
        "SELECT locatie, periode, groep_soort, groep, maat, n::BIGINT AS n, teller::BIGINT AS "
        "teller, waarde::DECIMAL(18,4) AS waarde FROM read_parquet('{}')"
    )
    lines = "_row::BIGINT AS _row, unnest(if(len(regels) = 0, [''], regels)) AS regel"
    with duckdb.connect() as connection:
        for source, names in CONFORMED.items():
            columns = ", ".join(f"{name}::VARCHAR AS {name}" for name in names)
            for what, query in (
                (f"conformed/{source}/*", columns),
                (f"quarantine/{source}/*", lines),
                (f"outcomes/{source}", figures),
            ):
                found += _compared(connection, what, query, one, other)
        rows = "SELECT bestand, regel, rijen::BIGINT AS rijen FROM read_parquet('{}')"
        found += _compared(connection, "warnings", rows, one, other)
    return found


def _compared(
    connection: duckdb.DuckDBPyConnection, what: str, query: str, one: Path, other: Path
) -> list[str]:
    """Count and a sum of hashes of the rows of both: equal multisets, or a sentence."""
    told = []
    for folder in (one, other):
        path = folder / f"{what}.parquet"
        if what.endswith("*"):
            # Somebody's rows lie in a file a delivery, somebody else's name it in a column.
            found = connection.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()
            has_name = "bestand" in {name for name, *_ in found}
            name = "bestand" if has_name else "parse_filename(filename, true) AS bestand"
            rows = f"SELECT {name}, {query} FROM read_parquet('{path}', filename = true)"
        else:
            rows = query.format(path)
        told.append(
            connection.execute(
                f"SELECT count(*), sum(hash(rij)::HUGEINT) FROM ({rows}) AS rij"
            ).fetchall()[0]
        )
    if told[0] == told[1]:
        return []
    return [f"{what}: {told[0][0]} and {told[1][0]} rows, or other values in them"]
