"""Coverage of deliveries, from the shipped ledger and calendars."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.contracts.model import load_all
from via_pipeline.disclosure.model import RuleKind, load_ruleset
from via_pipeline.disclosure.small import RULESET
from via_pipeline.intake.ledger import Ledger
from via_pipeline.pilots import dekking
from via_pipeline.storage.duck import work


def coverage(home, day=None):
    with work() as connection:
        dekking.see(connection, home, load_all(), day)
        found = connection.sql(f"FROM {dekking.TABLE} ORDER BY pilot_id, bron")
        return {row[1]: dict(zip(found.columns, row, strict=True)) for row in found.fetchall()}


def counting(ledger, source):
    """What the ledger has of a source, but of the sample organisation that objected."""
    return [one for one in ledger.rows(source) if one.fields.get("organisatie") != "O08"]


def test_every_expected_delivery_is_in_one_column(sample_run):
    for row in coverage(sample_run.home).values():
        parts = ("op_tijd", "te_laat", "ontbreekt", "nog_niet_verwacht")
        assert sum(row[name] for name in parts) == row["verwacht"], row["bron"]


def test_every_file_is_in_the_ledger_and_what_is_rejected_is_not_in_use(sample_run):
    ledger = Ledger(sample_run.home.ledger)
    for source, row in coverage(sample_run.home).items():
        rows = counting(ledger, source)
        assert row["bestanden"] == len(rows)
        statuses = [one.status.value for one in rows]
        assert row["afgekeurd"] == statuses.count("rejected")
        assert row["dubbel"] == statuses.count("duplicate")
        assert row["vervangen"] == statuses.count("superseded")
        assert row["in_gebruik"] + row["afgekeurd"] + row["dubbel"] + row["vervangen"] == len(rows)


def test_rows_are_those_of_deliveries_in_force_and_the_share_is_theirs(sample_run):
    ledger = Ledger(sample_run.home.ledger)
    shares = set()
    for source, row in coverage(sample_run.home).items():
        used = [one for one in counting(ledger, source) if one.is_in_force]
        assert row["leveringen"].split() == sorted({one.delivery_id for one in used})
        assert row["rijen"] == sum(one.rows_accepted + one.rows_quarantined for one in used)
        aside, told = sum(one.rows_quarantined for one in used), row["quarantaine_pct"]
        assert aside <= told * row["rijen"] / 100
        assert (aside > 0) == (told > 0)
        fewer = [one for one in range(row["rijen"]) if dekking.at_most(one, row["rijen"]) == told]
        assert aside in fewer and (told == 0 or len(fewer) >= 10)
        shares.add(told)
    assert len(shares) > 2


def test_an_edition_sees_what_had_come_by_its_day(sample_run):
    then = coverage(sample_run.home, date(2019, 11, 12))
    now = coverage(sample_run.home)
    assert then["p5_behoud"]["nog_niet_verwacht"] == 10
    assert then["p5_behoud"]["bestanden"] < now["p5_behoud"]["bestanden"]
    assert then["p8_begeleiding"]["in_gebruik"] == 0
    assert then["p8_begeleiding"]["rijen"] is None


@pytest.mark.parametrize(
    ("aside", "counted", "told"),
    [
        (3, 99, None),
        (0, 0, None),
        (0, 100, Decimal(0)),
        (1, 100, Decimal(10)),
        (10, 199, Decimal(10)),
        (1, 999, Decimal(5)),
        (3, 1800, Decimal(1)),
        (19, 1800, Decimal(2)),
        (9999, 10000, Decimal("100.0")),
    ],
)
def test_a_share_is_rounded_up_to_a_step(aside, counted, told):
    assert dekking.at_most(aside, counted) == told


@given(st.integers(100, 60_000), st.data())
def test_a_share_never_tells_a_few_rows(counted, data):
    """Whoever knows the exact number of rows still finds ten numbers that give this share."""
    aside = data.draw(st.integers(1, counted))
    told = dekking.at_most(aside, counted)
    around = range(max(1, aside - 20), min(counted, aside + 20) + 1)
    same = [one for one in around if dekking.at_most(one, counted) == told]
    assert len(same) >= least()
    assert told * counted >= 100 * aside
    assert dekking.at_most(1, counted) == dekking.at_most(least(), counted)


def least():
    return load_ruleset(RULESET).minimum(RuleKind.COUNT)


def test_the_step_follows_the_rule_for_counts_of_people():
    assert least() == dekking.FEW
