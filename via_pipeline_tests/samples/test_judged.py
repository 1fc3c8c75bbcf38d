"""The platform makes of the shipped set what the schedule says: every planted fault is found.

Four sources hold every kind of trouble between them; the whole set runs in the journeys.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from via_pipeline.contracts import model
from via_pipeline.contracts.model import Severity
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.run import take_in, take_in_unknown
from via_pipeline.quality.results import read_result
from via_pipeline.quality.run import judge
from via_pipeline.samples.schedule import SHIPPED, UNKNOWN_SOURCE
from via_pipeline.storage.home import Home

pytestmark = pytest.mark.long(3)

DATA = Path(__file__).parents[2] / "data"
NOW = datetime(2021, 12, 1, 2, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in ("landing", "reference"):
        shutil.copytree(DATA / name, tmp_path / "data" / name)
    return Home(tmp_path / "via", tmp_path / "data").ensure()


@pytest.mark.parametrize("source", ["p2_mbo", "p4_barometer", "p5_behoud", "p6_leren_werken"])
def test_shipped_deliveries_are_judged_as_planned(home: Home, source: str) -> None:
    contract = model.load(source)
    take_in(home, contract, run_id="run", now=NOW)
    judge(home, contract, run_id="run")
    by_path = {row.path.removeprefix("landing/"): row for row in Ledger(home.ledger).rows()}
    samples = [sample for sample in SHIPPED if sample.source == source]
    assert set(by_path) == {sample.path for sample in samples}
    for sample in samples:
        row = by_path[sample.path]
        status = str(row.status)
        if sample.expected == "duplicate":
            assert status == "duplicate", sample.path
            continue
        replaced = any(
            other.revises and other.file == sample.file and other.received > sample.received
            for other in samples
        )
        if sample.expected == "rejected":
            assert status == "rejected", sample.path
        else:
            wanted = {"superseded"} if replaced else {"accepted", "accepted_with_warnings"}
            assert status in wanted, sample.path

        result = read_result(home.reports, row.delivery_id)
        failed = {(rule.table, rule.rule): rule for rule in result.rules if not rule.passed}
        assert not [rule for rule in failed.values() if rule.error]
        fatal = {
            name for (_, name), rule in failed.items() if rule.severity is Severity.REJECT_FILE
        }
        wanted_fatal = {sample.reason} if sample.reason not in (None, "quarantaine") else set()
        assert fatal == wanted_fatal, sample.path
        planted: dict[tuple[str, str], int] = defaultdict(int)
        for fault in sample.faults:
            rows_in = {count.table: count.rows_in for count in result.counts}
            planted[(fault.table, fault.rule)] += len(fault.hits(0, rows_in[fault.table]))
        for key, count in planted.items():
            # A doubled key is found in both rows.
            expected = 2 * count if key[1] == "sleutel__uniek" else count
            assert failed[key].failed == expected, (sample.path, key)


def test_a_folder_of_no_pilot_is_refused(home: Home) -> None:
    contracts = [contract for contract in model.load_all() if contract.kept_in is None]
    take_in_unknown(home, contracts, run_id="run", now=NOW)
    rows = [row for row in Ledger(home.ledger).rows() if row.source == UNKNOWN_SOURCE]
    assert [str(row.status) for row in rows] == ["rejected"]
