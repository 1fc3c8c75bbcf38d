"""Small data sets that several tests share; seeded, so that every run sees the same."""

from __future__ import annotations

import numpy as np
import pandas as pd

from via_pipeline.outcomes.methods import trial

EVENT = pd.Timestamp("2020-03-16")


def employers(clusters: int = 19, size: int = 24, effect: float = 0.3, seed: int = 7):
    """Applicants of employers in two phases, with a number, a 0/1 and a rung as outcome."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(size // 2, size + size // 2, clusters)
    werkgever = np.repeat([f"W{n:02d}" for n in range(clusters)], sizes)
    n = len(werkgever)
    met = rng.integers(0, 2, n)
    level = np.repeat(rng.normal(0, 0.5, clusters), sizes)
    leeftijd = rng.normal(40, 10, n).round(1)
    score = level + effect * met + 0.02 * leeftijd + rng.normal(size=n)
    return pd.DataFrame(
        {
            "persoon": [f"p{number}" for number in range(n)],
            "werkgever": werkgever,
            "fase": np.where(met == 1, "met", "voor"),
            "herkomst": rng.choice(["nederlands", "westers", "niet_westers"], n),
            "leeftijd": leeftijd,
            "datum": EVENT + pd.to_timedelta(np.arange(n) * 7 % 200 - 100, unit="D"),
            "score": score,
            "uitgenodigd": score > np.median(score),
            "ladder": np.clip(np.round(score + 2), 1, 6).astype(int),
        }
    )


def build(frame: pd.DataFrame, outcome: str = "score", **options) -> trial.Trial:
    """The comparison of phase ``met`` with phase ``voor``."""
    return trial.build(
        frame, outcome=outcome, arm="fase", intervention=["met"], comparison=["voor"], **options
    )


def within(frame: pd.DataFrame, outcome: str = "score", **options) -> trial.Trial:
    """The same within employers and clustered on them."""
    return build(
        frame, outcome, unit=["persoon"], cluster=["werkgever"], strata=["werkgever"], **options
    )


def measured(n: int = 120, effect: float = 0.5, seed: int = 3) -> pd.DataFrame:
    """Participants at three moments, two arms."""
    rng = np.random.default_rng(seed)
    arm = np.where(rng.permutation(np.arange(n) % 2) == 1, "interventie", "vergelijking")
    level = rng.normal(3, 1, n)
    parts = []
    for moment in (1, 2, 3):
        gain = effect * (moment - 1) / 2 * (arm == "interventie")
        parts.append(
            pd.DataFrame(
                {
                    "persoon": [f"p{number}" for number in range(n)],
                    "arm": arm,
                    "moment": moment,
                    "datum": pd.Timestamp("2019-07-01") + pd.Timedelta(days=180 * (moment - 1)),
                    "score": level + 0.1 * moment + gain + rng.normal(0, 0.7, n),
                    "wijk": [f"w{number % 15}" for number in range(n)],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


DID = {
    "outcome": "score",
    "arm": "arm",
    "intervention": ["interventie"],
    "comparison": ["vergelijking"],
    "unit": ["persoon"],
    "moment": "moment",
    "base": 1,
    "last": 3,
    "date": "datum",
}


ACROSS = {name: value for name, value in DID.items() if name not in ("moment", "base", "last")} | {
    "date": "datum",
    "event": EVENT.date(),
}
SIDES = {
    "outcome": "score",
    "arm": "fase",
    "intervention": ["met"],
    "comparison": ["voor"],
    "unit": ["persoon"],
    "date": "datum",
    "event": EVENT.date(),
    "cluster": ["werkgever"],
    "strata": ["werkgever"],
}


def spells(n: int = 240, seed: int = 11) -> pd.DataFrame:
    """Spells in whole days with two reasons of exit and an end of follow-up; many ties."""
    rng = np.random.default_rng(seed)
    groep = rng.choice(["nederlands", "niet_westers"], n)
    days = np.ceil(rng.exponential(np.where(groep == "nederlands", 120, 160))).astype(int)
    seen = rng.integers(185, 400, n)
    reason = rng.integers(1, 3, n)
    return pd.DataFrame(
        {
            "persoon": [f"p{number}" for number in range(n)],
            "groep": groep,
            "leeftijd": rng.choice(["jong", "oud"], n),
            "dagen": np.minimum(days, seen),
            "reden": np.where(days <= seen, reason, 0),
        }
    )


SPELLS = {
    "duration": "dagen",
    "event": "reden",
    "arm": "groep",
    "intervention": ["niet_westers"],
    "comparison": ["nederlands"],
    "unit": ["persoon"],
}
