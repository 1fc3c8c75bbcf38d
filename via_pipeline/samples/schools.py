"""Pupils of vmbo schools (P1) and graduates of mbo institutions (P2).

Belongs here: how their answers come about from the planted truth. A person's own chances are drawn
per person and not per delivery, so that the same pupil comes back in the second survey.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from via_pipeline.samples.cells import (
    Columns,
    Damage,
    Tables,
    codes,
    same,
    where,
    whole,
    yes_no,
)
from via_pipeline.samples.draw import Draw, Ints, by_code, chunks, scaled
from via_pipeline.samples.numbers import onderwijsnummer
from via_pipeline.samples.origin import HERKOMST_OUD
from via_pipeline.samples.places import MUNICIPALITIES, municipality
from via_pipeline.samples.truth import TRUTH

ARMS = ("interventie", "vergelijking")
PERSPECTIVES = ("laag", "midden", "hoog")
INTERVENTIONS = ("geen", "stagemakelaar", "link2work", "kandidatennetwerk", "selecteren", "overig")
LEVELS = ("1", "2", "3", "4")
_P2_FIRST_PERSON = 400_000  # onderwijsnummers below this are pupils of P1
_P2_COHORT_0 = 2018


def brin(index: Ints, series: str) -> pa.Array:
    """A BRIN code of two digits and two letters; ``series`` is the last letter."""
    letters = [chr(65 + place) + series for place in range(26)]
    digits = pa.array([f"{number:02d}" for number in range(100)])
    pair = codes(letters, (index // 100) % 26)
    return pc.binary_join_element_wise(digits.take(pa.array(index % 100)), pair, "")


def pupils(seed: int, scale: float, fields: Mapping[str, str], damage: Damage) -> Tables:
    """P1: one row a pupil for the survey (``meting``) that the delivery is about."""
    return {"leerling": _pupils(seed, scale, fields, damage)}


def _pupils(
    seed: int, scale: float, fields: Mapping[str, str], damage: Damage
) -> Iterator[Columns]:
    truth = TRUTH.p1
    schools = max(2, scaled(truth.schools, scale))
    year, after = fields["schooljaar"], fields["meting"] == "na"
    tilt = Draw(seed, "p1", year, "school").normal(schools) * truth.school_sd
    for number, start, n in chunks(schools * truth.pupils_per_school):
        person = np.arange(start, start + n)
        school = person // truth.pupils_per_school
        treated = school % 2 == 0
        draw = Draw(seed, "p1", year, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        sex = draw.choice((0.495, 0.495, 0.01), n)
        high_at, rest_at, parent_at, answer_at = (draw.uniform(n) for _ in range(4))
        level, certain_noise = draw.normal(n), draw.normal(n)
        absent_at = draw.uniform(n)
        now = Draw(seed, "p1", year, fields["meting"], number)

        high = truth.share_high_before + tilt[school]
        certain = truth.certainty_mean_before + 1.4 * level
        if after:
            high = high + truth.growth_high + truth.effect_high * treated
            certain = certain + truth.certainty_growth + truth.certainty_effect * treated
            certain = certain + 0.6 * now.normal(n)
        else:
            certain = certain + 0.6 * certain_noise
        perspective = np.where(
            high_at < high, 2, np.where(rest_at < truth.share_low / (1 - high), 0, 1)
        )
        responded = parent_at < truth.parent_response
        involved = whole(now.choice((0.08, 0.17, 0.30, 0.28, 0.17), n) + 1)
        involved = where(answer_at < truth.parent_refused, "-9", involved)
        involved = where(answer_at > 1 - truth.parent_unknown, "99", involved)
        sure = whole(np.clip(np.rint(certain), 1, 10).astype(np.int64))
        yield damage(
            "leerling",
            start,
            {
                "onderwijsnummer": onderwijsnummer(person),
                "school": brin(school, "V"),
                "schooljaar": same(year, n),
                "meting": same(fields["meting"], n),
                "arm": codes(ARMS, (~treated).astype(np.int64)),
                "herkomst_oud": codes(HERKOMST_OUD, herkomst),
                "geslacht": codes(("M", "V", "X"), sex),
                "ouder_betrokken": where(~responded, "", involved),
                "keuze_zekerheid": where(absent_at < 0.02, "99", sure),
                "keuze_perspectief": codes(PERSPECTIVES, perspective),
                "ouder_vragenlijst": yes_no(responded),
            },
        )


class ControlTotals:
    """What the sender counts over the students' file while writing it."""

    def __init__(self) -> None:
        self.students = 0
        self.applications = 0
        self.first_time = 0

    def add(self, columns: Columns) -> None:
        """Count one piece."""
        text = columns["aantal_sollicitaties"]
        numbers = text.filter(pc.match_substring_regex(text, "^-?[0-9]+$")).cast(pa.int64())
        self.students += len(text)
        self.applications += pc.sum(numbers).as_py() or 0
        self.first_time += pc.sum(pc.equal(columns["eerste_keer_geplaatst"], "J")).as_py() or 0

    def columns(self, off_by: int = 0) -> Columns:
        """The totals as a table of three rows; ``off_by`` falsifies the number of students."""
        totals = {
            "aantal_studenten": self.students + off_by,
            "som_sollicitaties": self.applications,
            "aantal_eerste_keer_geplaatst": self.first_time,
        }
        return {
            "kenmerk": pa.array(list(totals)),
            "totaal": pa.array([str(total) for total in totals.values()]),
        }


def students(
    seed: int, scale: float, fields: Mapping[str, str], damage: Damage, total_off_by: int = 0
) -> Tables:
    """P2: one row a graduate of the cohort, and the control totals over those rows."""
    totals = ControlTotals()

    def counted() -> Iterator[Columns]:
        for columns in _students(seed, scale, int(fields["periode"]), damage):
            totals.add(columns)
            yield columns

    def summed() -> Iterator[Columns]:
        yield damage("controletotaal", 0, totals.columns(total_off_by))

    return {"student": counted(), "controletotaal": summed()}


def _students(seed: int, scale: float, cohort: int, damage: Damage) -> Iterator[Columns]:
    truth = TRUTH.p2
    total = scaled(truth.students_per_cohort, scale)
    institutions = max(1, scaled(truth.institutions, min(scale, 6)))
    first = _P2_FIRST_PERSON + (cohort - _P2_COHORT_0) * total
    for number, start, n in chunks(total):
        draw = Draw(seed, "p2", cohort, number)
        herkomst = draw.choice(list(truth.herkomst.values()), n)
        level = draw.choice(list(truth.niveau.values()), n)
        bol = draw.happens(truth.share_bol, n)
        place = draw.integers(0, institutions - 1, n)
        town = municipality(draw, n)
        offered = draw.uniform(n) < by_code(truth.share_intervention_bol, HERKOMST_OUD, herkomst)
        kind = draw.integers(1, len(INTERVENTIONS) - 1, n)
        treated = bol & offered
        first_time = draw.uniform(n) < (
            by_code(truth.first_time, HERKOMST_OUD, herkomst) + truth.effect_first_time * treated
        )
        more = 2 + np.floor(draw.exponential(n) * 1.8).astype(np.int64)
        applications = np.where(first_time, 1, np.minimum(more, 40))
        works = draw.uniform(n) < (
            by_code(truth.work, HERKOMST_OUD, herkomst) + truth.effect_work * treated
        )
        yield damage(
            "student",
            start,
            {
                "onderwijsnummer": onderwijsnummer(first + np.arange(start, start + n)),
                "instelling": brin(place, "M"),
                "cohort": same(str(cohort), n),
                "niveau": codes(LEVELS, level),
                "leerweg": codes(("bbl", "bol"), bol.astype(np.int64)),
                "herkomst_oud": codes(HERKOMST_OUD, herkomst),
                "gemeentecode": codes(MUNICIPALITIES, town),
                "interventie": codes(INTERVENTIONS, np.where(treated, kind, 0)),
                "aantal_sollicitaties": _symbols(
                    draw, truth.missing_applications, whole(applications)
                ),
                "eerste_keer_geplaatst": yes_no(first_time),
                "werk_na_diploma": _symbols(draw, truth.missing_work, yes_no(works)),
            },
        )


def _symbols(draw: Draw, shares: Mapping[str, float], values: pa.Array) -> pa.Array:
    """CBS symbols in place of some values."""
    at, low = draw.uniform(len(values)), 0.0
    for symbol, share in shares.items():
        values = where((low <= at) & (at < low + share), symbol, values)
        low += share
    return values
