"""Deliveries of P7 and P4 at any size, made inside DuckDB in seconds.

SYNTHETIC: nobody exists, the numbers are counted. ``via sample`` makes deliveries with known truth
planted in them, of seven organisations and five quarters; here the size and the number of files can
be chosen, and one row in a hundred has a fault of a known kind. Same size: same bytes.

Belongs here: the rows and the files. Does not belong here: what is done with them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[2]
QUARTERS = tuple(f"{year}KW{quarter}" for year in (2019, 2020, 2021) for quarter in (1, 2, 3, 4))
QUARTERS = QUARTERS[:10]
DAYS = ("2019-12-31", "2020-12-31")
ORGANISATIONS = 10
ELEVEN = 1.11
"""Of eleven numbers in a row ten have a check digit: so many more are counted."""

TWICE = "unnest(if(fout = 999 AND nr % 2 = 0, [1, 2], [1])) AS keer"
"""SQL: one row in two thousand is there twice."""

_UNITS = ("Bedrijfsvoering", "Dienstverlening", "Financiën", "Uitvoering", "Beleid")
_COUNTRIES = ("NL", "NL", "NL", "NL", "NL", "NL", "DE", "PL", "MA", "TR", "SR", "CN")


@dataclass(frozen=True)
class Delivery:
    """One file: ``source``, key ``fields``, ``peildatum`` (ISO) and its ``path``."""

    source: str
    fields: dict[str, str]
    peildatum: str
    path: Path

    @property
    def name(self) -> str:
        """The file's name without its ending: what results are kept under."""
        return self.path.stem


def generate(
    data: Path,
    rows: int,
    organisations: int = ORGANISATIONS,
    quarters: int = len(QUARTERS),
    repository: Path = REPOSITORY,
) -> list[Delivery]:
    """Write ``rows`` rows below ``data`` (as VIA_DATA), half P7 and half P4; the files.

    Register and reference data are the repository's. P7: a file a quarter; P4: ``organisations``
    on two peildata. What lies at ``data`` goes.
    """
    shutil.rmtree(data, ignore_errors=True)
    for name in ("register", "reference"):
        shutil.copytree(repository / "data" / name, data / name)
    files = []
    with connected(data) as connection:
        for place, quarter in enumerate(QUARTERS[:quarters]):
            files.append(spells(connection, data, quarter, place, rows // (2 * quarters)))
        jobs = rows // 2 // (organisations * len(DAYS))
        for number in range(organisations):
            files += [personnel(connection, data, number, day, jobs) for day in DAYS]
    return files


@contextmanager
def connected(data: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the municipalities that are valid on every peildatum used here."""
    with duckdb.connect() as connection:
        # It makes the first million and more by row number an aggregate that takes fewer.
        connection.execute("SET disabled_optimizers = 'top_n_window_elimination'")
        connection.execute(
            "CREATE TABLE gemeente AS SELECT code, row_number() OVER (ORDER BY code) - 1 AS plaats "
            f"FROM read_csv('{data}/reference/gemeente.csv', delim=';', header=true, "
            "all_varchar=true) WHERE geldig_van <= '2019-03-31' AND geldig_tot IS NULL"
        )
        yield connection


def spells(
    connection: duckdb.DuckDBPyConnection, data: Path, quarter: str, place: int, rows: int
) -> Delivery:
    """Write the P7 file of ``quarter``, the ``place``-th; half of its people were in the last."""
    first = date(int(quarter[:4]), 3 * int(quarter[-1]) - 2, 1)
    last = _quarter_end(first)
    received = last + timedelta(days=400)
    path = data / f"landing/p7_ww/{received}/p7_ww_{quarter}_synthetisch_v1.csv"
    places = connection.execute("SELECT count(*) FROM gemeente").fetchall()[0][0]
    start = 90_000_000 - place * (rows // 2) - rows
    query = f"""
WITH geteld AS (
    SELECT range AS p, (9 * (p // 10000000) + 8 * (p // 1000000 % 10) + 7 * (p // 100000 % 10)
        + 6 * (p // 10000 % 10) + 5 * (p // 1000 % 10) + 4 * (p // 100 % 10) + 3 * (p // 10 % 10)
        + 2 * (p % 10)) % 11 AS cijfer
    FROM range({start}, {start} + CAST({rows} * {ELEVEN} AS BIGINT) + 30)
), mens AS (
    SELECT p, lpad((p * 10 + cijfer)::VARCHAR, 9, '0') AS bsn,
        hash(p, {place}) % 1000 AS fout, hash(p, 1) AS h1, hash(p, {place}, 2) AS h2,
        hash(p, {place}, 3) AS h3,
        row_number() OVER (ORDER BY p) AS nr
    FROM geteld WHERE cijfer < 10 QUALIFY nr <= {rows}
), periode AS (
    SELECT *, DATE '{first}' + (h2 % {(last - first).days + 1})::INT AS begin,
        CASE WHEN h3 % 10 < 7 THEN (h3 // 16 % 365)::INT END AS duur
    FROM mens
), gevuld AS (
    SELECT nr, fout, {TWICE}, bsn, '1' AS volgnummer,
        ['nederlands', 'nederlands', 'westers', 'niet_westers'][1 + (h1 % 4)::INT] AS herkomst_oud,
        ['15-24', '25-34', '35-44', '45-54', '55-64', '65+'][1 + (h1 // 8 % 6)::INT]
            AS leeftijdsklasse,
        code AS gemeentecode, strftime(begin, '%d-%m-%Y') AS begindatum,
        coalesce(strftime(begin + duur, '%d-%m-%Y'), '') AS einddatum,
        CASE WHEN duur IS NULL THEN '' ELSE
            ['werk', 'werk', 'maximumduur', 'ziekte', 'overig'][1 + (h3 // 8192 % 5)::INT] END
            AS reden_einde,
        if(h1 // 64 % 2 = 0, 'J', 'N') AS diensten_werkverkenner,
        if(h1 // 128 % 3 = 0, 'J', 'N') AS diensten_training,
        if(h1 // 512 % 4 = 0, 'J', 'N') AS diensten_bemiddeling
    FROM periode JOIN gemeente ON plaats = (h1 // 2048 % {places})::BIGINT
)
SELECT * EXCLUDE (nr, fout, keer) REPLACE (
    CASE fout WHEN 0 THEN left(bsn, 8) || ((right(bsn, 1)::INT + 1) % 10) WHEN 1 THEN ''
        ELSE bsn END AS bsn,
    CASE fout WHEN 2 THEN '100' WHEN 3 THEN '' ELSE volgnummer END AS volgnummer,
    CASE fout WHEN 4 THEN 'nederland' ELSE herkomst_oud END AS herkomst_oud,
    CASE fout WHEN 5 THEN '9999' WHEN 6 THEN 'x' WHEN 7 THEN '' ELSE gemeentecode END
        AS gemeentecode,
    CASE fout WHEN 8 THEN '31-02-2020' WHEN 9 THEN '2020-01-01' WHEN 10 THEN '01-01-2005'
        ELSE begindatum END AS begindatum,
    CASE fout WHEN 11 THEN '01-01-2001' ELSE einddatum END AS einddatum,
    CASE fout WHEN 12 THEN 'anders' WHEN 13 THEN '' ELSE reden_einde END AS reden_einde,
    CASE fout WHEN 14 THEN 'X' ELSE diensten_training END AS diensten_training
) FROM gevuld ORDER BY nr, keer
"""
    _write(connection, query, path, ";")
    return Delivery("p7_ww", {"periode": quarter}, str(last), path)


def personnel(
    connection: duckdb.DuckDBPyConnection,
    data: Path,
    number: int,
    day: str,
    rows: int,
    version: int = 1,
) -> Delivery:
    """Write the P4 file of organisation ``number`` (from 0) on ``day``; ``rows`` jobs.

    ``version`` 2 is a correction: as the first, without faults.
    """
    # Beside those of the register, of which one objected.
    organisation = f"O{number + 11:02d}"
    received = date.fromisoformat(day) + timedelta(days=230 + version)
    path = data / (
        f"landing/p4_barometer/{received}/p4_barometer_{organisation}_{day}_synthetisch_v{version}.csv"
    )
    countries = ", ".join(f"'{code}'" for code in _COUNTRIES)
    units = ", ".join(f"'{unit}'" for unit in _UNITS)
    fault = f"hash(p, '{day}') % 1000" if version == 1 else "500"

    def country(at: int) -> str:
        return f"[{countries}][1 + (hash(p, {at}) % {len(_COUNTRIES)})::INT]"

    query = f"""
WITH mens AS (
    SELECT range AS nr, {number * rows} + range AS p, {fault} AS fout, hash(p, 21) AS h1,
        hash(p, 22) AS h2, 1 + (h2 % 5)::INT AS niveau,
        DATE '1955-01-01' + (h1 % 16000)::INT AS geboren
    FROM range({rows})
), gevuld AS (
    SELECT nr, fout, {TWICE}, strftime(geboren, '%Y-%m-%d') AS geboortedatum,
        if(h1 // 65536 % 2 = 0, 'M', 'V') AS geslacht,
        (1000 + p % 9000)::VARCHAR || chr(65 + (p // 9000 % 26)::INT)
            || chr(65 + (p // 234000 % 26)::INT) AS postcode,
        (1 + h1 // 131072 % 180)::VARCHAR AS huisnummer,
        ['', '', '', '', 'A', 'B'][1 + (h1 // 67108864 % 6)::INT] AS toevoeging,
        '1' AS baan_nr, [{units}][1 + (h2 // 8 % {len(_UNITS)})::INT] AS onderdeel,
        (niveau * 3 + h2 // 64 % 3)::VARCHAR AS salarisschaal, niveau::VARCHAR AS functieniveau,
        strftime(greatest(geboren + 6600, DATE '2019-01-01' - (h2 // 256 % 9000)::INT),
            '%Y-%m-%d') AS datum_in_dienst,
        printf('%.2f', 11 + niveau * 4 + (h2 // 4194304 % 1000) / 100) AS uurloon,
        {country(31)} AS geboorteland, {country(32)} AS geboorteland_moeder,
        {country(33)} AS geboorteland_vader
    FROM mens
)
SELECT * EXCLUDE (nr, fout, keer) REPLACE (
    CASE fout WHEN 0 THEN '1980-13-01' WHEN 1 THEN '' ELSE geboortedatum END AS geboortedatum,
    CASE fout WHEN 2 THEN 'Q' ELSE geslacht END AS geslacht,
    CASE fout WHEN 3 THEN '12AB' WHEN 4 THEN '' ELSE postcode END AS postcode,
    CASE fout WHEN 5 THEN '0' ELSE huisnummer END AS huisnummer,
    CASE fout WHEN 6 THEN '' ELSE onderdeel END AS onderdeel,
    CASE fout WHEN 7 THEN '19' WHEN 8 THEN 'x' WHEN 9 THEN '1' ELSE salarisschaal END
        AS salarisschaal,
    CASE fout WHEN 10 THEN '6' WHEN 9 THEN '5' ELSE functieniveau END AS functieniveau,
    CASE fout WHEN 11 THEN '2023-01-01' WHEN 12 THEN '2019-02-30' WHEN 13 THEN '1960-01-01'
        ELSE datum_in_dienst END AS datum_in_dienst,
    CASE fout WHEN 14 THEN '12,50' WHEN 15 THEN '900.00' ELSE uurloon END AS uurloon,
    CASE fout WHEN 16 THEN '.' ELSE geboorteland END AS geboorteland,
    CASE fout WHEN 17 THEN '' WHEN 18 THEN 'QZ' ELSE geboorteland_moeder END
        AS geboorteland_moeder,
    CASE fout WHEN 17 THEN '' ELSE geboorteland_vader END AS geboorteland_vader
) FROM gevuld ORDER BY nr, keer
"""
    _write(connection, query, path, ",")
    return Delivery("p4_barometer", {"organisatie": organisation, "periode": day}, day, path)


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path, sign: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection.execute(
        # An empty cell without quotes, as partners' exports have it.
        f"COPY (SELECT nullif(COLUMNS(*), '') FROM ({query})) TO '{path}' "
        f"(FORMAT csv, HEADER, DELIMITER '{sign}', QUOTE '\"')"
    )


def _quarter_end(first: date) -> date:
    month = first.month + 3
    return date(first.year + (month > 12), (month - 1) % 12 + 1, 1) - timedelta(days=1)
