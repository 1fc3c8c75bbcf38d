"""People on their way to work: tracks (P6), unemployment spells (P7), intensive guidance (P8).

Belongs here: how their rows come about from the planted truth. A person's whole course is drawn
once; a delivery shows what its peildatum and its day of extraction see of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from via_pipeline.contracts.model import period_day
from via_pipeline.samples.cells import (
    Columns,
    Damage,
    Tables,
    codes,
    day,
    days,
    kept,
    where,
    whole,
    yes_no,
)
from via_pipeline.samples.draw import Draw, Floats, Ints, by_code, chunks, scaled
from via_pipeline.samples.employers import AGE_CLASSES
from via_pipeline.samples.numbers import bsn
from via_pipeline.samples.origin import HERKOMST_OUD
from via_pipeline.samples.places import MUNICIPALITIES, municipality
from via_pipeline.samples.truth import COVID_END, COVID_START, TRUTH

SITES = ("utrecht", "liander", "nova", "spoor")
LANGUAGE = ("a0", "a1", "a2", "b1", "b2", "c1")
PHASES = ("intake", "opleiding", "werkervaring", "afgerond", "gestopt")
CONTRACTS = ("geen", "tijdelijk", "vast")
EXITS = ("werk", "maximumduur", "ziekte", "verhuizing", "overig")
CONTACT = ("huisbezoek", "telefoon", "kantoor")
MONTH = 30.4375
_P7_FIRST_QUARTER = 2019 * 4
_P8_FIRST_HALF = 2019 * 2 + 1
_P6_PHASE_STARTS = (0.0, 1.5, 7.0, 13.0)  # months after the start


def _p6_first_person(site: str, scale: float) -> int:
    counts = TRUTH.p6.participants
    return sum(scaled(counts[name], scale) for name in SITES[: SITES.index(site)])


def _p8_first_person(half: str, scale: float) -> int:
    before = int(half[:4]) * 2 + int(half[5]) - 1 - _P8_FIRST_HALF
    own = 2 * scaled(TRUTH.p8.persons_per_arm, scale)
    tracks = sum(scaled(count, scale) for count in TRUTH.p6.participants.values())
    return tracks + before * own


def _p7_first_person(quarter: str, scale: float) -> int:
    before = int(quarter[:4]) * 4 + int(quarter[6]) - 1 - _P7_FIRST_QUARTER
    return _p8_first_person("2021H2", scale) + before * scaled(TRUTH.p7.spells_per_quarter, scale)


def tracks(seed: int, scale: float, fields: Mapping[str, str], damage: Damage) -> Tables:
    """P6: the state of every track at one site on the last day of the half-year."""
    return {"traject": _tracks(seed, scale, fields, damage)}


def _tracks(
    seed: int, scale: float, fields: Mapping[str, str], damage: Damage
) -> Iterator[Columns]:
    truth, site = TRUTH.p6, fields["locatie"]
    peildatum = day(period_day(fields["periode"], "einde"))
    first = _p6_first_person(site, scale)
    shown = 0
    for number, start, n in chunks(scaled(truth.participants[site], scale)):
        draw = Draw(seed, "p6", site, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        began = day(date(2019, 9, 1)) + draw.integers(0, 450, n).astype("timedelta64[D]")
        months = (peildatum - began).astype(np.int64) / MONTH
        pace = 0.8 + 0.4 * draw.uniform(n)
        phase = np.searchsorted(_P6_PHASE_STARTS, months * pace, side="right") - 1
        stop_at = np.where(draw.happens(truth.stopped, n), draw.uniform(n) * 13.0, np.inf)
        phase = np.where(months * pace >= stop_at, 4, np.maximum(phase, 0))
        certificate = (phase == 3) & draw.happens(truth.certificate_if_finished, n)
        job_at = draw.uniform(n)
        job = ((phase == 3) & (job_at < truth.job_if_finished)) | (
            (phase == 2) & (job_at < truth.job_if_experience)
        )
        permanent = draw.happens(truth.permanent_if_job, n)
        language = draw.choice((0.10, 0.28, 0.34, 0.20, 0.06, 0.02), n)
        learned = np.clip(np.floor(months / 8), 0, 2).astype(np.int64)
        columns = {
            "bsn": bsn(first + np.arange(start, start + n)),
            "herkomst_oud": codes(HERKOMST_OUD, herkomst),
            "startdatum": days(began),
            "taalniveau": codes(LANGUAGE, np.minimum(language + learned, 5)),
            "fase": codes(PHASES, phase),
            "certificaat": yes_no(certificate),
            "baan": yes_no(job),
            "contractsoort": codes(CONTRACTS, np.where(job, 1 + permanent, 0)),
        }
        seen = kept(began <= peildatum, columns)
        yield damage("traject", shown, seen)
        shown += len(seen["fase"])


def spells(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Tables:
    """P7: spells that began in the quarter, followed until the day of extraction."""
    return {"ww_periode": _spells(seed, scale, fields, until, damage)}


def _spells(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Iterator[Columns]:
    truth, quarter = TRUTH.p7, fields["periode"]
    opened, closed = (day(period_day(quarter, which)) for which in ("begin", "einde"))
    first = _p7_first_person(quarter, scale)
    for number, start, n in chunks(scaled(truth.spells_per_quarter, scale)):
        draw = Draw(seed, "p7", quarter, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        length = int((closed - opened).astype(int))
        begin = opened + draw.integers(0, length, n).astype("timedelta64[D]")
        services = {name: draw.happens(share, n) for name, share in truth.services.items()}
        rate = by_code(truth.work_per_month, HERKOMST_OUD, herkomst) / MONTH
        rate = rate * np.where(services["bemiddeling"], truth.hazard_ratio_matching, 1.0)
        to_work = _slowed(draw.exponential(n), rate, begin)
        to_other = draw.exponential(n) / (truth.other_per_month / MONTH)
        limit = draw.integers(3, 24, n) * MONTH
        spell = np.minimum(np.minimum(to_work, to_other), limit)
        why = np.select(
            [spell == to_work, spell == limit], [0, 1], default=2 + draw.integers(0, 2, n)
        )
        end = begin + np.floor(spell).astype("timedelta64[D]")
        over = end <= day(until)
        reason = where(draw.happens(truth.unknown_reason, n), ".", codes(EXITS, why))
        town = codes(MUNICIPALITIES, municipality(draw, n))
        columns = {
            "bsn": bsn(first + np.arange(start, start + n)),
            "volgnummer": whole(draw.choice((0.7, 0.2, 0.07, 0.03), n) + 1),
            "herkomst_oud": codes(HERKOMST_OUD, herkomst),
            "leeftijdsklasse": codes(
                AGE_CLASSES, draw.choice((0.10, 0.26, 0.23, 0.21, 0.19, 0.01), n)
            ),
            "gemeentecode": where(draw.happens(truth.unknown_municipality, n), ".", town),
            "begindatum": days(begin),
            "einddatum": days(np.where(over, end, np.datetime64("NaT"))),
            "reden_einde": where(~over, "", reason),
            **{
                f"diensten_{name}": where(draw.happens(truth.unknown_service, n), ".", yes_no(used))
                for name, used in services.items()
            },
        }
        yield damage("ww_periode", start, columns)


def _slowed(risk: Floats, rate: Floats, begin: NDArray[np.datetime64]) -> Floats:
    """Days until the cumulative hazard reaches ``risk``: the rate is lower during COVID-19.

    Solves the piecewise linear cumulative hazard exactly.
    """
    ratio = TRUTH.p7.hazard_ratio_covid
    to_start = np.maximum((day(COVID_START) - begin).astype(np.int64), 0).astype(float)
    to_end = np.maximum((day(COVID_END + timedelta(days=1)) - begin).astype(np.int64), 0)
    during = to_end - to_start
    at_start, at_end = rate * to_start, rate * (to_start + ratio * during)
    return np.where(
        risk <= at_start,
        risk / rate,
        np.where(
            risk <= at_end,
            to_start + (risk - at_start) / (rate * ratio),
            to_end + (risk - at_end) / rate,
        ),
    )


def guidance(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Tables:
    """P8: the persons who came in during the half-year, and their measurements until ``until``."""
    return {
        "deelnemer": _participants(seed, scale, fields, damage),
        "meting": _measurements(seed, scale, fields, until, damage),
    }


def _arrivals(
    seed: int, scale: float, fields: Mapping[str, str]
) -> Iterator[tuple[int, int, Ints, NDArray[np.bool_], NDArray[np.datetime64], Draw]]:
    half = fields["periode"]
    opened, closed = (day(period_day(half, which)) for which in ("begin", "einde"))
    first = _p8_first_person(half, scale)
    for number, start, n in chunks(2 * scaled(TRUTH.p8.persons_per_arm, scale)):
        index = np.arange(start, start + n)
        draw = Draw(seed, "p8", fields["locatie"], half, number)
        length = int((closed - opened).astype(int))
        began = opened + draw.integers(0, length, n).astype("timedelta64[D]")
        yield number, start, first + index, index % 2 == 0, began, draw


def _participants(
    seed: int, scale: float, fields: Mapping[str, str], damage: Damage
) -> Iterator[Columns]:
    truth = TRUTH.p8
    for _, start, person, treated, began, draw in _arrivals(seed, scale, fields):
        n = len(person)
        yield damage(
            "deelnemer",
            start,
            {
                "bsn": bsn(person),
                "arm": codes(("vergelijking", "interventie"), treated.astype(np.int64)),
                "herkomst_oud": codes(HERKOMST_OUD, draw.choice(list(truth.herkomst.values()), n)),
                "leeftijdsklasse": codes(
                    AGE_CLASSES, draw.choice((0.04, 0.20, 0.30, 0.28, 0.18, 0.0), n)
                ),
                "startdatum": days(began),
            },
        )


def _measurements(
    seed: int, scale: float, fields: Mapping[str, str], until: date, damage: Damage
) -> Iterator[Columns]:
    truth, shown = TRUTH.p8, 0
    for number, _, person, treated, began, _ in _arrivals(seed, scale, fields):
        n = len(person)
        draw = Draw(seed, "p8", fields["locatie"], fields["periode"], number, "meting")
        ladder_level, health_level = 0.8 * draw.normal(n), 1.3 * draw.normal(n)
        here = np.ones(n, dtype=bool)
        for moment in (1, 2, 3):
            part = (moment - 1) / 2
            taken = began + ((moment - 1) * 180 + draw.integers(0, 14, n)).astype("timedelta64[D]")
            ladder = (
                truth.ladder_start
                + ladder_level
                + part * (truth.ladder_growth + truth.ladder_effect * treated)
                + 0.3 * draw.normal(n)
            )
            health = (
                truth.health_start
                + health_level
                + part * (truth.health_growth + truth.health_effect * treated)
                + 0.5 * draw.normal(n)
            )
            answer = draw.uniform(n)
            felt = whole(np.clip(np.rint(health), 1, 10).astype(np.int64))
            felt = where(answer < truth.health_refused, "-9", felt)
            felt = where(answer > 1 - truth.health_unknown, "99", felt)
            by_phone = (taken >= day(COVID_START)) & draw.happens(0.9, n)
            contact = np.where(
                by_phone | (taken >= day(COVID_START)) & (taken <= day(date(2020, 5, 31))),
                1,
                np.where(treated & draw.happens(0.7, n), 0, 2),
            )
            columns = {
                "bsn": bsn(person),
                "meetmoment": whole(np.full(n, moment)),
                "datum": days(taken),
                "ladder": whole(np.clip(np.rint(ladder), 1, 6).astype(np.int64)),
                "gezondheid": felt,
                "contactvorm": codes(CONTACT, contact),
            }
            seen = kept(here & (taken <= day(until)), columns)
            yield damage("meting", shown, seen)
            shown += len(seen["bsn"])
            here = here & ~draw.happens(truth.dropout_per_moment, n)
