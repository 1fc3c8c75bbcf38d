from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.records import Finding, StagedDelivery, StagedTable
from via_pipeline.quality.results import RuleResult, Verdict
from via_pipeline.quality.verdict import Judgement, finding_results, judge_delivery

FILE, ROW, WARN = Severity.REJECT_FILE, Severity.REJECT_ROW, Severity.WARN


def _table(rows_in: int = 20, malformed: tuple[int, ...] = (), name: str = "t") -> StagedTable:
    return StagedTable(name, "a.csv", ("x",), (), rows_in, malformed, "staging/a/t.parquet")


def _staged(*tables: StagedTable, findings: tuple[Finding, ...] = ()) -> StagedDelivery:
    return StagedDelivery(
        "s-1", "s", "a.csv", {}, None, "1.0.0", "c", 1, "b", None, {}, findings, tables
    )


def _result(severity: Severity, rows: tuple[int, ...] = (), passed: bool = False) -> RuleResult:
    return RuleResult(
        "regel", "t", "x", "raw", severity, "expect", passed, 20, max(len(rows), not passed), rows,
        "Uitleg.",
    )  # fmt: skip


def _judge(staged: StagedDelivery, *rules: RuleResult, pct: float = 10) -> Judgement:
    return judge_delivery(staged, rules, max_quarantine_pct=pct)


def test_nothing_wrong() -> None:
    judgement = _judge(_staged(_table()), _result(ROW, passed=True))
    assert (judgement.verdict, judgement.reasons) == (Verdict.ACCEPTED, ())
    assert judgement.counts[0].accepted == 20


def test_a_broken_row_is_set_aside_and_the_rest_accepted() -> None:
    judgement = _judge(_staged(_table()), _result(ROW, (4,)))
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert judgement.set_aside == {"t": {4}}
    assert judgement.reasons == ("t: 1 rij van de 20 is apart gezet; de andere zijn overgenomen.",)


def test_a_broken_file_rule_rejects_and_says_of_how_many_rows() -> None:
    judgement = _judge(_staged(_table()), _result(FILE, (4, 5)))
    assert judgement.verdict is Verdict.REJECTED
    assert judgement.reasons == ("t: Uitleg. (2 rijen)",)
    assert (judgement.counts[0].accepted, judgement.counts[0].quarantined) == (0, 20)


def test_a_warning_sets_nothing_aside() -> None:
    judgement = _judge(_staged(_table()), _result(WARN, (4,)))
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert judgement.counts[0].accepted == 20
    assert judgement.reasons == ("Let op: t: Uitleg. (1 rij)",)


@pytest.mark.parametrize(("bad", "verdict"), [(2, "accepted_with_warnings"), (3, "rejected")])
def test_the_share_is_inclusive(bad: int, verdict: str) -> None:
    judgement = _judge(_staged(_table()), _result(ROW, tuple(range(2, 2 + bad))))
    assert judgement.verdict == verdict


def test_malformed_rows_count_in_the_share() -> None:
    judgement = _judge(_staged(_table(20, (7, 8))), _result(ROW, (9,)))
    assert judgement.verdict is Verdict.REJECTED
    assert "3 van de 20 rijen" in judgement.reasons[0]


def test_a_rule_that_could_not_run_is_not_passed() -> None:
    for severity in (FILE, ROW):
        judgement = _judge(_staged(_table()), replace(_result(severity), error="TypeError"))
        assert judgement.verdict is Verdict.REJECTED
        assert "TypeError" in judgement.reasons[0]
    judgement = _judge(_staged(_table()), replace(_result(WARN), error="TypeError"))
    assert judgement.verdict is Verdict.ACCEPTED_WITH_WARNINGS


def test_a_row_rule_that_names_no_row_rejects_the_file() -> None:
    assert _judge(_staged(_table()), _result(ROW)).verdict is Verdict.REJECTED


def test_a_finding_on_the_file_rejects_it_and_every_reason_is_told() -> None:
    findings = (Finding("bestand__zip", FILE, "De ZIP is kapot.", "a.zip"),)
    judgement = _judge(_staged(_table(), findings=findings), _result(FILE, (2,)))
    assert judgement.reasons == ("De ZIP is kapot.", "t: Uitleg. (1 rij)")


def test_one_bad_table_rejects_the_whole_delivery() -> None:
    judgement = _judge(_staged(_table(), _table(name="u")), _result(FILE))
    assert [count.accepted for count in judgement.counts] == [0, 0]


def test_findings_become_results_per_rule_and_column() -> None:
    findings = [
        Finding("bestand__rij", ROW, "Te veel cellen.", "a.csv", "t", 9),
        Finding("bestand__rij", ROW, "Te weinig cellen.", "a.csv", "t", 3),
        Finding("bestand__naam", FILE, "De naam wijkt af.", "a.csv"),
    ]
    rows, name = finding_results(findings)
    assert (rows.rows, rows.failed, rows.severity) == ((3, 9), 2, ROW)
    assert rows.explanation == "Te veel cellen. Te weinig cellen."
    assert (name.table, name.rows, name.severity) == ("", (), FILE)


ROWS = st.integers(2, 40)
RESULTS = st.lists(
    st.builds(
        _result,
        st.sampled_from([FILE, ROW, WARN]),
        st.lists(ROWS, unique=True).map(lambda rows: tuple(sorted(rows))),
        st.just(False),
    ),
    max_size=5,
)


@given(RESULTS, st.sets(st.integers(41, 60)), st.floats(0, 100))
def test_every_row_is_accepted_or_set_aside(
    rules: list[RuleResult], malformed: set[int], pct: float
) -> None:
    table = _table(39 + len(malformed), tuple(sorted(malformed)))
    judgement = _judge(_staged(table), *rules, pct=pct)
    (count,) = judgement.counts
    assert count.accepted + count.quarantined == count.rows_in
    assert count.accepted >= 0
    if judgement.is_rejected:
        assert count.accepted == 0
        assert judgement.reasons
    else:
        wanted = malformed | {row for r in rules if r.severity is ROW for row in r.rows}
        assert judgement.set_aside["t"] == wanted
        assert count.quarantined == len(wanted)
        assert not [r for r in rules if r.severity is FILE]
        assert len(wanted) * 100 <= pct * count.rows_in
