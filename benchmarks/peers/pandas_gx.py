"""pandas with Great Expectations, as most tutorials have it: a frame in, a suite, failing rows out.

    python benchmarks/peers/pandas_gx.py WORK.json OUT

One expectation a rule, ``result_format`` COMPLETE with the row number as index column; a rule that
looks at several columns is worked out in pandas as a column of booleans first. Columns are typed
with pandas' own vectorised functions.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
import warnings
from pathlib import Path

os.environ["GX_ANALYTICS_ENABLED"] = "False"

import great_expectations as gx
import great_expectations.expectations as gxe
import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
LIMITS = {"p7_ww": 2, "p4_barometer": 5}
SERVICES = ("werkverkenner", "training", "bemiddeling")
COUNTRIES = ("geboorteland", "geboorteland_moeder", "geboorteland_vader")
WHO = ("geboortedatum", "geslacht", "postcode", "huisnummer", "toevoeging")
UNKNOWN = {".": "onbekend_of_geheim", "x": "geheim"}
WHOLE, MONEY = r"^-?[0-9]{1,18}$", r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$"
DUTCH_DATE, ISO_DATE = r"^[0-9]{2}-[0-9]{2}-[0-9]{4}$", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def without(frame: pd.DataFrame, name: str, kinds: dict[str, str]) -> None:
    """Take texts that stand for a kind of missing out of a column; keep the kind beside it."""
    text = frame[name]
    kind = text.map(kinds).astype("str")
    frame[f"{name}__ontbreekt"] = kind.mask(text.isna(), "leeg")
    frame[name] = text.mask(text.isin(list(kinds)))


def number(text: pd.Series, pattern: str) -> pd.Series:
    """Numbers where the text has the form."""
    return pd.to_numeric(text.where(text.str.match(pattern, na=False)), errors="coerce")


def day_of(text: pd.Series, pattern: str, form: str) -> pd.Series:
    """Dates where the text has the form and is on the calendar."""
    return pd.to_datetime(
        text.where(text.str.match(pattern, na=False)), format=form, errors="coerce"
    )


def pseudonyms(messages: pd.Series, key: bytes) -> pd.Series:
    """HMAC-SHA256 of every message, hex."""
    return messages.map(
        lambda text: hmac.digest(key, text.encode(), "sha256").hex(), na_action="ignore"
    )


def valid_bsn(text: pd.Series) -> pd.Series:
    """The eleven test; true for what has not nine digits (another rule's business)."""
    is_nine = text.str.match("^[0-9]{9}$", na=False)
    nine = text[is_nine].to_numpy(dtype="S9").view("S1").reshape(-1, 9).astype(np.int64)
    total = nine @ np.array([9, 8, 7, 6, 5, 4, 3, 2, -1])
    found = pd.Series(True, index=text.index)
    found[is_nine] = (total % 11 == 0) & (text[is_nine] != "000000000").to_numpy()
    return found


def spells(frame: pd.DataFrame, key: bytes, day: str) -> pd.DataFrame:
    """P7: types, kinds of missing, pseudonym, and rules over several columns as booleans."""
    without(frame, "gemeentecode", UNKNOWN)
    without(frame, "reden_einde", UNKNOWN | {"-": "nihil"})
    frame["persoon_id"] = pseudonyms("bsn\x1f" + frame["bsn"].str.upper().str.zfill(9), key)
    frame["persoon_id_soort"] = "bsn"
    frame["volgnummer_t"] = frame["volgnummer"]
    frame["volgnummer"] = number(frame["volgnummer"], WHOLE).astype("Int64")
    for name in ("begindatum", "einddatum"):
        frame[f"{name}_t"] = frame[name]
        frame[name] = day_of(frame[name], DUTCH_DATE, "%d-%m-%Y")
        has_form = frame[f"{name}_t"].str.match(DUTCH_DATE, na=False)
        frame[f"{name}__bestaat"] = frame[name].notna() | ~has_form
    for name in SERVICES:
        column = f"diensten_{name}"
        without(frame, column, UNKNOWN)
        frame[f"{column}_t"] = frame[column]
        frame[column] = frame[column].map({"J": True, "N": False}).astype("boolean")
    frame["bsn__elfproef"] = valid_bsn(frame["bsn"])
    begin, end = frame["begindatum"], frame["einddatum"]
    quarter = pd.Period(day, "Q")
    frame["begindatum__in_kwartaal"] = begin.isna() | (begin.dt.to_period("Q") == quarter)
    frame["einddatum__na_begindatum"] = begin.isna() | end.isna() | (end >= begin)
    is_told = frame["reden_einde"].notna() | (frame["reden_einde__ontbreekt"] != "leeg")
    frame["einddatum__met_reden"] = end.isna() | is_told
    frame["duur__gewoon"] = begin.isna() | end.isna() | ((end - begin).dt.days <= 1157)
    return frame


def personnel(frame: pd.DataFrame, key: bytes, day: str) -> pd.DataFrame:
    """P4: the same for jobs."""
    for name in COUNTRIES:
        without(frame, name, {".": "onbekend_of_geheim"})
    message = "gba_sleutel" + "\x1f" + frame["geboortedatum"].str.upper()
    for name in WHO[1:-1]:
        message = message + "\x1f" + frame[name].str.upper()
    message = message + "\x1f" + frame["toevoeging"].str.upper().fillna("")
    frame["persoon_id"] = pseudonyms(message, key)
    frame["persoon_id_soort"] = "gba_sleutel"
    born = day_of(frame["geboortedatum"], ISO_DATE, "%Y-%m-%d")
    frame["geboortejaar"] = born.dt.year.astype("Int64")
    frame["geboortedatum__vorm"] = frame["geboortedatum"].isna() | born.notna()
    for name in ("baan_nr", "salarisschaal"):
        frame[f"{name}_t"] = frame[name]
        frame[name] = number(frame[name], WHOLE).astype("Int64")
    frame["datum_in_dienst_t"], frame["uurloon_t"] = frame["datum_in_dienst"], frame["uurloon"]
    frame["datum_in_dienst"] = day_of(frame["datum_in_dienst"], ISO_DATE, "%Y-%m-%d")
    has_form = frame["datum_in_dienst_t"].str.match(ISO_DATE, na=False)
    frame["datum_in_dienst__bestaat"] = frame["datum_in_dienst"].notna() | ~has_form
    frame["uurloon"] = number(frame["uurloon"], MONEY)
    joined = frame["datum_in_dienst"]
    frame["in_dienst__voor_peildatum"] = joined.isna() | (joined <= pd.Timestamp(day))
    age = joined.dt.year - frame["geboortejaar"]
    frame["in_dienst__na_geboorte"] = (age.isna() | (age >= 13)).fillna(True).astype(bool)
    parents = frame["geboorteland_moeder"].notna() | frame["geboorteland_vader"].notna()
    frame["ouders__bekend"] = parents
    is_low = (frame["salarisschaal"] < 10).fillna(False)
    frame["functieniveau__past_bij_schaal"] = ~((frame["functieniveau"] == "5") & is_low)
    return frame


def filled(name: str):
    """A required column."""
    return gxe.ExpectColumnValuesToNotBeNull(column=name)


def matches(name: str, pattern: str):
    """A form."""
    return gxe.ExpectColumnValuesToMatchRegex(column=name, regex=pattern)


def among(name: str, values: list):
    """A code list."""
    return gxe.ExpectColumnValuesToBeInSet(column=name, value_set=values)


def true(name: str):
    """A column of booleans that was worked out above."""
    return gxe.ExpectColumnValuesToBeInSet(column=name, value_set=[True])


def told(name: str):
    """Not empty, though perhaps unknown."""
    return gxe.ExpectColumnValuesToNotBeInSet(column=f"{name}__ontbreekt", value_set=["leeg"])


def short(name: str, most: int = 200):
    """A length."""
    return gxe.ExpectColumnValueLengthsToBeBetween(column=name, max_value=most)


def between(name: str, low: float, high: float):
    """Bounds."""
    return gxe.ExpectColumnValuesToBeBetween(column=name, min_value=low, max_value=high)


def key_of(*names: str):
    """A key: rows with an empty part are another rule's business."""
    return gxe.ExpectCompoundColumnsToBeUnique(
        column_list=list(names), ignore_row_if="any_value_is_missing"
    )


def rules_of(source: str, codes: dict[str, list[str]], day: str) -> dict[str, object]:
    """Every rule by name."""
    if source == "p7_ww":
        return {
            "bsn__verplicht": filled("bsn"),
            "bsn__vorm": matches("bsn", "^[0-9]{9}$"),
            "bsn__elfproef": true("bsn__elfproef"),
            "volgnummer__verplicht": filled("volgnummer_t"),
            "volgnummer__vorm": matches("volgnummer_t", WHOLE),
            "volgnummer__bereik": between("volgnummer", 1, 99),
            "herkomst_oud__verplicht": filled("herkomst_oud"),
            "herkomst_oud__lengte": short("herkomst_oud"),
            "herkomst_oud__codelijst": among("herkomst_oud", codes["herkomst_oud"]),
            "leeftijdsklasse__verplicht": filled("leeftijdsklasse"),
            "leeftijdsklasse__lengte": short("leeftijdsklasse"),
            "leeftijdsklasse__codelijst": among("leeftijdsklasse", codes["leeftijdsklasse"]),
            "gemeentecode__verplicht": told("gemeentecode"),
            "gemeentecode__lengte": short("gemeentecode"),
            "gemeentecode__vorm": matches("gemeentecode", "^[0-9]{4}$"),
            "gemeentecode__codelijst": among("gemeentecode", codes["gemeente"]),
            "gemeentecode__geldig_op_peildatum": gxe.ExpectColumnValuesToNotBeInSet(
                column="gemeentecode",
                value_set=sorted(set(codes["gemeente"]) - set(codes[f"gemeente@{day}"])),
            ),
            "begindatum__verplicht": filled("begindatum_t"),
            "begindatum__vorm": matches("begindatum_t", DUTCH_DATE),
            "begindatum__bestaat": true("begindatum__bestaat"),
            "einddatum__vorm": matches("einddatum_t", DUTCH_DATE),
            "einddatum__bestaat": true("einddatum__bestaat"),
            "reden_einde__lengte": short("reden_einde"),
            "reden_einde__codelijst": among("reden_einde", codes["p7_reden_einde"]),
            **{f"diensten_{name}__verplicht": told(f"diensten_{name}") for name in SERVICES},
            **{
                f"diensten_{name}__vorm": among(f"diensten_{name}_t", ["J", "N"])
                for name in SERVICES
            },
            "sleutel__uniek": key_of("persoon_id", "volgnummer"),
            "begindatum__gevuld": gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
                column="begindatum", min_value=0.95
            ),
            "begindatum__in_kwartaal": true("begindatum__in_kwartaal"),
            "einddatum__na_begindatum": true("einddatum__na_begindatum"),
            "einddatum__met_reden": true("einddatum__met_reden"),
            "duur__gewoon": true("duur__gewoon"),
            "tabel__gevuld": gxe.ExpectTableRowCountToBeBetween(min_value=1),
        }
    return {
        "geboortedatum__verplicht": filled("geboortedatum"),
        "geboortedatum__vorm": true("geboortedatum__vorm"),
        "geslacht__verplicht": filled("geslacht"),
        "geslacht__vorm": matches("geslacht", "^[MVX]$"),
        "postcode__verplicht": filled("postcode"),
        "postcode__vorm": matches("postcode", "^[1-9][0-9]{3}[A-Z]{2}$"),
        "huisnummer__verplicht": filled("huisnummer"),
        "huisnummer__vorm": matches("huisnummer", "^[1-9][0-9]{0,4}$"),
        "toevoeging__vorm": matches("toevoeging", "^[A-Za-z0-9]{0,4}$"),
        "baan_nr__verplicht": filled("baan_nr_t"),
        "baan_nr__vorm": matches("baan_nr_t", WHOLE),
        "baan_nr__bereik": between("baan_nr", 1, 9),
        "geboortejaar__verplicht": filled("geboortejaar"),
        "onderdeel__verplicht": filled("onderdeel"),
        "onderdeel__lengte": short("onderdeel", 60),
        "salarisschaal__verplicht": filled("salarisschaal_t"),
        "salarisschaal__vorm": matches("salarisschaal_t", WHOLE),
        "salarisschaal__bereik": between("salarisschaal", 1, 18),
        "functieniveau__verplicht": filled("functieniveau"),
        "functieniveau__lengte": short("functieniveau"),
        "functieniveau__codelijst": among("functieniveau", codes["functieniveau"]),
        "datum_in_dienst__verplicht": filled("datum_in_dienst_t"),
        "datum_in_dienst__vorm": matches("datum_in_dienst_t", ISO_DATE),
        "datum_in_dienst__bestaat": true("datum_in_dienst__bestaat"),
        "uurloon__verplicht": filled("uurloon_t"),
        "uurloon__vorm": matches("uurloon_t", MONEY),
        "uurloon__bereik": between("uurloon", 0, 500),
        **{f"{name}__lengte": short(name) for name in COUNTRIES},
        **{f"{name}__codelijst": among(name, codes["land"]) for name in COUNTRIES},
        "sleutel__uniek": key_of("persoon_id", "baan_nr"),
        "uurloon__in_euro": gxe.ExpectColumnMeanToBeBetween(
            column="uurloon", min_value=8, max_value=150
        ),
        "in_dienst__voor_peildatum": true("in_dienst__voor_peildatum"),
        "in_dienst__na_geboorte": true("in_dienst__na_geboorte"),
        "organisatie__minimaal_250": gxe.ExpectTableRowCountToBeBetween(min_value=250),
        "ouders__bekend": true("ouders__bekend"),
        "functieniveau__past_bij_schaal": true("functieniveau__past_bij_schaal"),
        "tabel__gevuld": gxe.ExpectTableRowCountToBeBetween(min_value=1),
    }


WARN = {
    "einddatum__met_reden", "duur__gewoon", "organisatie__minimaal_250", "ouders__bekend",
    "functieniveau__past_bij_schaal",
}  # fmt: skip
FATAL = {"begindatum__gevuld", "uurloon__in_euro", "tabel__gevuld"}
KEPT = {
    "p7_ww": [
        "_row", "persoon_id", "persoon_id_soort", "volgnummer", "herkomst_oud", "leeftijdsklasse",
        "gemeentecode", "gemeentecode__ontbreekt", "begindatum", "einddatum", "reden_einde",
        "reden_einde__ontbreekt",
        *(f"diensten_{name}{end}" for name in SERVICES for end in ("", "__ontbreekt")),
    ],
    "p4_barometer": [
        "_row", "persoon_id", "persoon_id_soort", "baan_nr", "geboortejaar", "onderdeel",
        "salarisschaal", "functieniveau", "datum_in_dienst", "uurloon",
        *(f"{name}{end}" for name in COUNTRIES for end in ("", "__ontbreekt")),
    ],
}  # fmt: skip


def judge(
    definition, frame: pd.DataFrame, rules: dict[str, object]
) -> dict[str, tuple[bool, list[int]]]:
    """Per rule: whether it holds, and the numbers of the rows that break it."""
    suite = gx.ExpectationSuite(name="regels")
    for name, expectation in rules.items():
        expectation.meta = {"regel": name}
        suite.add_expectation(expectation)
    result = definition.get_batch({"dataframe": frame}).validate(
        suite,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": ["_row"],
            "include_unexpected_rows": False,
        },
    )
    found = {}
    for one in result.results:
        listed = one.result.get("unexpected_index_list") or []
        found[one.expectation_config.meta["regel"]] = (one.success, [row["_row"] for row in listed])
    return found


def refresh(definition, one: dict, order: dict, out: Path) -> list[dict]:
    """One delivery; its warnings."""
    source, name, day = one["source"], one["name"], one["peildatum"]
    is_spells = source == "p7_ww"
    frame = pd.read_csv(
        one["path"], sep=";" if is_spells else ",", dtype="str", keep_default_na=False,
        na_values=[""],
    )  # fmt: skip
    for column in frame.columns:
        text = frame[column].str.strip(" \t\xa0")
        frame[column] = text.mask(text == "")
    frame.insert(0, "_row", range(2, len(frame) + 2))
    frame = (spells if is_spells else personnel)(frame, bytes.fromhex(order["key"]), day)
    judged = judge(definition, frame, rules_of(source, order["codes"], day))
    broken: dict[int, list[str]] = {}
    for rule, (_, rows) in judged.items():
        if rule not in WARN | FATAL:
            for row in rows:
                broken.setdefault(row, []).append(rule)
    is_refused = any(not judged[rule][0] for rule in FATAL & set(judged))
    is_refused = is_refused or len(broken) * 100 > LIMITS[source] * len(frame)
    if not is_spells:
        counts = frame["onderdeel"].value_counts()
        rare = ~frame["onderdeel"].isin(counts.index[counts >= 10]) & frame["onderdeel"].notna()
        frame["onderdeel"] = frame["onderdeel"].mask(rare, "(zeldzaam)")
        frame["datum_in_dienst"] = frame["datum_in_dienst"].dt.to_period("M").dt.to_timestamp()
        frame["uurloon"] = (frame["uurloon"] // 5 * 5).map("{:.2f}".format, na_action="ignore")
    for date in ("begindatum", "einddatum") if is_spells else ("datum_in_dienst",):
        frame[date] = frame[date].dt.date
    kept = frame[KEPT[source]]
    is_aside = kept["_row"].isin(list(broken)) | is_refused
    aside = kept[is_aside].copy()
    aside["regels"] = [broken.get(row, []) for row in aside["_row"]]
    for kind, rows in (("conformed", kept[~is_aside]), ("quarantine", aside)):
        path = out / kind / source / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(path, index=False)
    return [
        {"bestand": name, "regel": rule, "rijen": len(rows) or 1}
        for rule, (passed, rows) in judged.items()
        if rule in WARN and not passed
    ]


def rounded(part: pd.Series, of: pd.Series, times: int) -> pd.Series:
    """``times`` * part / of, rounded half up to four decimals, in whole numbers, as text."""
    part, of = part.astype("int64"), of.astype("int64")
    whole = (2 * part * times * 10_000 + of) // (2 * of.where(of > 0, 1))
    return (
        (whole // 10_000)
        .astype(str)
        .str.cat((whole % 10_000).astype(str).str.zfill(4), ".")
        .where(of > 0)
    )


def figures(rows: pd.DataFrame, groups: list[tuple[list[str], list[str]]], sums: dict,
            measures: dict[str, tuple[str, str | None, int]]) -> pd.DataFrame:  # fmt: skip
    """The long table: per group and measure n, teller and waarde."""
    found = []
    for places, dimensions in groups:
        wide = rows.groupby([*places, "periode", *dimensions], observed=True).agg(**sums)
        wide = wide.reset_index()
        joined = (
            wide[dimensions[0]].str.cat([wide[d] for d in dimensions[1:]], "×")
            if (dimensions)
            else "totaal"
        )
        for name, (n, part, factor) in measures.items():
            found.append(
                pd.DataFrame(
                    {
                        "locatie": wide[places[0]] if places else "alle",
                        "periode": wide["periode"],
                        "groep_soort": "×".join(dimensions) or "totaal",
                        "groep": joined,
                        "maat": name,
                        "n": wide[n].astype("int64"),
                        "teller": wide[part].astype("Int64") if factor == 100 else pd.NA,
                        "waarde": rounded(wide[part], wide[n], factor or 1)
                        if part
                        else wide[n].astype(str),
                    }
                )
            )
    whole = pd.concat(found, ignore_index=True)
    whole["teller"] = whole["teller"].astype("Int64")
    return whole.sort_values(["locatie", "periode", "groep_soort", "groep", "maat"])


def accepted(order: dict, source: str, out: Path, columns: list[str]) -> pd.DataFrame:
    """The needed columns of all that was accepted, with the key of its delivery."""
    found = []
    for one in order["deliveries"]:
        if one["source"] == source:
            path = out / "conformed" / source / f"{one['name']}.parquet"
            found.append(pd.read_parquet(path, columns=columns).assign(**one["fields"]))
    return pd.concat(found, ignore_index=True)


def outcomes(order: dict, out: Path) -> None:
    """Both outcome tables."""
    (out / "outcomes").mkdir(parents=True, exist_ok=True)
    origin = "herkomst_oud"
    rows = accepted(
        order, "p7_ww", out,
        [origin, "leeftijdsklasse", "diensten_training", "diensten_bemiddeling", "begindatum",
         "einddatum", "reden_einde"],
    )  # fmt: skip
    for name in (origin, "leeftijdsklasse"):
        rows[name] = rows[name].fillna("onbekend")
    for name in ("diensten_training", "diensten_bemiddeling"):
        rows[name] = rows[name].map({True: "ja", False: "nee"}).fillna("onbekend")
    begin, end = pd.to_datetime(rows["begindatum"]), pd.to_datetime(rows["einddatum"])
    # DateOffset goes row by row: the few days that there are, once each.
    later = {day: day + pd.DateOffset(months=6) for day in begin.dropna().unique()}
    in_time = end.notna() & (end < begin.map(later))
    rows["telt_werk"] = ~(in_time & rows["reden_einde"].isna())
    rows["werk"] = in_time & (rows["reden_einde"] == "werk").fillna(False)
    rows["duur"] = (end - begin).dt.days + 1
    rows["loopt"] = end.isna()
    figures(
        rows,
        [([], []), ([], [origin]), ([], ["leeftijdsklasse", origin]),
         ([], ["diensten_training", origin]), ([], ["diensten_bemiddeling", origin])],
        {"rijen": ("loopt", "size"), "werk_n": ("telt_werk", "sum"), "werk_s": ("werk", "sum"),
         "duur_n": ("duur", "count"), "duur_s": ("duur", "sum"), "loopt_s": ("loopt", "sum")},
        {"ww_perioden": ("rijen", None, 1), "werk_binnen_6_maanden": ("werk_n", "werk_s", 100),
         "duur_afgesloten": ("duur_n", "duur_s", 0), "nog_lopend": ("rijen", "loopt_s", 100)},
    ).to_parquet(out / "outcomes" / "p7_ww.parquet", index=False)  # fmt: skip
    jobs = accepted(order, "p4_barometer", out, ["persoon_id", "functieniveau", *COUNTRIES])
    jobs["bekend"] = jobs[list(COUNTRIES)].notna().all(axis=1)
    figures(
        jobs,
        [([], []), ([], ["functieniveau"]), (["organisatie"], []),
         (["organisatie"], ["functieniveau"])],
        {"rijen": ("bekend", "size"), "mensen": ("persoon_id", "nunique"),
         "bekend_s": ("bekend", "sum")},
        {"banen": ("rijen", None, 1), "werknemers": ("mensen", None, 1),
         "geboortelanden_bekend": ("rijen", "bekend_s", 100)},
    ).to_parquet(out / "outcomes" / "p4_barometer.parquet", index=False)  # fmt: skip


def main(work: Path, out: Path) -> None:
    """Do the work."""
    order = json.loads(work.read_text(encoding="utf-8"))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("levering")
    definition = asset.add_batch_definition_whole_dataframe("geheel")
    warned = [line for one in order["deliveries"] for line in refresh(definition, one, order, out)]
    pd.DataFrame(warned, columns=["bestand", "regel", "rijen"]).to_parquet(
        out / "warnings.parquet", index=False
    )
    outcomes(order, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
