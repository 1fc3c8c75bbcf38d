"""What was planted comes back from the rows, within what chance allows (four standard errors)."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from via_pipeline.samples.truth import TRUTH
from via_pipeline_tests.samples.conftest import Frames

SIGMAS = 4


def assert_share(values: pd.Series, planted: float, what: str = "") -> None:
    """A share of at least 100 rows agrees with what was planted."""
    n = len(values)
    assert n >= 100, f"{what}: {n} rows say nothing"
    error = math.sqrt(max(planted * (1 - planted), 1e-9) / n)
    assert abs(values.mean() - planted) <= SIGMAS * error + 1e-9, (what, values.mean(), planted)


def assert_difference(one: pd.Series, other: pd.Series, planted: float) -> None:
    """A difference of means agrees with what was planted."""
    error = math.sqrt(one.var() / len(one) + other.var() / len(other))
    assert abs(one.mean() - other.mean() - planted) <= SIGMAS * error


def test_every_pilots_origin_shares(clean: Frames) -> None:
    for part, table, truth, scale in (
        ("p1_studiekeuze", "leerling", TRUTH.p1, 20),
        ("p2_mbo_2019", "student", TRUTH.p2, 20),
        ("p3_nudging_W01", "sollicitatie", TRUTH.p3, 100),
        ("p5_behoud_A_2018", "medewerker", TRUTH.p5, 100),
        ("p6_leren_werken_nova_2020H2", "traject", TRUTH.p6, 500),
        ("p7_ww_2019KW2", "ww_periode", TRUTH.p7, 10),
        ("p8_begeleiding", "deelnemer", TRUTH.p8, 100),
    ):
        frame = clean(part, scale=scale)[table]
        for code, share in truth.herkomst.items():
            assert_share(frame.herkomst_oud == code, share, f"{part} {code}")


def test_p1_effect_is_a_difference_in_differences(clean: Frames) -> None:
    """Over many schools: their own tilt is in both surveys and drops out."""
    change = {}
    frames = {m: clean(f"2020-2021_{m}", scale=200)["leerling"] for m in ("voor", "na")}
    both = frames["voor"].merge(frames["na"], on="onderwijsnummer", suffixes=("_voor", "_na"))
    assert len(both) == len(frames["voor"])
    assert (both.arm_voor == both.arm_na).all() and (both.school_voor == both.school_na).all()
    for arm in ("interventie", "vergelijking"):
        mine = both[both.arm_voor == arm]
        high = (mine.keuze_perspectief_na == "hoog").astype(float) - (
            mine.keuze_perspectief_voor == "hoog"
        )
        change[arm] = high
    assert_difference(change["interventie"], change["vergelijking"], TRUTH.p1.effect_high)
    assert_share(frames["voor"].ouder_vragenlijst == "J", TRUTH.p1.parent_response)


def test_p2_shares_and_effect_within_origin(clean: Frames) -> None:
    frame = clean("p2_mbo_2019", scale=100)["student"]
    placed = frame.eerste_keer_geplaatst == "J"
    treated = frame.interventie != "geen"
    for code, share in TRUTH.p2.first_time.items():
        mine = frame.herkomst_oud == code
        assert_share(placed[mine & ~treated], share, code)
    for code in ("nederlands", "niet_westers"):
        mine = frame.herkomst_oud == code
        assert_difference(
            placed[mine & treated].astype(float),
            placed[mine & ~treated].astype(float),
            TRUTH.p2.effect_first_time,
        )
    for symbol, share in TRUTH.p2.missing_work.items():
        assert_share(frame.werk_na_diploma == symbol, share, symbol)
    # Participation was not drawn by lot: comparing without origin must mislead.
    naive = placed[treated].mean() - placed[~treated].mean()
    assert naive < TRUTH.p2.effect_first_time - 0.02


@pytest.mark.parametrize(
    ("employer", "nudge"), [("W10", "vacaturetekst"), ("W11", "eerste_selectie")]
)
def test_p3_only_one_nudge_moves_one_group(clean: Frames, employer: str, nudge: str) -> None:
    frame = clean(f"p3_nudging_{employer}", scale=300)["sollicitatie"]
    assert set(frame.nudge) == {"geen", nudge}
    invited = (frame.uitgenodigd == "J").astype(float)
    for group in ("nederlands", "niet_westers"):
        mine = frame.herkomst_oud == group
        planted = TRUTH.p3.effect_invited_niet_westers[nudge] if group == "niet_westers" else 0.0
        assert_difference(
            invited[mine & (frame.fase == "met")], invited[mine & (frame.fase == "voor")], planted
        )


EUROPE_BUT_NL = {"DE", "BE", "PL", "GB", "BG", "ES", "IT", "FR"}
WESTERN = EUROPE_BUT_NL | {"ID", "US", "JP", "AU", "CA"}


def _old(row: pd.Series) -> str:
    """domain 3.2, written here once more on purpose: the old classification."""
    parents = (row.geboorteland_moeder, row.geboorteland_vader)
    abroad = [country for country in parents if country != "NL"]
    if not abroad:
        return "nederlands"
    if row.geboorteland != "NL":
        country = row.geboorteland
    else:
        country = parents[0] if parents[0] != "NL" else parents[1]
    return "westers" if country in WESTERN else "niet_westers"


def _new(row: pd.Series) -> str:
    if row.geboorteland != "NL":
        country = row.geboorteland
    else:
        parents = (row.geboorteland_moeder, row.geboorteland_vader)
        country = parents[0] if parents[0] != "NL" else parents[1]
    if country == "NL":
        return "nederland"
    return "europa" if country in EUROPE_BUT_NL else "buiten_europa"


def test_p4_has_the_published_margins_of_both_classifications(clean: Frames) -> None:
    frame = clean("p4_barometer_O01_2019-12-31", scale=10)["baan"]
    countries = ["geboorteland", "geboorteland_moeder", "geboorteland_vader"]
    frame = frame[(frame[countries] != ".").all(axis=1) & (frame.baan_nr == "1")]
    combinations = frame[countries].drop_duplicates()
    combinations = combinations.assign(
        old=combinations.apply(_old, axis=1), new=combinations.apply(_new, axis=1)
    )
    frame = frame.merge(combinations, on=countries)
    for code, share in TRUTH.p4.old.items():
        assert_share(frame.old == code, share, code)
    for code, share in TRUTH.p4.new.items():
        assert_share(frame.new == code, share, code)
    at_top = frame[frame.functieniveau.isin(["4", "5"])]
    below = frame[frame.functieniveau.isin(["1", "2"])]
    assert (at_top.old == "niet_westers").mean() < 0.6 * (below.old == "niet_westers").mean()


def test_p4_people_stay_themselves_come_leave_and_rise_as_planted(clean: Frames) -> None:
    """Recognised by the link key only: three days of one organisation."""
    key = ["geboortedatum", "geslacht", "postcode", "huisnummer", "toevoeging", "baan_nr"]
    countries = ["geboorteland", "geboorteland_moeder", "geboorteland_vader"]
    days = [
        clean(f"p4_barometer_O01_{year}-12-31", scale=10)["baan"] for year in (2019, 2020, 2021)
    ]
    for before, after in itertools.pairwise(days):
        both = before.merge(after, on=[*key, *countries])
        assert_share(before.postcode.isin(after.postcode), 1 - TRUTH.p4.left_per_year)
        came = ~after.postcode.isin(before.postcode)
        assert (after[came].datum_in_dienst.str[:4] > before.datum_in_dienst.str[:4].max()).all()
        step = both.functieniveau_y.astype(int) - both.functieniveau_x.astype(int)
        assert set(step) == {0, 1}
        known = (both[countries] != ".").all(axis=1) & (both.functieniveau_x != "5")
        mine = both[known & (both.baan_nr == "1")]
        combinations = mine[countries].drop_duplicates()
        combinations = combinations.assign(old=combinations.apply(_old, axis=1))
        mine = mine.assign(step=step).merge(combinations, on=countries)
        for code, chance in TRUTH.p4.promotion.items():
            is_code = (mine.old == "niet_westers") == (code == "niet_westers")
            assert_share(mine[is_code].step, chance, code)


def test_p4_boundary_organisations_have_249_and_250_jobs_at_any_scale(clean: Frames) -> None:
    for scale in (1, 7):
        assert len(clean("p4_barometer_O03", scale=scale)["baan"]) == 249
        assert len(clean("p4_barometer_O04", scale=scale)["baan"]) == 250


def test_p4_link_key_tells_people_apart(clean: Frames) -> None:
    frame = clean("p4_barometer_O01_2020-12-31", scale=5)["baan"]
    key = ["geboortedatum", "geslacht", "postcode", "huisnummer", "toevoeging"]
    assert not frame.duplicated([*key, "baan_nr"]).any()
    share = (frame.groupby(key).size() == 2).astype(float)
    assert_share(share, TRUTH.p4.second_job)


def test_p5_exit_and_promotion_by_origin_and_a_panel_that_holds(clean: Frames) -> None:
    years = {
        year: clean(f"p5_behoud_C_{year}", scale=100)["medewerker"] for year in (2018, 2019, 2020)
    }
    frame = years[2020]
    for code in ("nederlands", "niet_westers"):
        mine = frame[frame.herkomst_oud == code]
        assert_share(mine.datum_uit_dienst != "", TRUTH.p5.exit[code], code)
        risen = mine[mine.functieniveau != "5"]
        assert_share(risen.promotie == "J", TRUTH.p5.promotion[code], code)
    both = years[2018].merge(years[2019], on="personeelsnummer", suffixes=("_voor", "_na"))
    assert (both.datum_uit_dienst_voor == "").all()  # who left does not come back
    step = both.functieniveau_na.astype(int) - both.functieniveau_voor.astype(int)
    assert ((step == 1) == (both.promotie_voor == "J")).all()
    assert set(step) == {0, 1}


def test_p6_snapshots_are_of_the_same_people_going_on(clean: Frames) -> None:
    first = clean("utrecht_2020H1", scale=50)["traject"]
    later = clean("utrecht_2020H2", scale=50)["traject"]
    both = first.merge(later, on="bsn", suffixes=("_een", "_twee"))
    assert len(both) == len(first) < len(later)
    assert (both.startdatum_een == both.startdatum_twee).all()
    order = {"intake": 0, "opleiding": 1, "werkervaring": 2, "afgerond": 3, "gestopt": 4}
    assert (both.fase_twee.map(order) >= both.fase_een.map(order)).all()
    finished = later[later.fase == "afgerond"]
    assert_share(finished.baan == "J", TRUTH.p6.job_if_finished)
    assert_share(finished.certificaat == "J", TRUTH.p6.certificate_if_finished)
    assert_share(later[later.baan == "J"].contractsoort == "vast", TRUTH.p6.permanent_if_job)


def test_p7_time_to_work_has_the_planted_rate(clean: Frames) -> None:
    """Events over exposure, before COVID-19 and without matching: the rate itself."""
    frame = clean("p7_ww_2019KW1", scale=60)["ww_periode"]
    begin = pd.to_datetime(frame.begindatum, format="%d-%m-%Y")
    end = pd.to_datetime(frame.einddatum.replace("", None), format="%d-%m-%Y")
    covid = pd.Timestamp("2020-03-16")
    for code in ("nederlands", "niet_westers"):
        mine = (frame.herkomst_oud == code) & (frame.diensten_bemiddeling == "N")
        seen = end[mine].fillna(covid).clip(upper=covid)
        months = ((seen - begin[mine]).dt.days + 0.5).sum() / 30.4375
        # Of 1 per cent the reason is hidden.
        events = ((frame.reden_einde[mine] == "werk") & (end[mine] < covid)).sum() / (
            1 - TRUTH.p7.unknown_reason
        )
        planted = TRUTH.p7.work_per_month[code]
        assert abs(events / months - planted) <= SIGMAS * math.sqrt(events) / months


def test_p7_covid_slows_the_way_to_work(clean: Frames) -> None:
    frame = clean("p7_ww_2019KW4", scale=60)["ww_periode"]
    begin = pd.to_datetime(frame.begindatum, format="%d-%m-%Y")
    end = pd.to_datetime(frame.einddatum.replace("", None), format="%d-%m-%Y")

    def rate(opened: str, closed: str) -> tuple[float, float]:
        low, high = pd.Timestamp(opened), pd.Timestamp(closed)
        at_risk = (begin < low) & ~(end < low)
        stop = end.fillna(high).clip(upper=high)
        days = (stop - low).dt.days[at_risk].sum() + 0.5 * at_risk.sum()
        events = (at_risk & (end < high) & (frame.reden_einde == "werk")).sum()
        return events / days, math.sqrt(events) / days

    before, error_before = rate("2020-01-01", "2020-03-16")
    during, error_during = rate("2020-03-16", "2020-06-01")
    ratio = during / before
    error = ratio * math.hypot(error_before / before, error_during / during)
    assert abs(ratio - TRUTH.p7.hazard_ratio_covid) <= SIGMAS * error + 0.02  # + mix of origins


def test_p8_effect_is_on_the_change_between_first_and_last_moment(clean: Frames) -> None:
    tables = clean("p8_begeleiding_enschede_2019H2", scale=200)
    frame = tables["meting"].merge(tables["deelnemer"], on="bsn")
    assert len(frame) == len(tables["meting"])
    wide = frame.assign(ladder=frame.ladder.astype(float)).pivot(
        index=["bsn", "arm"], columns="meetmoment", values="ladder"
    )
    change = (wide["3"] - wide["1"]).dropna().reset_index("arm")
    by_arm = {arm: values[0] for arm, values in change.groupby("arm")}
    one, other = by_arm["interventie"], by_arm["vergelijking"]
    error = math.sqrt(one.var() / len(one) + other.var() / len(other))
    difference = one.mean() - other.mean()
    # Rungs are whole and end at 1: the latent effect shrinks by a known few hundredths at most.
    assert abs(difference - TRUTH.p8.ladder_effect) <= SIGMAS * error + 0.03
    dropped = wide["2"].isna().astype(float)
    assert_share(dropped, TRUTH.p8.dropout_per_moment)


def test_seed_changes_the_rows_and_scale_their_number(clean: Frames) -> None:
    one = clean("p7_ww_2019KW2", seed=1)["ww_periode"]
    two = clean("p7_ww_2019KW2", seed=2)["ww_periode"]
    assert not one.equals(two)
    assert one.equals(clean("p7_ww_2019KW2", seed=1)["ww_periode"])
    assert len(clean("p7_ww_2019KW2", scale=2.5)["ww_periode"]) == round(2.5 * len(one))
    assert len(clean("p7_ww_2019KW2", scale=0.0001)["ww_periode"]) == 1


def test_truth_is_consistent_in_itself() -> None:
    for pilot in (TRUTH.p1, TRUTH.p2, TRUTH.p3, TRUTH.p5, TRUTH.p6, TRUTH.p7, TRUTH.p8):
        assert np.isclose(sum(pilot.herkomst.values()), 1)
    profiles = TRUTH.p4.profiles
    assert np.isclose(sum(profiles.values()), 1)
    abroad = ("nederlands_geboren_in_europa", "nederlands_geboren_buiten_europa")
    assert np.isclose(
        profiles["nederland"] + sum(profiles[name] for name in abroad), TRUTH.p4.old["nederlands"]
    )
    assert np.isclose(profiles["europa"] + profiles[abroad[0]], TRUTH.p4.new["europa"])
