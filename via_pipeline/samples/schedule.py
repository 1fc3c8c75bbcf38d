"""The shipped set: which deliveries came when, in what shape, with which faults, and what follows.

Belongs here: the list, as data. ``expected`` is what the platform should make of each delivery and
``CellFault.rule`` which rule finds each planted fault; tests compare both with what happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from via_pipeline.samples.faults import CellFault, Renamed

ACCEPTED, REJECTED, DUPLICATE = "accepted", "rejected", "duplicate"
UNKNOWN_SOURCE = "p9_onbekend"


@dataclass(frozen=True)
class Sample:
    """One delivery.

    ``until`` is the day of extraction: what happens later is not in the file yet. ``encoding``
    None is the contract's. ``expected``: ``accepted`` (with warnings or not), ``rejected`` (and
    then ``reason`` is the rule that does it, or ``quarantaine`` when too many rows are bad)
    or ``duplicate``. ``revises`` says that it replaces an earlier delivery of the same key.
    ``total_off_by`` falsifies a control total.
    """

    source: str
    received: str
    file: str
    until: date
    faults: tuple[CellFault, ...] = ()
    renamed: tuple[Renamed, ...] = ()
    encoding: str | None = None
    total_off_by: int = 0
    expected: str = ACCEPTED
    reason: str | None = None
    revises: bool = False

    @property
    def path(self) -> str:
        """Where it lies below ``landing``."""
        return f"{self.source}/{self.received}/{self.file}"


def _until(received: str, days: int = 14) -> date:
    return date.fromordinal(date.fromisoformat(received).toordinal() - days)


def _p1() -> list[Sample]:
    return [
        Sample(
            "p1_studiekeuze",
            received,
            f"p1_studiekeuze_2020-2021_{meting}_synthetisch_v1.sav",
            _until(received),
            faults=faults,
        )
        for received, meting, faults in (
            (
                "2020-10-28",
                "voor",
                (
                    CellFault("leerling", "ouder_betrokken", "7", "ouder_betrokken__bereik", (5,)),
                    CellFault(
                        "leerling", "herkomst_oud", "europees", "herkomst_oud__codelijst", (41,)
                    ),
                ),
            ),
            ("2021-07-08", "na", ()),
        )
    ]


def _p2() -> list[Sample]:
    broken = (
        CellFault("student", "aantal_sollicitaties", "-3", "aantal_sollicitaties__bereik", (12,)),
        CellFault("student", "leerweg", "bool", "leerweg__codelijst", (77,)),
    )
    # Eemsdelta (1979) began on 1-1-2021, after the count date of cohort 2020.
    too_early = CellFault(
        "student", "gemeentecode", "1979", "gemeentecode__geldig_op_peildatum", (30, 31)
    )
    return [
        Sample(
            "p2_mbo",
            "2020-10-12",
            "p2_mbo_2019_synthetisch_v1.zip",
            _until("2020-10-12"),
            faults=broken,
        ),
        Sample(
            "p2_mbo",
            "2021-10-08",
            "p2_mbo_2020_synthetisch_v1.zip",
            _until("2021-10-08"),
            faults=(too_early,),
            total_off_by=-7,
            expected=REJECTED,
            reason="controletotaal__klopt",
        ),
        Sample(
            "p2_mbo",
            "2021-10-19",
            "p2_mbo_2020_synthetisch_v1.zip",
            _until("2021-10-19"),
            faults=(too_early,),
        ),
    ]


def _p3_file(employer: int, period: str) -> str:
    return f"p3_nudging_W{employer:02d}_{period}_synthetisch_v1.xlsx"


def _p3() -> list[Sample]:
    source, samples = "p3_nudging", []
    for employer in range(1, 20):
        period = "2020H1" if employer <= 9 else "2020H2"
        received = "2020-08-24" if employer <= 9 else "2021-01-25"
        if employer == 7:
            received = "2020-10-02"  # due 2020-09-01: late
        faults: tuple[CellFault, ...] = ()
        if employer == 6:
            faults = (
                CellFault(
                    "sollicitatie",
                    "datum_sollicitatie",
                    "31-02-2020",
                    "datum_sollicitatie__bestaat",
                    (8,),
                ),
                CellFault("sollicitatie", "sollicitant_nr", "", "sollicitant_nr__verplicht", (15,)),
            )
        if employer == 12:
            faults = (CellFault("sollicitatie", "nudge", "video", "nudge__codelijst", (20,)),)
        samples.append(
            Sample(
                source, received, _p3_file(employer, period), _until("2021-01-25"), faults=faults
            )
        )
    by_file = {sample.file: sample for sample in samples}
    # W03 sent too early: applications after May are not in it; the file of September replaces it.
    early = by_file[_p3_file(3, "2020H1")]
    samples[samples.index(early)] = Sample(
        source, "2020-07-06", early.file, until=date(2020, 5, 31)
    )
    samples.append(
        Sample(source, "2020-09-15", early.file, until=_until("2020-09-15"), revises=True)
    )
    # W02 sent the very same file twice.
    twice = by_file[_p3_file(2, "2020H1")]
    samples.append(Sample(source, "2020-09-03", twice.file, twice.until, expected=DUPLICATE))
    # W04 named a column differently, and corrected it.
    renamed = by_file[_p3_file(4, "2020H1")]
    samples.append(
        Sample(
            source,
            "2020-08-10",
            renamed.file,
            renamed.until,
            renamed=(Renamed("sollicitatie", "herkomst_oud", "migratieachtergrond"),),
            expected=REJECTED,
            reason="tabel__kolommen",
        )
    )
    return samples


def _p4() -> list[Sample]:
    source = "p4_barometer"

    def file(organisation: str, peildatum: str, kind: str) -> str:
        return f"p4_barometer_{organisation}_{peildatum}_synthetisch_v1.{kind}"

    def sample(received: str, name: str, **more: object) -> Sample:
        return Sample(source, received, name, _until(received), **more)  # type: ignore[arg-type]

    first, second, third = "2019-12-31", "2020-12-31", "2021-12-31"
    return [
        sample(
            "2020-08-20",
            file("O01", first, "csv"),
            faults=(
                CellFault("baan", "uurloon", "1.023.50", "uurloon__vorm", (100,)),
                CellFault("baan", "salarisschaal", "19", "salarisschaal__bereik", (250, 251)),
                CellFault("baan", "geboorteland", "XX", "geboorteland__codelijst", (400,)),
                CellFault("baan", "geboortedatum", "31-02-1980", "geboortedatum__vorm", (500,)),
            ),
        ),
        sample("2020-08-28", file("O02", first, "csv")),
        # The same rows once more, as Parquet.
        sample("2020-09-04", file("O02", first, "parquet"), expected=DUPLICATE),
        sample("2020-08-31", file("O03", first, "csv")),
        sample("2020-08-31", file("O04", first, "csv")),
        # The same rows once more, without a byte order mark.
        sample("2020-09-07", file("O04", first, "csv"), encoding="utf-8", expected=DUPLICATE),
        sample("2021-08-19", file("O01", second, "csv")),
        sample("2021-08-30", file("O02", second, "parquet")),
        # Two that are in their sector only, one that changes its sector, one that objected.
        *(
            sample(received, file(organisation, peildatum, "parquet"))
            for peildatum, received in ((first, "2020-08-31"), (second, "2021-08-30"))
            for organisation in ("O05", "O06", "O07")
        ),
        sample("2020-08-31", file("O08", first, "parquet")),
        sample("2022-08-18", file("O01", third, "parquet")),
    ]


def _p5() -> list[Sample]:
    source = "p5_behoud"
    arrivals = {"2018": "2019-02-18", "2019": "2020-02-17", "2020": "2021-02-22"}
    samples = []
    for year, usual in arrivals.items():
        for employer in "ABCDE":
            file = f"p5_behoud_{employer}_{year}_synthetisch_v1.csv"
            received = usual
            faults: tuple[CellFault, ...] = ()
            if (employer, year) == ("C", "2019"):
                received = "2020-05-11"  # due 2020-03-01: late
            if (employer, year) == ("E", "2018"):
                received = "2019-03-12"
            if (employer, year) == ("A", "2019"):
                faults = (
                    CellFault(
                        "medewerker",
                        "datum_in_dienst",
                        "31-02-2015",
                        "datum_in_dienst__bestaat",
                        (4,),
                    ),
                    CellFault(
                        "medewerker", "deeltijdfactor", "1.000,00", "deeltijdfactor__vorm", (9,)
                    ),
                    CellFault("medewerker", "personeelsnummer", None, "sleutel__uniek", (21,)),
                )
            samples.append(Sample(source, received, file, _until("2021-02-22"), faults=faults))
    by_file = {sample.file: sample for sample in samples}

    def again(employer: str, year: str, received: str, **more: object) -> Sample:
        file = f"p5_behoud_{employer}_{year}_synthetisch_v1.csv"
        return Sample(source, received, file, by_file[file].until, **more)  # type: ignore[arg-type]

    # B 2019 was extracted before the year's end; the file of June replaces it.
    b_2019 = by_file["p5_behoud_B_2019_synthetisch_v1.csv"]
    samples[samples.index(b_2019)] = Sample(
        source, b_2019.received, b_2019.file, until=date(2019, 8, 31)
    )
    samples.append(again("B", "2019", "2020-06-15", revises=True))
    # E 2018 wrote its dates the wrong way round in a quarter of the rows, and corrected it.
    samples.append(
        again(
            "E",
            "2018",
            "2019-02-20",
            faults=(
                CellFault(
                    "medewerker",
                    "datum_in_dienst",
                    "2015-03-01",
                    "datum_in_dienst__vorm",
                    every=4,
                ),
            ),
            expected=REJECTED,
            reason="quarantaine",
        )
    )
    # D 2020 was saved as UTF-8, and corrected.
    samples.append(
        again(
            "D",
            "2020",
            "2021-02-15",
            encoding="utf-8",
            expected=REJECTED,
            reason="bestand__codering",
        )
    )
    # A 2020 came under a version of the contract that does not exist, and was corrected.
    samples.append(
        Sample(
            source,
            "2021-02-10",
            "p5_behoud_A_2020_synthetisch_v2.csv",
            _until("2021-02-22"),
            expected=REJECTED,
            reason="bestand__contractversie",
        )
    )
    return samples


def _p6() -> list[Sample]:
    faults = {
        ("utrecht", "2020H1"): (
            CellFault("traject", "bsn", "000000000", "bsn__elfproef", (2,)),
            CellFault("traject", "contractsoort", "zzp", "contractsoort__codelijst", (6,)),
        ),
    }
    return [
        Sample(
            "p6_leren_werken",
            received,
            f"p6_leren_werken_{site}_{period}_synthetisch_v1.ods",
            _until(received),
            faults=faults.get((site, period), ()),
        )
        for period, received in (("2020H1", "2020-08-27"), ("2020H2", "2021-02-25"))
        for site in ("utrecht", "liander", "nova", "spoor")
    ]


def _p7() -> list[Sample]:
    faults = (
        CellFault("ww_periode", "bsn", "000000000", "bsn__elfproef", (50,)),
        CellFault("ww_periode", "bsn", "123456789", "bsn__elfproef", (51,)),
        CellFault("ww_periode", "begindatum", "31-02-2019", "begindatum__bestaat", (120,)),
        CellFault("ww_periode", "volgnummer", "1.000", "volgnummer__vorm", (300,)),
        CellFault("ww_periode", "gemeentecode", "9999", "gemeentecode__codelijst", (301,)),
    )
    return [
        Sample(
            "p7_ww",
            received,
            f"p7_ww_{quarter}_synthetisch_v1.csv",
            _until(received),
            faults=faults if quarter == "2019KW1" else (),
        )
        for quarter, received in (
            ("2019KW1", "2020-04-24"),
            ("2019KW2", "2020-07-27"),
            ("2019KW3", "2020-10-26"),
            ("2019KW4", "2021-01-25"),
            ("2020KW1", "2021-05-10"),  # due 2021-05-01: late
        )
    ]


def _p8() -> list[Sample]:
    source = "p8_begeleiding"
    orphan = (CellFault("meting", "bsn", "111222333", "meting__heeft_deelnemer", (3,)),)
    return [
        Sample(
            source,
            "2020-09-24",
            "p8_begeleiding_enschede_2019H2_synthetisch_v1.zip",
            _until("2020-09-24"),
            faults=orphan,
        ),
        # The third moment came in later: the same key, with more measurements.
        Sample(
            source,
            "2021-01-28",
            "p8_begeleiding_enschede_2019H2_synthetisch_v1.zip",
            _until("2021-01-28"),
            revises=True,
        ),
        Sample(
            source,
            "2021-02-26",
            "p8_begeleiding_enschede_2020H1_synthetisch_v1.zip",
            _until("2021-02-26"),
        ),
    ]


def _unknown() -> list[Sample]:
    return [
        Sample(
            UNKNOWN_SOURCE,
            "2020-09-09",
            "p9_onbekend_2020_synthetisch_v1.csv",
            _until("2020-09-09"),
            expected=REJECTED,
            reason="bestand__onbekende_bron",
        )
    ]


SHIPPED: tuple[Sample, ...] = tuple(
    sorted(
        (*_p1(), *_p2(), *_p3(), *_p4(), *_p5(), *_p6(), *_p7(), *_p8(), *_unknown()),
        key=lambda sample: (sample.source, sample.received, sample.file),
    )
)
