"""People at employers: applicants (P3), jobs on a peildatum (P4), employees over the years (P5).

Belongs here: how their rows come about from the planted truth. A person's whole course is drawn
once per employer; a delivery shows the part of it that its period and its day of extraction see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np

from via_pipeline.contracts.model import period_day
from via_pipeline.samples.cells import (
    Columns,
    Damage,
    Tables,
    codes,
    day,
    days,
    hundredths,
    kept,
    same,
    where,
    whole,
    yes_no,
)
from via_pipeline.samples.draw import Draw, by_code, chunks, scaled
from via_pipeline.samples.numbers import postcodes
from via_pipeline.samples.origin import HERKOMST_OUD, origins
from via_pipeline.samples.truth import TRUTH

NUDGES = ("vacaturetekst", "eerste_selectie", "interview")
UNITS = ("Bedrijfsvoering", "Dienstverlening", "Financiën", "Uitvoering", "Beleid en privacy")
AGE_CLASSES = ("15-24", "25-34", "35-44", "45-54", "55-64", "65+")
JOB_TITLES = (
    "Medewerker administratie",
    "Financieel medewerker € en btw",
    "Coördinator planning",
    "Cliëntbegeleider",
    "Monteur",
    "Conciërge",
    "Teamleider",
    "Beleidsmedewerker privé-vervoer",
)
REASONS = ("eigen_verzoek", "einde_contract", "ontslag", "pensioen", "overig")
_SCALE_OF_LEVEL = ((1, 5), (5, 8), (8, 11), (11, 14), (14, 18))
_P4_FIRST, _P4_LAST = 2019, 2021
_P5_YEARS = (2018, 2019, 2020)


def nudge_of(employer: str) -> str:
    """The nudge that an employer (``W07``) tries; they take turns."""
    return NUDGES[(int(employer[1:]) - 1) % len(NUDGES)]


def applicants(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Tables:
    """P3: one row an application, half of them before the nudge and half with it."""
    return {"sollicitatie": _applicants(seed, scale, fields, until, damage)}


def _applicants(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Iterator[Columns]:
    truth, employer = TRUTH.p3, fields["werkgever"]
    end = day(period_day(fields["periode"], "einde"))
    nudge = nudge_of(employer)
    vacancies = 2 * scaled(truth.vacancies_per_phase, scale)
    tilt = Draw(seed, "p3", employer, "employer").normal(1)[0] * truth.employer_sd
    shown = 0
    for number, start, n in chunks(vacancies * truth.applicants_per_vacancy):
        index = np.arange(start, start + n)
        vacancy = index // truth.applicants_per_vacancy
        with_nudge = vacancy % 2 == 1
        draw = Draw(seed, "p3", employer, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        chance = by_code(truth.invited, HERKOMST_OUD, herkomst) + tilt
        helped = with_nudge & (herkomst == HERKOMST_OUD.index("niet_westers"))
        chance = chance + helped * truth.effect_invited_niet_westers[nudge]
        invited = draw.happens(chance, n)
        interview = invited & draw.happens(truth.interview_if_invited, n)
        hired = interview & draw.happens(truth.hired_if_interview, n)
        # The half year before the nudge, then the half year with it.
        back = np.where(with_nudge, draw.integers(0, 170, n), draw.integers(185, 360, n))
        applied = end - back.astype("timedelta64[D]")
        columns = {
            "sollicitant_nr": whole(10_000 + index),
            "vacature": codes([f"V{place:03d}" for place in range(1, vacancies + 1)], vacancy),
            "fase": codes(("voor", "met"), with_nudge.astype(np.int64)),
            "nudge": codes(("geen", nudge), with_nudge.astype(np.int64)),
            "herkomst_oud": codes(HERKOMST_OUD, herkomst),
            "datum_sollicitatie": days(applied),
            "uitgenodigd": yes_no(invited),
            "gesprek": yes_no(interview),
            "aangenomen": yes_no(hired),
        }
        seen = kept(applied <= day(until), columns)
        yield damage("sollicitatie", shown, seen)
        shown += len(seen["vacature"])


def jobs(seed: int, scale: float, fields: Mapping[str, str], damage: Damage) -> Tables:
    """P4: one row a job on the peildatum."""
    return {"baan": _jobs(seed, scale, fields, damage)}


def _jobs(seed: int, scale: float, fields: Mapping[str, str], damage: Damage) -> Iterator[Columns]:
    truth, organisation = TRUTH.p4, fields["organisatie"]
    years = date.fromisoformat(fields["periode"]).year - _P4_FIRST
    fixed = organisation in truth.fixed_size
    base = truth.size[organisation] if fixed else scaled(truth.size[organisation], scale)
    newcomers = 0 if fixed else round(base * truth.joined_per_year)
    # Everybody who ever works here is drawn at every peildatum, so that people stay themselves.
    total = base + newcomers * (_P4_LAST - _P4_FIRST)
    ladder = np.asarray([truth.ladder["andere"], truth.ladder["niet_westers"]]).cumsum(axis=1)
    rises = np.asarray([truth.promotion["andere"], truth.promotion["niet_westers"]])
    shown = 0
    for number, start, n in chunks(total):
        person = np.arange(start, start + n)
        draw = Draw(seed, "p4", organisation, number)
        origin = origins(draw, truth.profiles, n)
        apart = (origin.profile == list(truth.profiles).index("niet_westers")).astype(np.int64)
        level = (draw.uniform(n)[:, None] >= ladder[apart, :-1]).sum(axis=1)
        place_in_scale, extra = draw.uniform(n), draw.uniform(n)
        age_days = draw.integers(19 * 365, 66 * 365, n)
        born = day(date(_P4_FIRST, 12, 31)) - age_days.astype("timedelta64[D]")
        service = np.floor(draw.uniform(n) * np.minimum(age_days - 16 * 366, 30 * 365))
        joined = day(date(_P4_FIRST, 12, 31)) - service.astype("timedelta64[D]")
        first_year = np.where(person < base, 0, 1 + (person - base) // max(newcomers, 1))
        starts = np.asarray([day(date(_P4_FIRST + k, 1, 1)) for k in range(years + 2)])
        joined = np.where(
            first_year > 0,
            starts[np.minimum(first_year, years + 1)]
            + draw.integers(0, 364, n).astype("timedelta64[D]"),
            joined,
        )
        here = first_year <= years
        for year in range(1, _P4_LAST - _P4_FIRST + 1):
            gone, up = draw.uniform(n), draw.uniform(n)
            if year <= years and not fixed:
                was_here = first_year < year
                here &= ~(was_here & (gone < truth.left_per_year))
                level = level + (was_here & (level < 4) & (up < rises[apart]))
        low, high = (np.asarray(ends)[level] for ends in zip(*_SCALE_OF_LEVEL, strict=True))
        salary_scale = low + np.floor(place_in_scale * (high - low + 1)).astype(np.int64)
        wage = np.rint((10.5 + 2.3 * salary_scale + 2 * extra) * 100).astype(np.int64)
        unknown = draw.happens(0.0 if fixed else truth.unknown_country, n)
        unit = draw.integers(0, len(UNITS) - 1, n)
        second = draw.happens(0.0 if fixed else truth.second_job, n)
        second_wage = wage - draw.integers(0, 150, n)
        columns = {
            "geboortedatum": days(born, "yyyy-MM-dd"),
            "geslacht": codes(("M", "V", "X"), draw.choice((0.495, 0.5, 0.005), n)),
            "postcode": postcodes(person),
            "huisnummer": whole(draw.integers(1, 180, n)),
            "toevoeging": codes(("", "A", "B", "2"), draw.choice((0.85, 0.07, 0.05, 0.03), n)),
            "baan_nr": same("1", n),
            "onderdeel": codes(UNITS, unit),
            "salarisschaal": whole(salary_scale),
            "functieniveau": whole(level + 1),
            "datum_in_dienst": days(joined, "yyyy-MM-dd"),
            "uurloon": hundredths(wage, "."),
            **{name: where(unknown, ".", values) for name, values in origin.countries.items()},
        }
        again = columns | {"baan_nr": same("2", n), "uurloon": hundredths(second_wage, ".")}
        for rows in (kept(here, columns), kept(second & here, again)):
            yield damage("baan", shown, rows)
            shown += len(rows["baan_nr"])


def employees(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Tables:
    """P5: one row an employee in service on 1 January of the year."""
    return {"medewerker": _employees(seed, scale, fields, until, damage)}


def _employees(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Iterator[Columns]:
    truth, employer, year = TRUTH.p5, fields["werkgever"], int(fields["periode"])
    base = scaled(truth.size[employer], scale)
    # Enough newcomers to make up for those who leave, each in service from a later 1 January.
    total = base + round(base * 0.10 * (len(_P5_YEARS) - 1))
    shown = 0
    for number, start, n in chunks(total):
        person = np.arange(start, start + n)
        draw = Draw(seed, "p5", employer, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        level = draw.choice(truth.ladder, n) + 1
        age = draw.integers(18, 62, n)
        title = draw.integers(0, len(JOB_TITLES) - 1, n)
        part_time = np.asarray([50, 60, 80, 90, 100])[draw.integers(0, 4, n)]
        started = np.where(
            person < base,
            day(date(2018, 1, 1)) - draw.integers(0, 5000, n).astype("timedelta64[D]"),
            np.where(
                (person - base) % 2 == 0,
                day(date(2018, 6, 1)) + draw.integers(0, 180, n).astype("timedelta64[D]"),
                day(date(2019, 6, 1)) + draw.integers(0, 180, n).astype("timedelta64[D]"),
            ),
        )
        here = np.ones(n, dtype=bool)
        for past in _P5_YEARS:
            in_service = here & (started <= day(date(past, 1, 1)))
            at, day_of_year, why, up = (draw.uniform(n) for _ in range(4))
            leaves = in_service & (at < by_code(truth.exit, HERKOMST_OUD, herkomst))
            promoted = (
                in_service & (level < 5) & (up < by_code(truth.promotion, HERKOMST_OUD, herkomst))
            )
            if past == year:
                break
            here &= ~leaves
            level = level + promoted
        ended = day(date(year, 1, 1)) + np.floor(day_of_year * 364).astype("timedelta64[D]")
        known = leaves & (ended <= day(until))
        reason = np.floor(why * len(REASONS)).astype(np.int64)
        age_class = np.searchsorted((25, 35, 45, 55, 65), age + (year - 2018), side="right")
        columns = {
            "personeelsnummer": whole(100_000 + person),
            "jaar": same(str(year), n),
            "leeftijdsklasse": codes(AGE_CLASSES, age_class),
            "herkomst_oud": codes(HERKOMST_OUD, herkomst),
            "functieniveau": whole(level),
            "functienaam": codes(JOB_TITLES, title),
            "datum_in_dienst": days(started),
            "promotie": yes_no(promoted),
            "datum_uit_dienst": days(np.where(known, ended, np.datetime64("NaT"))),
            "reden_uit_dienst": where(~known, "", codes(REASONS, reason)),
            "deeltijdfactor": hundredths(part_time, ","),
        }
        seen = kept(in_service, columns)
        yield damage("medewerker", shown, seen)
        shown += len(seen["jaar"])
