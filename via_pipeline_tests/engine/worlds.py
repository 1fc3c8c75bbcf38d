"""Made-up tables on which both engines are asked the same: every column of the conformed tables of
P4 and P7, with what is rare in practice standing next to what is common."""

from __future__ import annotations

import random
from datetime import date

import duckdb

from via_pipeline.contracts.model import load
from via_pipeline.pilots import catalog

DAYS = [
    date(1, 1, 1), date(1582, 10, 14), date(1900, 2, 28), date(1999, 12, 31), date(2000, 2, 29),
    date(2018, 1, 30), date(2018, 1, 31), date(2018, 2, 28), date(2019, 3, 31), date(2019, 8, 31),
    date(2019, 12, 31), date(2020, 1, 1), date(2020, 2, 29), date(2020, 12, 31), date(9999, 12, 31),
]  # fmt: skip
TEXTS = [
    "",
    " ",
    "a",
    "A",
    "é",
    "e\u0301",
    "ß",
    "Z",
    "ı",
    "日",
    "😀",
    "'",
    '"',
    "\\",
    "\t",
    "NULL",
    "0",
]
NUMBERS = ["0", "-0.0049", "0.0049", "0.5", "1.5", "2.5", "-2.5", "999999999.9999"]
WHOLE = [0, 1, -1, 2, 4999, 9_007_199_254_740_993, -9_000_000_000_000_000_000]
COUNTRIES = ["NL", "DE", "SR", "MA", "XX", None]


def words(connection: duckdb.DuckDBPyConnection, rows: int = 400) -> None:
    """Table ``woorden``: a value of each type, twice, rare ones and NULL often; ``leeg``: none."""
    draw = random.Random(8)
    connection.execute(
        "CREATE TABLE woorden (nr BIGINT, g VARCHAR, h BIGINT, a DATE, b DATE, s VARCHAR, "
        "t VARCHAR, i BIGINT, j BIGINT, d DECIMAL(18,4), e DECIMAL(18,2), p BOOLEAN, q BOOLEAN, "
        "m MAP(VARCHAR, VARCHAR))"
    )
    made = [
        (nr, draw.choice(["x", "y", "", None]), draw.choice([1, 2, None]),
         *(draw.choice([*DAYS, None]) for _ in "ab"), *(draw.choice([*TEXTS, None]) for _ in "st"),
         *(draw.choice([*WHOLE[:5], None]) for _ in "ij"),
         *(draw.choice([*NUMBERS, None]) for _ in "de"),
         *(draw.choice([True, False, None]) for _ in "pq"),
         {"periode": draw.choice(["2019KW1", "2020KW1"])} if draw.random() < 0.9 else {})
        for nr in range(rows)
    ]  # fmt: skip
    made += [(rows + nr, "groot", 1, *[None] * 4, whole, whole, *[None] * 4, {})
             for nr, whole in enumerate(WHOLE)]  # fmt: skip
    connection.executemany(f"INSERT INTO woorden VALUES ({', '.join('?' * 14)})", made)
    connection.execute("CREATE TABLE leeg AS SELECT * FROM woorden LIMIT 0")


def programme(connection: duckdb.DuckDBPyConnection, rows: int = 900) -> None:
    """The tables of P4 and P7 and what they are joined with: three deliveries each."""
    draw = random.Random(9)
    connection.execute(catalog._DELIVERIES_TABLE)
    quarters = ("2019KW1", "2019KW2", "2020KW1")
    for source, keys in (("p7_ww", quarters), ("p4_barometer", ("O01", "O02", "O03"))):
        for number, key in enumerate(keys):
            field = "periode" if source == "p7_ww" else "organisatie"
            connection.execute(
                f"INSERT INTO pilots__levering VALUES (?, '{source}', '', ?, ?, MAP {{?: ?}}, "
                "true, true)",
                [f"{source}_{key}", date(2021, 1, 1), date(2019 + number, 12, 31), field, key],
            )
    connection.execute(
        "CREATE TABLE diversity__organisatie AS SELECT * FROM (VALUES "
        "('O01', DATE '2019-12-31', 'p4_barometer_O01'), "
        "('O01', DATE '2020-12-31', 'p4_barometer_O02'), "
        "('O03', DATE '2021-12-31', 'p4_barometer_O03')) o(organisatie, peildatum, levering)"
    )
    connection.execute(
        "CREATE TABLE reference__land AS SELECT * FROM (VALUES ('NL', 'nederland', 'nederland'), "
        "('DE', 'westers', 'europa'), ('SR', 'niet_westers', 'buiten_europa'), "
        "('MA', 'niet_westers', 'buiten_europa')) l(code, indeling_oud, indeling_2022)"
    )
    columns = load("register").table("locatie").conformed_types
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in columns.items())
    connection.execute(f"CREATE TABLE register__locatie AS SELECT {empty} LIMIT 0")
    for source, table in (("p7_ww", "ww_periode"), ("p4_barometer", "baan")):
        found = load(source).table(table)
        deliveries = [
            row for (row,) in connection.execute(
                f"SELECT delivery_id FROM pilots__levering WHERE bron = '{source}'").fetchall()
        ]  # fmt: skip
        types = found.conformed_types
        described = ", ".join(f"{name} {kind}" for name, kind in types.items())
        connection.execute(f"CREATE TABLE {found.lake_table} ({described})")
        made = [
            [_value(draw, name, kind, row, deliveries) for name, kind in types.items()]
            for row in range(rows)
        ]
        places = ", ".join("?" * len(types))
        connection.executemany(f"INSERT INTO {found.lake_table} VALUES ({places})", made)


def _value(draw: random.Random, name: str, kind: str, row: int, deliveries: list[str]) -> object:
    chosen: dict[str, object] = {
        "_delivery": draw.choice(deliveries),
        "_row": row,
        "persoon_id": draw.choice([f"p{draw.randrange(250)}", None]),
        "persoon_id_soort": "bsn",
        "functieniveau": draw.choice(["1", "2", "3", "4", "5", None]),
        "salarisschaal": draw.choice([1, 5, 6, 9, 14, 18, None]),
        "geboortejaar": draw.choice([1955, 1985, 1995, 2004, None]),
        "baan_nr": row,  # with the person it is the key: two jobs never tie
        "reden_einde": draw.choice(["werk", "ziekte", None]),
        "herkomst_oud": draw.choice(["nederlands", "westers", "onbekend", None]),
    }
    if name in chosen:
        return chosen[name]
    if name.startswith("geboorteland") and not name.endswith("ontbreekt"):
        return draw.choice(COUNTRIES)
    return {
        "DATE": draw.choice([*DAYS[5:14], None]),
        "BOOLEAN": draw.choice([True, False, None]),
        "VARCHAR": draw.choice(["x", "y", None]),
        "BIGINT": draw.choice([1, 2, 40, None]),
    }.get(kind, draw.choice(["1.25", "30.00", None]))
