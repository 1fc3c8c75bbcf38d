"""Polars with dataframely: typed columns as expressions, rules as a schema that filters.

    python benchmarks/peers/polars_dataframely.py WORK.json OUT

Dataframely and not pandera: its schemas are Polars expressions evaluated in one go, and ``filter``
gives the good rows, the bad ones and the names of the rules that they broke, which is this work.
Pandera's Polars engine reports failure cases per check and leaves the splitting to the caller.
"""

from __future__ import annotations

import hmac
import json
import sys
from pathlib import Path

import dataframely as dy
import polars as pl

LIMITS = {"p7_ww": 2, "p4_barometer": 5}
SERVICES = ("werkverkenner", "training", "bemiddeling")
COUNTRIES = ("geboorteland", "geboorteland_moeder", "geboorteland_vader")
WHO = ("geboortedatum", "geslacht", "postcode", "huisnummer", "toevoeging")
UNKNOWN = {".": "onbekend_of_geheim", "x": "geheim"}
WHOLE, MONEY = r"^-?[0-9]{1,18}$", r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$"
DUTCH_DATE, ISO_DATE = r"^[0-9]{2}-[0-9]{2}-[0-9]{4}$", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def must(expression: pl.Expr):
    """A rule of a schema: rows in which ``expression`` is false break it; NULL does not."""
    return dy.rule()(lambda cls: expression)


def c(*names: str) -> pl.Expr:
    """Short for a column: rules read better."""
    return pl.col(*names)


def matches(name: str, pattern: str) -> pl.Expr:
    """Whether the text has the form."""
    return c(name).str.contains(pattern)


def typed(name: str, pattern: str, value: pl.Expr) -> pl.Expr:
    """``value`` where the text has the form, else NULL."""
    return pl.when(matches(name, pattern)).then(value)


def without(name: str, kinds: dict[str, str]) -> list[pl.Expr]:
    """The column without texts that stand for a kind of missing, and that kind."""
    return [
        pl.when(c(name).is_in(list(kinds))).then(None).otherwise(c(name)).alias(name),
        c(name)
        .fill_null("")
        .replace_strict({"": "leeg", **kinds}, default=None, return_dtype=pl.String)
        .alias(f"{name}__ontbreekt"),
    ]


def pseudonyms(messages: pl.Series, key: bytes) -> pl.Series:
    """HMAC-SHA256 of every message, hex."""
    return pl.Series(
        [None if m is None else hmac.digest(key, m.encode(), "sha256").hex() for m in messages],
        dtype=pl.String,
    )


def valid_bsn(name: str) -> pl.Expr:
    """The eleven test of nine digits."""
    total = pl.sum_horizontal(
        weight * c(name).str.slice(place, 1).cast(pl.Int32, strict=False)
        for place, weight in enumerate((9, 8, 7, 6, 5, 4, 3, 2, -1))
    )
    return (total % 11 == 0) & (c(name) != "000000000")


def spells(raw: pl.DataFrame, key: bytes, day: str) -> pl.DataFrame:
    """P7: types, kinds of missing, pseudonym."""
    frame = raw.with_columns(
        *without("gemeentecode", UNKNOWN),
        *without("reden_einde", UNKNOWN | {"-": "nihil"}),
        *(one for name in SERVICES for one in without(f"diensten_{name}", UNKNOWN)),
    )
    return frame.with_columns(
        pseudonyms(
            frame.select("bsn\x1f" + c("bsn").str.to_uppercase().str.zfill(9)).to_series(), key
        ).alias("persoon_id"),
        pl.lit("bsn").alias("persoon_id_soort"),
        c("volgnummer").alias("volgnummer_t"),
        typed("volgnummer", WHOLE, c("volgnummer").cast(pl.Int64, strict=False)).alias(
            "volgnummer"
        ),
        *(c(name).alias(f"{name}_t") for name in ("begindatum", "einddatum")),
        *(
            typed(name, DUTCH_DATE, c(name).str.to_date("%d-%m-%Y", strict=False)).alias(name)
            for name in ("begindatum", "einddatum")
        ),
        *(c(f"diensten_{name}").alias(f"diensten_{name}_t") for name in SERVICES),
        *(
            c(f"diensten_{name}")
            .replace_strict({"J": True, "N": False}, default=None, return_dtype=pl.Boolean)
            .alias(f"diensten_{name}")
            for name in SERVICES
        ),
        pl.lit(day).str.to_date().alias("peildatum"),
    )


def spell_rules(codes: dict[str, list[str]], day: str) -> type[dy.Schema]:
    """Every rule that sets a row of P7 aside."""
    text, known = dy.String(nullable=True), codes["gemeente"]

    class Spell(dy.Schema):
        _row = dy.UInt32()
        bsn = text
        persoon_id = text
        persoon_id_soort = text
        volgnummer_t = text
        volgnummer = dy.Int64(nullable=True)
        herkomst_oud = text
        leeftijdsklasse = text
        gemeentecode = text
        gemeentecode__ontbreekt = text
        begindatum_t = text
        begindatum = dy.Date(nullable=True)
        einddatum_t = text
        einddatum = dy.Date(nullable=True)
        reden_einde = text
        reden_einde__ontbreekt = text
        diensten_werkverkenner_t = text
        diensten_werkverkenner = dy.Bool(nullable=True)
        diensten_werkverkenner__ontbreekt = text
        diensten_training_t = text
        diensten_training = dy.Bool(nullable=True)
        diensten_training__ontbreekt = text
        diensten_bemiddeling_t = text
        diensten_bemiddeling = dy.Bool(nullable=True)
        diensten_bemiddeling__ontbreekt = text
        peildatum = dy.Date()

        bsn__verplicht = must(c("bsn").is_not_null())
        bsn__vorm = must(matches("bsn", "^[0-9]{9}$"))
        bsn__elfproef = must(~matches("bsn", "^[0-9]{9}$") | valid_bsn("bsn"))
        volgnummer__verplicht = must(c("volgnummer_t").is_not_null())
        volgnummer__vorm = must(matches("volgnummer_t", WHOLE))
        volgnummer__bereik = must(c("volgnummer").is_between(1, 99))
        herkomst_oud__verplicht = must(c("herkomst_oud").is_not_null())
        herkomst_oud__lengte = must(c("herkomst_oud").str.len_chars() <= 200)
        herkomst_oud__codelijst = must(c("herkomst_oud").is_in(codes["herkomst_oud"]))
        leeftijdsklasse__verplicht = must(c("leeftijdsklasse").is_not_null())
        leeftijdsklasse__lengte = must(c("leeftijdsklasse").str.len_chars() <= 200)
        leeftijdsklasse__codelijst = must(c("leeftijdsklasse").is_in(codes["leeftijdsklasse"]))
        gemeentecode__verplicht = must(c("gemeentecode__ontbreekt") != "leeg")
        gemeentecode__lengte = must(c("gemeentecode").str.len_chars() <= 200)
        gemeentecode__vorm = must(matches("gemeentecode", "^[0-9]{4}$"))
        gemeentecode__codelijst = must(c("gemeentecode").is_in(known))
        gemeentecode__geldig_op_peildatum = must(
            ~c("gemeentecode").is_in(known) | c("gemeentecode").is_in(codes[f"gemeente@{day}"])
        )
        begindatum__verplicht = must(c("begindatum_t").is_not_null())
        begindatum__vorm = must(matches("begindatum_t", DUTCH_DATE))
        begindatum__bestaat = must(
            c("begindatum").is_not_null() | ~matches("begindatum_t", DUTCH_DATE)
        )
        einddatum__vorm = must(matches("einddatum_t", DUTCH_DATE))
        einddatum__bestaat = must(
            c("einddatum").is_not_null() | ~matches("einddatum_t", DUTCH_DATE)
        )
        reden_einde__lengte = must(c("reden_einde").str.len_chars() <= 200)
        reden_einde__codelijst = must(c("reden_einde").is_in(codes["p7_reden_einde"]))
        diensten_werkverkenner__verplicht = must(c("diensten_werkverkenner__ontbreekt") != "leeg")
        diensten_werkverkenner__vorm = must(c("diensten_werkverkenner_t").is_in(["J", "N"]))
        diensten_training__verplicht = must(c("diensten_training__ontbreekt") != "leeg")
        diensten_training__vorm = must(c("diensten_training_t").is_in(["J", "N"]))
        diensten_bemiddeling__verplicht = must(c("diensten_bemiddeling__ontbreekt") != "leeg")
        diensten_bemiddeling__vorm = must(c("diensten_bemiddeling_t").is_in(["J", "N"]))
        sleutel__uniek = must(
            c("persoon_id").is_null()
            | c("volgnummer").is_null()
            | ~pl.struct("persoon_id", "volgnummer").is_duplicated()
        )
        begindatum__in_kwartaal = must(
            c("begindatum").dt.truncate("1q") == c("peildatum").dt.truncate("1q")
        )
        einddatum__na_begindatum = must(c("einddatum") >= c("begindatum"))

    return Spell


def personnel(raw: pl.DataFrame, key: bytes, day: str) -> pl.DataFrame:
    """P4: types, kinds of missing, pseudonym."""
    frame = raw.with_columns(
        *(one for name in COUNTRIES for one in without(name, {".": "onbekend_of_geheim"})),
    )
    message = pl.concat_str(
        pl.lit("gba_sleutel"),
        *(c(name).str.to_uppercase() for name in WHO[:-1]),
        c("toevoeging").str.to_uppercase().fill_null(""),
        separator="\x1f",
    )
    born = typed(
        "geboortedatum", ISO_DATE, c("geboortedatum").str.to_date("%Y-%m-%d", strict=False)
    )
    return frame.with_columns(
        pseudonyms(frame.select(message).to_series(), key).alias("persoon_id"),
        pl.lit("gba_sleutel").alias("persoon_id_soort"),
        born.alias("geboren"),
        born.dt.year().cast(pl.Int64).alias("geboortejaar"),
        *(
            one
            for name in ("baan_nr", "salarisschaal")
            for one in (
                c(name).alias(f"{name}_t"),
                typed(name, WHOLE, c(name).cast(pl.Int64, strict=False)).alias(name),
            )
        ),
        c("datum_in_dienst").alias("datum_in_dienst_t"),
        typed(
            "datum_in_dienst", ISO_DATE, c("datum_in_dienst").str.to_date("%Y-%m-%d", strict=False)
        ).alias("datum_in_dienst"),
        c("uurloon").alias("uurloon_t"),
        typed("uurloon", MONEY, c("uurloon").cast(pl.Decimal(18, 2), strict=False)).alias(
            "uurloon"
        ),
        pl.lit(day).str.to_date().alias("peildatum"),
    )


def personnel_rules(codes: dict[str, list[str]], day: str) -> type[dy.Schema]:
    """Every rule that sets a row of P4 aside."""
    text, land = dy.String(nullable=True), codes["land"]

    class Job(dy.Schema):
        _row = dy.UInt32()
        geboortedatum = text
        geboren = dy.Date(nullable=True)
        geslacht = text
        postcode = text
        huisnummer = text
        toevoeging = text
        persoon_id = text
        persoon_id_soort = text
        baan_nr_t = text
        baan_nr = dy.Int64(nullable=True)
        geboortejaar = dy.Int64(nullable=True)
        onderdeel = text
        salarisschaal_t = text
        salarisschaal = dy.Int64(nullable=True)
        functieniveau = text
        datum_in_dienst_t = text
        datum_in_dienst = dy.Date(nullable=True)
        uurloon_t = text
        uurloon = dy.Decimal(18, 2, nullable=True)
        geboorteland = text
        geboorteland__ontbreekt = text
        geboorteland_moeder = text
        geboorteland_moeder__ontbreekt = text
        geboorteland_vader = text
        geboorteland_vader__ontbreekt = text
        peildatum = dy.Date()

        geboortedatum__verplicht = must(c("geboortedatum").is_not_null())
        geboortedatum__vorm = must(c("geboortedatum").is_null() | c("geboren").is_not_null())
        geslacht__verplicht = must(c("geslacht").is_not_null())
        geslacht__vorm = must(matches("geslacht", "^[MVX]$"))
        postcode__verplicht = must(c("postcode").is_not_null())
        postcode__vorm = must(matches("postcode", "^[1-9][0-9]{3}[A-Z]{2}$"))
        huisnummer__verplicht = must(c("huisnummer").is_not_null())
        huisnummer__vorm = must(matches("huisnummer", "^[1-9][0-9]{0,4}$"))
        toevoeging__vorm = must(matches("toevoeging", "^[A-Za-z0-9]{0,4}$"))
        baan_nr__verplicht = must(c("baan_nr_t").is_not_null())
        baan_nr__vorm = must(matches("baan_nr_t", WHOLE))
        baan_nr__bereik = must(c("baan_nr").is_between(1, 9))
        geboortejaar__verplicht = must(c("geboortejaar").is_not_null())
        onderdeel__verplicht = must(c("onderdeel").is_not_null())
        onderdeel__lengte = must(c("onderdeel").str.len_chars() <= 60)
        salarisschaal__verplicht = must(c("salarisschaal_t").is_not_null())
        salarisschaal__vorm = must(matches("salarisschaal_t", WHOLE))
        salarisschaal__bereik = must(c("salarisschaal").is_between(1, 18))
        functieniveau__verplicht = must(c("functieniveau").is_not_null())
        functieniveau__lengte = must(c("functieniveau").str.len_chars() <= 200)
        functieniveau__codelijst = must(c("functieniveau").is_in(codes["functieniveau"]))
        datum_in_dienst__verplicht = must(c("datum_in_dienst_t").is_not_null())
        datum_in_dienst__vorm = must(matches("datum_in_dienst_t", ISO_DATE))
        datum_in_dienst__bestaat = must(
            c("datum_in_dienst").is_not_null() | ~matches("datum_in_dienst_t", ISO_DATE)
        )
        uurloon__verplicht = must(c("uurloon_t").is_not_null())
        uurloon__vorm = must(matches("uurloon_t", MONEY))
        uurloon__bereik = must(c("uurloon").is_between(0, 500))
        geboorteland__lengte = must(c("geboorteland").str.len_chars() <= 200)
        geboorteland__codelijst = must(c("geboorteland").is_in(land))
        geboorteland_moeder__lengte = must(c("geboorteland_moeder").str.len_chars() <= 200)
        geboorteland_moeder__codelijst = must(c("geboorteland_moeder").is_in(land))
        geboorteland_vader__lengte = must(c("geboorteland_vader").str.len_chars() <= 200)
        geboorteland_vader__codelijst = must(c("geboorteland_vader").is_in(land))
        sleutel__uniek = must(
            c("persoon_id").is_null()
            | c("baan_nr").is_null()
            | ~pl.struct("persoon_id", "baan_nr").is_duplicated()
        )
        in_dienst__voor_peildatum = must(c("datum_in_dienst") <= c("peildatum"))
        in_dienst__na_geboorte = must(
            c("datum_in_dienst").dt.year().cast(pl.Int64) - c("geboortejaar") >= 13
        )

    return Job


WARNINGS = {
    "p7_ww": {
        "einddatum__met_reden": c("einddatum").is_not_null()
        & c("reden_einde").is_null()
        & (c("reden_einde__ontbreekt") == "leeg"),
        "duur__gewoon": (c("einddatum") - c("begindatum")).dt.total_days() > 1157,
    },
    "p4_barometer": {
        "ouders__bekend": c("geboorteland_moeder").is_null() & c("geboorteland_vader").is_null(),
        "functieniveau__past_bij_schaal": (c("functieniveau") == "5") & (c("salarisschaal") < 10),
    },
}
FATAL = {
    "p7_ww": c("begindatum").count() < 0.95 * pl.len(),
    "p4_barometer": ~c("uurloon").cast(pl.Float64).mean().is_between(8, 150),
}
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


def coarse(frame: pl.DataFrame, source: str) -> pl.DataFrame:
    """What of quasi-identifiers is kept; nothing to do for P7."""
    if source == "p7_ww":
        return frame
    is_shared = c("onderdeel").is_null() | (c("onderdeel").len().over("onderdeel") >= 10)
    return frame.with_columns(
        pl.when(is_shared).then(c("onderdeel")).otherwise(pl.lit("(zeldzaam)")).alias("onderdeel"),
        c("datum_in_dienst").dt.truncate("1mo"),
        ((c("uurloon").cast(pl.Float64) / 5).floor() * 5).cast(pl.Decimal(18, 2)).alias("uurloon"),
    )


def refresh(one: dict, told: dict, out: Path) -> list[dict]:
    """One delivery; its warnings."""
    source, name, day = one["source"], one["name"], one["peildatum"]
    key = bytes.fromhex(told["key"])
    is_spells = source == "p7_ww"
    raw = pl.read_csv(
        one["path"], separator=";" if is_spells else ",", infer_schema=False
    ).with_row_index("_row", offset=2)
    trimmed = pl.col(pl.String).str.strip_chars(" \t\xa0")
    raw = raw.with_columns(pl.when(trimmed != "").then(trimmed))
    frame = (spells if is_spells else personnel)(raw, key, day)
    schema = (spell_rules if is_spells else personnel_rules)(told["codes"], day)
    _, failure = schema.filter(frame)
    rows = frame.height
    warned = frame.select(
        **{rule: wrong.sum() for rule, wrong in WARNINGS[source].items()}, fatal=FATAL[source]
    ).row(0, named=True)
    is_refused = warned.pop("fatal") or not rows
    is_refused = is_refused or len(failure) * 100 > LIMITS[source] * rows
    rules = [rule for rule in failure.counts()]
    details = failure.details()
    broken = details.select(
        "_row",
        pl.concat_list(pl.when(c(rule) == "invalid").then(pl.lit(rule)) for rule in rules)
        .list.drop_nulls()
        .alias("regels")
        if rules
        else pl.lit([], dtype=pl.List(pl.String)).alias("regels"),
    )
    kept = coarse(frame, source).select(KEPT[source])
    aside = kept if is_refused else kept.join(broken.select("_row"), on="_row", how="semi")
    aside = aside.join(broken, on="_row", how="left").with_columns(c("regels").fill_null([]))
    accepted = kept.clear() if is_refused else kept.join(broken, on="_row", how="anti")
    for kind, frame_ in (("conformed", accepted), ("quarantine", aside)):
        path = out / kind / source / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame_.write_parquet(path)
    if not is_spells and rows < 250:
        warned["organisatie__minimaal_250"] = 1
    return [
        {"bestand": name, "regel": rule, "rijen": count} for rule, count in warned.items() if count
    ]


def share(part: pl.Expr, of: pl.Expr, times: int) -> pl.Expr:
    """``times`` * part / of, rounded half up to four decimals, exactly."""
    whole = (2 * part.cast(pl.Int64) * times * 10_000 + of) // (2 * of)
    return (
        pl.when(of > 0).then(whole).cast(pl.Decimal(18, 0))
        * pl.lit("0.0001").cast(pl.Decimal(18, 4))
    ).cast(pl.Decimal(18, 4))


def figures(rows: pl.LazyFrame, groups: list[tuple[list[str], list[str]]], sums: list[pl.Expr],
            measures: dict[str, tuple[str, str | None, int]]) -> pl.DataFrame:  # fmt: skip
    """The long table: per group and measure n, teller and waarde.

    ``measures``: name to (column of n, column of the sum, factor); 0 is a mean, 100 a share.
    """
    found = []
    for places, dimensions in groups:
        wide = rows.group_by([*places, "periode", *dimensions]).agg(sums)
        wide = wide.with_columns(
            locatie=pl.lit("alle") if not places else c(places[0]),
            groep_soort=pl.lit("×".join(dimensions) or "totaal"),
            groep=pl.concat_str(dimensions, separator="×") if dimensions else pl.lit("totaal"),
        )
        for name, (n, part, factor) in measures.items():
            n_, part_ = c(n).cast(pl.Int64), c(part).cast(pl.Int64) if part else None
            found.append(
                wide.select(
                    "locatie", "periode", "groep_soort", "groep",
                    maat=pl.lit(name),
                    n=n_,
                    teller=part_ if factor == 100 else pl.lit(None, dtype=pl.Int64),
                    waarde=n_.cast(pl.Decimal(18, 4)) if part_ is None
                    else share(part_, n_, factor or 1),
                )
            )  # fmt: skip
    return pl.concat(found).sort("locatie", "periode", "groep_soort", "groep", "maat").collect()


def outcomes(told: dict, out: Path) -> None:
    """Both outcome tables, over all that was accepted."""
    keys = pl.LazyFrame(
        [
            {"bestand": one["name"], "periode": one["fields"]["periode"],
             "organisatie": one["fields"].get("organisatie")}
            for one in told["deliveries"]
        ]
    )  # fmt: skip
    (out / "outcomes").mkdir(parents=True, exist_ok=True)

    def accepted(source: str) -> pl.LazyFrame:
        found = pl.scan_parquet(
            out / "conformed" / source / "*.parquet", include_file_paths="bestand"
        )
        name = c("bestand").str.extract(r"([^/]+)\.parquet$")
        return found.with_columns(name.alias("bestand")).join(keys, on="bestand")

    yes_no = {True: "ja", False: "nee"}
    at_work = (
        c("einddatum").is_not_null()
        & (c("einddatum") < c("begindatum").dt.offset_by("6mo"))
        & (c("reden_einde") == "werk")
    )
    rows = accepted("p7_ww").with_columns(
        c("leeftijdsklasse", "herkomst_oud").fill_null("onbekend"),
        *(
            c(f"diensten_{name}")
            .replace_strict(yes_no, default="onbekend", return_dtype=pl.String)
            .alias(f"diensten_{name}")
            for name in SERVICES
        ),
        werk=at_work,
        duur=(c("einddatum") - c("begindatum")).dt.total_days() + 1,
        loopt=c("einddatum").is_null(),
    )
    origin = "herkomst_oud"
    figures(
        rows,
        [([], []), ([], [origin]), ([], ["leeftijdsklasse", origin]),
         ([], ["diensten_training", origin]), ([], ["diensten_bemiddeling", origin])],
        [pl.len().alias("rijen"), c("werk").count().alias("werk_n"),
         c("werk").sum().alias("werk_s"),
         c("duur").count().alias("duur_n"), c("duur").sum().alias("duur_s"),
         c("loopt").sum().alias("loopt_s")],
        {"ww_perioden": ("rijen", None, 1), "werk_binnen_6_maanden": ("werk_n", "werk_s", 100),
         "duur_afgesloten": ("duur_n", "duur_s", 0), "nog_lopend": ("rijen", "loopt_s", 100)},
    ).write_parquet(out / "outcomes" / "p7_ww.parquet")  # fmt: skip
    known = pl.all_horizontal(c(name).is_not_null() for name in COUNTRIES)
    jobs = accepted("p4_barometer").with_columns(bekend=known)
    figures(
        jobs,
        [([], []), ([], ["functieniveau"]), (["organisatie"], []),
         (["organisatie"], ["functieniveau"])],
        [pl.len().alias("rijen"), c("persoon_id").n_unique().alias("mensen"),
         c("bekend").sum().alias("bekend_s")],
        {"banen": ("rijen", None, 1), "werknemers": ("mensen", None, 1),
         "geboortelanden_bekend": ("rijen", "bekend_s", 100)},
    ).write_parquet(out / "outcomes" / "p4_barometer.parquet")  # fmt: skip


def main(work: Path, out: Path) -> None:
    """Do the work."""
    told = json.loads(work.read_text(encoding="utf-8"))
    warned = [line for one in told["deliveries"] for line in refresh(one, told, out)]
    schema = {"bestand": pl.String, "regel": pl.String, "rijen": pl.Int64}
    pl.DataFrame(warned, schema=schema).write_parquet(out / "warnings.parquet")
    outcomes(told, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
