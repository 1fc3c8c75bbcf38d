"""What becomes of a delivery: a pure function of findings, rule results and counts.

Belongs here: the verdict, its reasons in Dutch, and which rows are set aside. Does not belong
here: running a rule, or writing anything. Every row that came in is either accepted or set aside;
of a rejected delivery none is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.records import Finding, StagedDelivery, StagedTable
from via_pipeline.quality.results import RuleResult, TableCounts, Verdict

INTAKE = "intake"
"""Suite (and expectation) of a result that stands for intake's findings."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one delivery.

    ``set_aside`` holds per table the rows that may not be accepted by themselves (row numbers of
    the sender's file); of a rejected delivery the other rows are not accepted either, and
    ``counts`` says so.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    set_aside: Mapping[str, frozenset[int]]
    counts: tuple[TableCounts, ...]

    @property
    def is_rejected(self) -> bool:
        """Whether nothing of the delivery is accepted."""
        return self.verdict is Verdict.REJECTED


def judge_delivery(
    staged: StagedDelivery,
    rules: Sequence[RuleResult],
    *,
    max_quarantine_pct: float,
    rows_with_findings: Mapping[str, frozenset[int]] | None = None,
) -> Judgement:
    """The judgement of one delivery, given the result of every rule on its tables.

    ``max_quarantine_pct`` is the contract's: a table of which more than this share of the rows is
    set aside rejects the delivery. ``rows_with_findings`` holds staged rows that intake itself
    found unfit (beside the malformed ones, which were never staged).
    """
    unfit = rows_with_findings or {}
    set_aside = {
        table.table: _rows_set_aside(table, rules) | unfit.get(table.table, frozenset())
        for table in staged.tables
    }
    fatal = [
        *_unique(f.explanation for f in staged.findings if f.severity is Severity.REJECT_FILE),
        *(_fatal_rule(result) for result in rules if _is_fatal(result)),
        *_share_reasons(staged.tables, set_aside, max_quarantine_pct),
    ]
    if fatal:
        verdict, reasons = Verdict.REJECTED, fatal
    else:
        reasons = [
            *_unique(f.explanation for f in staged.findings if f.severity is Severity.WARN),
            *(_warning(result) for result in rules if _is_warning(result)),
            *_set_aside_reasons(staged.tables, set_aside),
        ]
        verdict = Verdict.ACCEPTED_WITH_WARNINGS if reasons else Verdict.ACCEPTED
    return Judgement(
        verdict,
        tuple(reasons),
        set_aside,
        tuple(
            _counts(table, len(set_aside[table.table]), verdict is Verdict.REJECTED)
            for table in staged.tables
        ),
    )


def finding_results(findings: Iterable[Finding]) -> list[RuleResult]:
    """Intake's findings as results, one per rule, table and column, in order of appearance."""
    groups: dict[tuple[str, str, str | None], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.table or "", finding.column), []).append(finding)
    return [
        RuleResult(
            rule=rule,
            table=table,
            column=column,
            suite=INTAKE,
            severity=_heaviest(group),
            expectation=INTAKE,
            passed=False,
            evaluated=1,
            failed=len(group),
            rows=tuple(sorted({item.row for item in group if item.row is not None})),
            explanation=" ".join(_unique(item.explanation for item in group)[:3]),
        )
        for (rule, table, column), group in groups.items()
    ]


def _heaviest(group: Sequence[Finding]) -> Severity:
    order = list(Severity)
    return min((item.severity for item in group), key=order.index)


def _rows_set_aside(table: StagedTable, rules: Sequence[RuleResult]) -> frozenset[int]:
    rows = set(table.malformed_rows)
    for result in rules:
        if result.table == table.table and result.severity is Severity.REJECT_ROW:
            rows.update(result.rows)
    return frozenset(rows)


def _is_fatal(result: RuleResult) -> bool:
    """A broken file rule; or one on a column that the file lacks, for then nothing is known."""
    if result.passed or result.suite == INTAKE:
        return False
    if result.error is not None:
        return result.severity is not Severity.WARN
    about_rows = bool(result.rows)
    return result.severity is Severity.REJECT_FILE or (
        result.severity is Severity.REJECT_ROW and not about_rows
    )


def _fatal_rule(result: RuleResult) -> str:
    if result.error is not None:
        return (
            f"{result.table}: de regel '{result.rule}' kon niet worden uitgevoerd ({result.error})."
        )
    rows = f" ({_rows(len(result.rows))})" if result.rows else ""
    return f"{result.table}: {result.explanation}{rows}"


def _is_warning(result: RuleResult) -> bool:
    return not result.passed and result.severity is Severity.WARN and result.suite != INTAKE


def _warning(result: RuleResult) -> str:
    return "Let op: " + _fatal_rule(result)


def _share_reasons(
    tables: Sequence[StagedTable], set_aside: Mapping[str, frozenset[int]], limit_pct: float
) -> list[str]:
    reasons = []
    for table in tables:
        bad = len(set_aside[table.table])
        if bad * 100 > limit_pct * table.rows_in:
            reasons.append(
                f"{table.table}: {bad} van de {table.rows_in} rijen zijn niet bruikbaar; "
                f"afgesproken is hoogstens {_pct(limit_pct)} procent. De levering wordt daarom in "
                "haar geheel niet overgenomen."
            )
    return reasons


def _set_aside_reasons(
    tables: Sequence[StagedTable], set_aside: Mapping[str, frozenset[int]]
) -> list[str]:
    return [
        f"{table.table}: {_rows(len(set_aside[table.table]))} van de {table.rows_in} "
        f"{'is' if len(set_aside[table.table]) == 1 else 'zijn'} apart gezet; de andere zijn "
        "overgenomen."
        for table in tables
        if set_aside[table.table]
    ]


def _counts(table: StagedTable, bad: int, is_rejected: bool) -> TableCounts:
    quarantined = table.rows_in if is_rejected else bad
    return TableCounts(table.table, table.rows_in, table.rows_in - quarantined, quarantined)


def _rows(count: int) -> str:
    return f"{count} rij" if count == 1 else f"{count} rijen"


def _pct(value: float) -> str:
    return f"{value:g}".replace(".", ",")


def _unique(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
