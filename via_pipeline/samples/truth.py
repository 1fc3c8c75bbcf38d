"""The truth that is planted in generated deliveries, in one place, for tests to compare with.

Belongs here: shares, means, effects and sizes. Does not belong here: drawing from them, or which
file gets which fault (``schedule.py``). Shares marked "domain" are published figures (domain notes,
sections 1.2 and 3.2); all others are invented to give every method something to find. None of them
is a result of VIA: the evaluators' figures are not public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

Shares = Mapping[str, float]

COVID_START = date(2020, 3, 16)
COVID_END = date(2020, 8, 31)


@dataclass(frozen=True)
class P1:
    """Pupils in schools; the effect is a difference in differences on the share ``hoog``."""

    schools: int = 12
    pupils_per_school: int = 30
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.48,
            "westers": 0.08,
            "niet_westers": 0.42,
            "onbekend": 0.02,
        }
    )
    share_high_before: float = 0.30
    growth_high: float = 0.04
    effect_high: float = 0.10
    share_low: float = 0.25
    school_sd: float = 0.04
    parent_response: float = 0.70
    parent_refused: float = 0.03
    parent_unknown: float = 0.04
    certainty_mean_before: float = 6.0
    certainty_growth: float = 0.4
    certainty_effect: float = 0.5


@dataclass(frozen=True)
class P2:
    """Graduates; interventions are not drawn by lot: their share differs by origin."""

    students_per_cohort: int = 900
    institutions: int = 10
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.62,
            "westers": 0.08,
            "niet_westers": 0.28,
            "onbekend": 0.02,
        }
    )
    niveau: Shares = field(default_factory=lambda: {"1": 0.06, "2": 0.26, "3": 0.28, "4": 0.40})
    share_bol: float = 0.72
    share_intervention_bol: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.12,
            "westers": 0.12,
            "niet_westers": 0.30,
            "onbekend": 0.12,
        }
    )
    # domain 1.2 (ROA 2017, secondary source): 70% without migration background, "half" with.
    first_time: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.70,
            "westers": 0.60,
            "niet_westers": 0.50,
            "onbekend": 0.60,
        }
    )
    effect_first_time: float = 0.08
    work: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.86,
            "westers": 0.82,
            "niet_westers": 0.74,
            "onbekend": 0.80,
        }
    )
    effect_work: float = 0.04
    missing_work: Shares = field(default_factory=lambda: {".": 0.03, "x": 0.01, "-": 0.01})
    missing_applications: Shares = field(default_factory=lambda: {".": 0.02, "x": 0.005, "-": 0.0})


@dataclass(frozen=True)
class P3:
    """Applicants; only one nudge moves the chance of an invitation, and for one group."""

    employers: int = 19  # domain 1.2: the realised number; 20 were planned
    vacancies_per_phase: int = 3
    applicants_per_vacancy: int = 12
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.64,
            "westers": 0.10,
            "niet_westers": 0.24,
            "onbekend": 0.02,
        }
    )
    invited: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.42,
            "westers": 0.38,
            "niet_westers": 0.30,
            "onbekend": 0.36,
        }
    )
    effect_invited_niet_westers: Shares = field(
        default_factory=lambda: {"vacaturetekst": 0.0, "eerste_selectie": 0.06, "interview": 0.0}
    )
    employer_sd: float = 0.05
    interview_if_invited: float = 0.95
    hired_if_interview: float = 0.22


@dataclass(frozen=True)
class P4:
    """Jobs. National margins of both classifications hold for every organisation.

    ``profiles`` gives the shares of combinations of birth countries (``origin.py``); they make the
    published shares of employees in 2020 (domain 3.2): old 76/12/12, new 75/10/15.
    """

    size: Mapping[str, int] = field(
        default_factory=lambda: {
            "O01": 3000,
            "O02": 1200,
            "O03": 249,
            "O04": 250,
            "O05": 600,
            "O06": 400,
            "O07": 500,
            "O08": 300,
        }
    )
    # Sizes at the boundary of the Barometer do not grow with scale.
    fixed_size: tuple[str, ...] = ("O03", "O04")
    profiles: Shares = field(
        default_factory=lambda: {
            "nederland": 0.750,
            "nederlands_geboren_in_europa": 0.005,
            "nederlands_geboren_buiten_europa": 0.005,
            "europa": 0.095,
            "westers_buiten_europa": 0.025,
            "niet_westers": 0.120,
        }
    )
    old: Shares = field(
        default_factory=lambda: {"nederlands": 0.76, "westers": 0.12, "niet_westers": 0.12}
    )
    new: Shares = field(
        default_factory=lambda: {"nederland": 0.75, "europa": 0.10, "buiten_europa": 0.15}
    )
    # functieniveau 1..5 given the profile: niet_westers less often at the top, by construction.
    ladder: Mapping[str, tuple[float, ...]] = field(
        default_factory=lambda: {
            "niet_westers": (0.46, 0.36, 0.13, 0.04, 0.01),
            "andere": (0.30, 0.36, 0.22, 0.09, 0.03),
        }
    )
    # chance per year of one level more, for who was there the year before
    promotion: Mapping[str, float] = field(
        default_factory=lambda: {"niet_westers": 0.04, "andere": 0.07}
    )
    second_job: float = 0.03
    unknown_country: float = 0.004
    left_per_year: float = 0.08
    joined_per_year: float = 0.09


@dataclass(frozen=True)
class P5:
    """Employees of five employers, followed over 2018-2020."""

    size: Mapping[str, int] = field(
        default_factory=lambda: {"A": 110, "B": 90, "C": 140, "D": 60, "E": 80}
    )
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.68,
            "westers": 0.10,
            "niet_westers": 0.20,
            "onbekend": 0.02,
        }
    )
    promotion: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.07,
            "westers": 0.06,
            "niet_westers": 0.04,
            "onbekend": 0.06,
        }
    )
    exit: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.09,
            "westers": 0.10,
            "niet_westers": 0.14,
            "onbekend": 0.10,
        }
    )
    ladder: tuple[float, ...] = (0.38, 0.36, 0.18, 0.06, 0.02)


@dataclass(frozen=True)
class P6:
    """Tracks at four sites; durations in months from the start."""

    participants: Mapping[str, int] = field(
        default_factory=lambda: {"utrecht": 28, "liander": 14, "nova": 22, "spoor": 24}
    )
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.06,
            "westers": 0.06,
            "niet_westers": 0.86,
            "onbekend": 0.02,
        }
    )
    stopped: float = 0.15
    certificate_if_finished: float = 0.90
    job_if_finished: float = 0.62
    job_if_experience: float = 0.25
    permanent_if_job: float = 0.35


@dataclass(frozen=True)
class P7:
    """Spells: exponential time to work, slower in the first COVID-19 months."""

    spells_per_quarter: int = 1400
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.68,
            "westers": 0.11,
            "niet_westers": 0.19,
            "onbekend": 0.02,
        }
    )
    # chance per month (30.4375 days) of starting work, without services, outside COVID-19
    work_per_month: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.095,
            "westers": 0.085,
            "niet_westers": 0.065,
            "onbekend": 0.085,
        }
    )
    hazard_ratio_matching: float = 1.25
    hazard_ratio_covid: float = 0.70
    other_per_month: float = 0.012
    services: Mapping[str, float] = field(
        default_factory=lambda: {"werkverkenner": 0.55, "training": 0.20, "bemiddeling": 0.15}
    )
    unknown_municipality: float = 0.005
    unknown_service: float = 0.004
    unknown_reason: float = 0.01


@dataclass(frozen=True)
class P8:
    """Participants and comparison group; the effect is on the change from moment 1 to 3."""

    persons_per_arm: int = 45
    herkomst: Shares = field(
        default_factory=lambda: {
            "nederlands": 0.08,
            "westers": 0.08,
            "niet_westers": 0.82,
            "onbekend": 0.02,
        }
    )
    ladder_start: float = 2.6
    ladder_growth: float = 0.20
    ladder_effect: float = 0.30
    health_start: float = 5.6
    health_growth: float = 0.10
    health_effect: float = 0.50
    dropout_per_moment: float = 0.08
    health_refused: float = 0.03
    health_unknown: float = 0.03


@dataclass(frozen=True)
class Truth:
    """Everything that is planted, a pilot each."""

    p1: P1 = field(default_factory=P1)
    p2: P2 = field(default_factory=P2)
    p3: P3 = field(default_factory=P3)
    p4: P4 = field(default_factory=P4)
    p5: P5 = field(default_factory=P5)
    p6: P6 = field(default_factory=P6)
    p7: P7 = field(default_factory=P7)
    p8: P8 = field(default_factory=P8)


TRUTH = Truth()
