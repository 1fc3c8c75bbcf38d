"""The floor: the same work in one bare DuckDB script, with nothing around it.

    python benchmarks/refresh/floor.py WORK.json OUT

Rules, types and outcomes are written out by hand: no contract, no ledger, no reports, no checks in
a UI, nothing that would notice that a file came twice. That is what makes it a floor, and all that
it shares with the product is the engine. What it has to do stands in ``work.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

LIMITS = {"p7_ww": 2, "p4_barometer": 5}
"""Percent of a file's rows; with more set aside the whole file is."""


def main(work: Path, out: Path) -> None:
    """Do the work that ``work`` tells; write below ``out``."""
    told = json.loads(work.read_text(encoding="utf-8"))
    # Numbering the rows of a file is work for one thread; a second one only costs.
    with duckdb.connect(config={"threads": 1}) as db:
        block = bytes.fromhex(told["key"]).ljust(64, b"\0")
        db.execute("SET VARIABLE ipad = $1", [bytes(byte ^ 0x36 for byte in block)])
        db.execute("SET VARIABLE opad = $1", [bytes(byte ^ 0x5C for byte in block)])
        db.execute(
            "CREATE MACRO pseudoniem(bericht) AS sha256(getvariable('opad')::BLOB || "
            "unhex(sha256(getvariable('ipad')::BLOB || encode(bericht))))"
        )
        # A code that is on a list is a value of a type: looked up by hash, not one after another.
        for name, codes in told["codes"].items():
            listed = ", ".join(repr(code) for code in codes)
            db.execute(f'CREATE TYPE "{name}" AS ENUM ({listed})')
        db.execute("CREATE TABLE waarschuwing (bestand VARCHAR, regel VARCHAR, rijen BIGINT)")
        db.execute("CREATE TABLE levering (bestand VARCHAR, periode VARCHAR, organisatie VARCHAR)")
        for one in told["deliveries"]:
            refresh(db, one, out)
        db.execute(f"COPY waarschuwing TO '{out}/warnings.parquet'")
        (out / "outcomes").mkdir(parents=True, exist_ok=True)
        for source, query in (("p7_ww", P7_OUTCOMES), ("p4_barometer", P4_OUTCOMES)):
            rows = f"read_parquet('{out}/conformed/{source}/*.parquet', filename=true)"
            db.execute(
                f"CREATE OR REPLACE VIEW rij AS SELECT r.*, l.periode, l.organisatie FROM {rows} r "
                "JOIN levering l ON l.bestand = parse_filename(r.filename, true)"
            )
            db.execute(f"COPY ({query}) TO '{out}/outcomes/{source}.parquet'")


def refresh(db: duckdb.DuckDBPyConnection, one: dict, out: Path) -> None:
    """Read, conform and judge one delivery; write what passes and what does not."""
    source, name, day = one["source"], one["name"], one["peildatum"]
    read, typed, key, rules, warnings, fatal = (P7 if source == "p7_ww" else P4)(day)
    sign = ";" if source == "p7_ww" else ","
    with Path(one["path"]).open(encoding="utf-8") as file:
        columns = file.readline().strip().split(sign)
    # One look at the file spares a trim of every cell where no cell begins or ends with a blank.
    blank, end = r"[ \t\x{A0}]", f'[{sign}\\r\\n"]'
    ((has_blanks,),) = db.execute(
        "SELECT regexp_matches(content, $1) FROM read_text($2)",
        [f"{end}{blank}|{blank}{end}", one["path"]],
    ).fetchall()
    cell = "trim({}, ' ' || chr(9) || chr(160))" if has_blanks else "{}"
    cells = ", ".join(f"nullif({cell.format(column)}, '') AS {column}" for column in columns)
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    broken = ", ".join(f"CASE WHEN {sql} THEN '{rule}' END" for rule, sql in rules.items())
    any_ = " OR ".join(f"coalesce({sql}, false)" for sql in rules.values())
    db.execute(
        f"""CREATE OR REPLACE TEMP TABLE gelezen AS
        SELECT *, CASE WHEN {any_} THEN
            list_filter([{broken}], lambda regel: regel IS NOT NULL) ELSE [] END AS regels FROM (
            SELECT {typed} FROM (
                SELECT {read} FROM (
                    SELECT row_number() OVER () + 1 AS _row, {cells} FROM read_csv(
                        '{one["path"]}', columns={{{types}}}, auto_detect=false, header=true,
                        delim='{sign}', quote='"'))))
        """
    )
    filled = " AND ".join(f"{column} IS NOT NULL" for column in key.split(", "))
    db.execute(
        "UPDATE gelezen SET regels = list_append(regels, 'sleutel__uniek') WHERE _row IN ("
        f"SELECT unnest(list(_row)) FROM gelezen WHERE {filled} GROUP BY {key} "
        "HAVING count(*) > 1)"
    )
    counted = db.execute(
        f"SELECT count(*), count(*) FILTER (len(regels) > 0), coalesce({fatal}, true)"
        + "".join(f", count(*) FILTER ({sql})" for sql in warnings.values())
        + " FROM gelezen"
    ).fetchall()[0]
    rows, bad, is_fatal, *warned = counted
    for rule, count in zip(warnings, warned, strict=True):
        if count:
            db.execute("INSERT INTO waarschuwing VALUES (?, ?, ?)", [name, rule, count])
    if source == "p4_barometer" and rows < 250:
        db.execute("INSERT INTO waarschuwing VALUES (?, 'organisatie__minimaal_250', 1)", [name])
    is_refused = is_fatal or bad * 100 > LIMITS[source] * rows
    kept = _kept(source)
    for kind, wanted in (
        ("conformed", "false" if is_refused else "len(regels) = 0"),
        ("quarantine", "true" if is_refused else "len(regels) > 0"),
    ):
        path = out / kind / source / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        more = ", regels" if kind == "quarantine" else ""
        db.execute(
            f"COPY (SELECT {kept}{more} FROM gelezen WHERE {wanted} ORDER BY _row) TO '{path}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
    fields = one["fields"]
    db.execute(
        "INSERT INTO levering VALUES (?, ?, ?)",
        [name, fields["periode"], fields.get("organisatie")],
    )


def _kept(source: str) -> str:
    if source == "p7_ww":
        return (
            "_row, persoon_id, 'bsn' AS persoon_id_soort, volgnummer, herkomst_oud, "
            "leeftijdsklasse, gemeentecode, gemeentecode__ontbreekt, begindatum, einddatum, "
            "reden_einde, reden_einde__ontbreekt, diensten_werkverkenner, "
            "diensten_werkverkenner__ontbreekt, diensten_training, diensten_training__ontbreekt, "
            "diensten_bemiddeling, diensten_bemiddeling__ontbreekt"
        )
    rare = (
        "SELECT onderdeel FROM gelezen WHERE onderdeel IS NOT NULL GROUP BY ALL "
        "HAVING count(*) >= 10"
    )
    return (
        "_row, persoon_id, 'gba_sleutel' AS persoon_id_soort, baan_nr, geboortejaar, "
        f"CASE WHEN onderdeel IS NULL OR onderdeel IN ({rare}) THEN onderdeel "
        "ELSE '(zeldzaam)' END AS onderdeel, salarisschaal, functieniveau, "
        "CAST(date_trunc('month', datum_in_dienst) AS DATE) AS datum_in_dienst, "
        "CAST(floor(uurloon / 5) * 5 AS DECIMAL(18,2)) AS uurloon, "
        "geboorteland, geboorteland__ontbreekt, geboorteland_moeder, "
        "geboorteland_moeder__ontbreekt, geboorteland_vader, geboorteland_vader__ontbreekt"
    )


def _strange(column: str, codes: str) -> str:
    """Whether what stands in a column is not on a list."""
    return f'{column} IS NOT NULL AND TRY_CAST({column} AS "{codes}") IS NULL'


def _missing(column: str, kinds: dict[str, str]) -> str:
    """A column without the texts that stand for a kind of missing, and that kind beside it."""
    marks = "".join(f" WHEN {column} = '{text}' THEN '{kind}'" for text, kind in kinds.items())
    return (
        f"CASE WHEN {column} IN ({', '.join(map(repr, kinds))}) THEN NULL ELSE {column} END "
        f"AS {column}, CASE WHEN {column} IS NULL THEN 'leeg'{marks} END AS {column}__ontbreekt"
    )


def P7(day: str) -> tuple[str, str, str, dict[str, str], dict[str, str], str]:
    """Spells: what is read, its types, the key, rules (true is wrong), warnings, fatal."""
    services = ("werkverkenner", "training", "bemiddeling")
    unknown = {".": "onbekend_of_geheim", "x": "geheim"}
    read = ", ".join(
        [
            "_row, bsn, TRY_CAST(bsn AS INTEGER) AS nummer, volgnummer, herkomst_oud, "
            "leeftijdsklasse, begindatum, einddatum",
            _missing("gemeentecode", unknown),
            _missing("reden_einde", unknown | {"-": "nihil"}),
            *(_missing(f"diensten_{one}", unknown) for one in services),
        ]
    )
    dates = "'[0-9]{2}-[0-9]{2}-[0-9]{4}'"
    typed = ", ".join(
        [
            "_row, bsn, nummer, volgnummer AS volgnummer_t, begindatum AS begindatum_t, "
            "einddatum AS einddatum_t",
            *(f"diensten_{one} AS diensten_{one}_t" for one in services),
            "CASE WHEN bsn IS NOT NULL THEN pseudoniem('bsn' || chr(31) || "
            "lpad(upper(bsn), 9, '0')) END AS persoon_id",
            "CASE WHEN regexp_full_match(volgnummer, '-?[0-9]{1,18}') "
            "THEN TRY_CAST(volgnummer AS BIGINT) END AS volgnummer",
            "herkomst_oud, leeftijdsklasse, gemeentecode, gemeentecode__ontbreekt",
            *(
                f"CASE WHEN regexp_full_match({one}, {dates}) "
                f"THEN CAST(try_strptime({one}, '%d-%m-%Y') AS DATE) END AS {one}"
                for one in ("begindatum", "einddatum")
            ),
            "reden_einde, reden_einde__ontbreekt",
            *(
                f"CASE diensten_{one} WHEN 'J' THEN true WHEN 'N' THEN false END "
                f"AS diensten_{one}, diensten_{one}__ontbreekt"
                for one in services
            ),
        ]
    )
    total = " + ".join(
        f"{weight} * (nummer // {10 ** (8 - place)} % 10)"
        for place, weight in enumerate((9, 8, 7, 6, 5, 4, 3, 2, -1))
    )
    rules = {
        "bsn__verplicht": "bsn IS NULL",
        "bsn__vorm": "NOT regexp_full_match(bsn, '[0-9]{9}')",
        "bsn__elfproef": f"regexp_full_match(bsn, '[0-9]{{9}}') AND "
        f"(nummer = 0 OR ({total}) % 11 <> 0)",
        "volgnummer__verplicht": "volgnummer_t IS NULL",
        "volgnummer__vorm": "NOT regexp_full_match(volgnummer_t, '-?[0-9]{1,18}')",
        "volgnummer__bereik": "volgnummer NOT BETWEEN 1 AND 99",
        "herkomst_oud__verplicht": "herkomst_oud IS NULL",
        "herkomst_oud__lengte": "length(herkomst_oud) > 200",
        "herkomst_oud__codelijst": _strange("herkomst_oud", "herkomst_oud"),
        "leeftijdsklasse__verplicht": "leeftijdsklasse IS NULL",
        "leeftijdsklasse__lengte": "length(leeftijdsklasse) > 200",
        "leeftijdsklasse__codelijst": _strange("leeftijdsklasse", "leeftijdsklasse"),
        "gemeentecode__verplicht": "gemeentecode__ontbreekt = 'leeg'",
        "gemeentecode__lengte": "length(gemeentecode) > 200",
        "gemeentecode__vorm": "NOT regexp_full_match(gemeentecode, '[0-9]{4}')",
        "gemeentecode__codelijst": _strange("gemeentecode", "gemeente"),
        "gemeentecode__geldig_op_peildatum": "TRY_CAST(gemeentecode AS gemeente) IS NOT NULL "
        f"AND {_strange('gemeentecode', f'gemeente@{day}')}",
        "begindatum__verplicht": "begindatum_t IS NULL",
        "begindatum__vorm": f"NOT regexp_full_match(begindatum_t, {dates})",
        "begindatum__bestaat": f"begindatum IS NULL AND regexp_full_match(begindatum_t, {dates})",
        "einddatum__vorm": f"NOT regexp_full_match(einddatum_t, {dates})",
        "einddatum__bestaat": f"einddatum IS NULL AND regexp_full_match(einddatum_t, {dates})",
        "reden_einde__lengte": "length(reden_einde) > 200",
        "reden_einde__codelijst": _strange("reden_einde", "p7_reden_einde"),
        **{f"diensten_{one}__verplicht": f"diensten_{one}__ontbreekt = 'leeg'" for one in services},
        **{f"diensten_{one}__vorm": f"diensten_{one}_t NOT IN ('J', 'N')" for one in services},
        "begindatum__in_kwartaal": "date_trunc('quarter', begindatum) <> "
        f"date_trunc('quarter', DATE '{day}')",
        "einddatum__na_begindatum": "einddatum < begindatum",
    }
    warnings = {
        "einddatum__met_reden": "einddatum IS NOT NULL AND reden_einde IS NULL "
        "AND reden_einde__ontbreekt = 'leeg'",
        "duur__gewoon": "date_diff('day', begindatum, einddatum) > 1157",
    }
    fatal = "count(begindatum) < 0.95 * count(*) OR count(*) = 0"
    return read, typed, "persoon_id, volgnummer", rules, warnings, fatal


def P4(day: str) -> tuple[str, str, str, dict[str, str], dict[str, str], str]:
    """Jobs: what is read, its types, the key, rules (true is wrong), warnings, fatal."""
    countries = ("geboorteland", "geboorteland_moeder", "geboorteland_vader")
    who = ("geboortedatum", "geslacht", "postcode", "huisnummer", "toevoeging")
    read = ", ".join(
        [
            f"_row, {', '.join(who)}, baan_nr, onderdeel, salarisschaal, functieniveau, "
            "datum_in_dienst, uurloon",
            *(_missing(one, {".": "onbekend_of_geheim"}) for one in countries),
        ]
    )
    dates, whole = "'[0-9]{4}-[0-9]{2}-[0-9]{2}'", "'-?[0-9]{1,18}'"
    money = r"'-?[0-9]{1,15}(\.[0-9]{1,2})?'"

    def day_of(column: str) -> str:
        return (
            f"CASE WHEN regexp_full_match({column}, {dates}) "
            f"THEN CAST(try_strptime({column}, '%Y-%m-%d') AS DATE) END"
        )

    message = " || chr(31) || ".join(f"coalesce(upper({column}), '')" for column in who)
    is_there = " AND ".join(f"{column} IS NOT NULL" for column in who[:-1])
    typed = ", ".join(
        [
            f"_row, {', '.join(who)}, baan_nr AS baan_nr_t, salarisschaal AS salarisschaal_t, "
            "datum_in_dienst AS datum_in_dienst_t, uurloon AS uurloon_t",
            f"CASE WHEN {is_there} THEN pseudoniem('gba_sleutel' || chr(31) || {message}) END "
            "AS persoon_id",
            f"{day_of('geboortedatum')} AS geboren, CAST(year(geboren) AS BIGINT) AS geboortejaar",
            *(
                f"CASE WHEN regexp_full_match({one}, {whole}) THEN TRY_CAST({one} AS BIGINT) END "
                f"AS {one}"
                for one in ("baan_nr", "salarisschaal")
            ),
            f"onderdeel, functieniveau, {day_of('datum_in_dienst')} AS datum_in_dienst",
            f"CASE WHEN regexp_full_match(uurloon, {money}) "
            "THEN TRY_CAST(uurloon AS DECIMAL(18,2)) END AS uurloon",
            *(f"{one}, {one}__ontbreekt" for one in countries),
        ]
    )
    rules = {
        "geboortedatum__verplicht": "geboortedatum IS NULL",
        "geboortedatum__vorm": "geboortedatum IS NOT NULL AND geboren IS NULL",
        "geslacht__verplicht": "geslacht IS NULL",
        "geslacht__vorm": "NOT regexp_full_match(geslacht, '[MVX]')",
        "postcode__verplicht": "postcode IS NULL",
        "postcode__vorm": "NOT regexp_full_match(postcode, '[1-9][0-9]{3}[A-Z]{2}')",
        "huisnummer__verplicht": "huisnummer IS NULL",
        "huisnummer__vorm": "NOT regexp_full_match(huisnummer, '[1-9][0-9]{0,4}')",
        "toevoeging__vorm": "NOT regexp_full_match(toevoeging, '[A-Za-z0-9]{0,4}')",
        "baan_nr__verplicht": "baan_nr_t IS NULL",
        "baan_nr__vorm": f"NOT regexp_full_match(baan_nr_t, {whole})",
        "baan_nr__bereik": "baan_nr NOT BETWEEN 1 AND 9",
        "geboortejaar__verplicht": "geboortejaar IS NULL",
        "onderdeel__verplicht": "onderdeel IS NULL",
        "onderdeel__lengte": "length(onderdeel) > 60",
        "salarisschaal__verplicht": "salarisschaal_t IS NULL",
        "salarisschaal__vorm": f"NOT regexp_full_match(salarisschaal_t, {whole})",
        "salarisschaal__bereik": "salarisschaal NOT BETWEEN 1 AND 18",
        "functieniveau__verplicht": "functieniveau IS NULL",
        "functieniveau__lengte": "length(functieniveau) > 200",
        "functieniveau__codelijst": _strange("functieniveau", "functieniveau"),
        "datum_in_dienst__verplicht": "datum_in_dienst_t IS NULL",
        "datum_in_dienst__vorm": f"NOT regexp_full_match(datum_in_dienst_t, {dates})",
        "datum_in_dienst__bestaat": "datum_in_dienst IS NULL "
        f"AND regexp_full_match(datum_in_dienst_t, {dates})",
        "uurloon__verplicht": "uurloon_t IS NULL",
        "uurloon__vorm": f"NOT regexp_full_match(uurloon_t, {money})",
        "uurloon__bereik": "uurloon NOT BETWEEN 0 AND 500",
        **{f"{one}__lengte": f"length({one}) > 200" for one in countries},
        **{f"{one}__codelijst": _strange(one, "land") for one in countries},
        "in_dienst__voor_peildatum": f"datum_in_dienst > DATE '{day}'",
        "in_dienst__na_geboorte": "year(datum_in_dienst) - geboortejaar < 13",
    }
    warnings = {
        "ouders__bekend": "geboorteland_moeder IS NULL AND geboorteland_vader IS NULL",
        "functieniveau__past_bij_schaal": "functieniveau = '5' AND salarisschaal < 10",
    }
    fatal = "coalesce(avg(uurloon) NOT BETWEEN 8 AND 150, true) OR count(*) = 0"
    return read, typed, "persoon_id, baan_nr", rules, warnings, fatal


SHARE = "CASE WHEN n = 0 THEN NULL ELSE ((2 * teller * 1000000 + n) // (2 * n)) * 0.0001 END"

P7_OUTCOMES = f"""
WITH wat AS (
    SELECT periode, coalesce(leeftijdsklasse, 'onbekend') AS leeftijdsklasse,
        coalesce(herkomst_oud, 'onbekend') AS herkomst_oud,
        CASE WHEN diensten_training THEN 'ja' WHEN NOT diensten_training THEN 'nee'
            ELSE 'onbekend' END AS diensten_training,
        CASE WHEN diensten_bemiddeling THEN 'ja' WHEN NOT diensten_bemiddeling THEN 'nee'
            ELSE 'onbekend' END AS diensten_bemiddeling,
        einddatum IS NOT NULL AND einddatum < begindatum + INTERVAL 6 MONTH
            AND reden_einde = 'werk' AS werk,
        date_diff('day', begindatum, einddatum) + 1 AS duur, einddatum IS NULL AS loopt
    FROM rij
), groep AS (
    SELECT periode,
        concat_ws('×', CASE WHEN leeftijdsklasse IS NOT NULL THEN 'leeftijdsklasse' END,
            CASE WHEN diensten_training IS NOT NULL THEN 'diensten_training' END,
            CASE WHEN diensten_bemiddeling IS NOT NULL THEN 'diensten_bemiddeling' END,
            CASE WHEN herkomst_oud IS NOT NULL THEN 'herkomst_oud' END) AS groep_soort,
        concat_ws('×', leeftijdsklasse, diensten_training, diensten_bemiddeling, herkomst_oud)
            AS groep,
        count(*) AS rijen, count(werk) AS werk_n, count(*) FILTER (werk) AS werk_s,
        count(duur) AS duur_n, sum(duur)::BIGINT AS duur_s, count(*) FILTER (loopt) AS loopt_s
    FROM wat GROUP BY GROUPING SETS ((periode), (periode, herkomst_oud),
        (periode, leeftijdsklasse, herkomst_oud), (periode, diensten_training, herkomst_oud),
        (periode, diensten_bemiddeling, herkomst_oud))
), lang AS (
    SELECT periode, groep_soort, groep, unnest([
        {{'maat': 'ww_perioden', 'n': rijen, 'teller': NULL, 'som': NULL}},
        {{'maat': 'werk_binnen_6_maanden', 'n': werk_n, 'teller': werk_s, 'som': NULL}},
        {{'maat': 'duur_afgesloten', 'n': duur_n, 'teller': NULL, 'som': duur_s}},
        {{'maat': 'nog_lopend', 'n': rijen, 'teller': loopt_s, 'som': NULL}}], recursive := true)
    FROM groep
)
SELECT 'alle' AS locatie, periode, coalesce(nullif(groep_soort, ''), 'totaal') AS groep_soort,
    coalesce(nullif(groep, ''), 'totaal') AS groep, maat, n, teller,
    CAST(CASE WHEN maat = 'ww_perioden' THEN n
        WHEN maat = 'duur_afgesloten' THEN
            CASE WHEN n = 0 THEN NULL ELSE ((2 * som * 10000 + n) // (2 * n)) * 0.0001 END
        ELSE {SHARE} END AS DECIMAL(18,4)) AS waarde
FROM lang ORDER BY ALL
"""

P4_OUTCOMES = f"""
WITH groep AS (
    SELECT coalesce(organisatie, 'alle') AS locatie, periode,
        if(functieniveau IS NULL, 'totaal', 'functieniveau') AS groep_soort,
        coalesce(functieniveau, 'totaal') AS groep, count(*) AS rijen,
        count(DISTINCT persoon_id) AS mensen, count(*) FILTER (geboorteland IS NOT NULL
            AND geboorteland_moeder IS NOT NULL AND geboorteland_vader IS NOT NULL) AS bekend
    FROM rij GROUP BY GROUPING SETS ((periode), (periode, functieniveau),
        (organisatie, periode), (organisatie, periode, functieniveau))
), lang AS (
    SELECT locatie, periode, groep_soort, groep, unnest([
        {{'maat': 'banen', 'n': rijen, 'teller': NULL}},
        {{'maat': 'werknemers', 'n': mensen, 'teller': NULL}},
        {{'maat': 'geboortelanden_bekend', 'n': rijen, 'teller': bekend}}], recursive := true)
    FROM groep
)
SELECT locatie, periode, groep_soort, groep, maat, n, teller,
    CAST(CASE WHEN teller IS NULL THEN n ELSE {SHARE} END AS DECIMAL(18,4)) AS waarde
FROM lang ORDER BY ALL
"""

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
