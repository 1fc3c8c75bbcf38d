"""What the checks on a source say: one outcome a rule, also where no delivery came in.

Belongs here: results over deliveries, brought together per rule as plain values, so that any shell
(Dagster, the command line, a page) can show them. Does not belong here: running a rule, Dagster.
Names are stable: a check is called after its rule, never after the rule's bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from via_pipeline.contracts.model import Contract, Severity
from via_pipeline.contracts.rules import Rule
from via_pipeline.quality.results import RuleResult, ValidationResult
from via_pipeline.quality.verdict import INTAKE

READABLE = "levering__leesbaar"
CLOSED = "rijen__sluiten"
SHARE = "quarantaine__aandeel"
ERROR, WARN = "ERROR", "WARN"
MAX_EXAMPLES = 20

_SEVERITIES = {
    Severity.REJECT_FILE: ERROR,
    # The partner is told of a row; too many of them reject the file, and that is an error.
    Severity.REJECT_ROW: WARN,
    Severity.WARN: WARN,
}


@dataclass(frozen=True)
class Example:
    """Where a check failed: a file and up to ``MAX_EXAMPLES`` row numbers in it, never a value."""

    file: str
    delivery_id: str
    failed: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class CheckOutcome:
    """One check over all deliveries looked at, in plain Python types.

    ``rule`` is its stable id, ``table`` is None for a check on the source. ``severity`` is
    ``ERROR`` or ``WARN`` and holds when it fails. ``is_blocking`` says that nothing may go on.
    ``explanation`` is Dutch, for the partner; ``english`` is one line for engineers.
    """

    rule: str
    table: str | None
    passed: bool
    severity: str
    is_blocking: bool
    deliveries: int
    evaluated: int
    failed: int
    examples: tuple[Example, ...]
    explanation: str
    english: str


def rule_outcomes(rules: Sequence[Rule], results: Sequence[ValidationResult]) -> list[CheckOutcome]:
    """One outcome for every rule of one table, in the order of ``rules``."""
    return [_rule_outcome(rule, results) for rule in rules]


def source_outcomes(contract: Contract, results: Sequence[ValidationResult]) -> list[CheckOutcome]:
    """The checks that hold for any source: readable, rows close, share set aside."""
    return [_readable(results), _closed(results), _share(contract, results)]


def all_outcomes(
    contract: Contract,
    rules: Mapping[str, Sequence[Rule]],
    results: Sequence[ValidationResult],
) -> list[CheckOutcome]:
    """Every check of one source: its own three first, then the rules of each table."""
    outcomes = source_outcomes(contract, results)
    for table in contract.tables:
        outcomes += rule_outcomes(rules[table.name], results)
    return outcomes


def _rule_outcome(rule: Rule, results: Sequence[ValidationResult]) -> CheckOutcome:
    found = [
        (result, item)
        for result in results
        for item in result.rules
        if item.suite != INTAKE and item.table == rule.table and item.rule == rule.id
    ]
    failing = [(result, item) for result, item in found if not item.passed]
    failed = sum(max(item.failed, 1) for _, item in failing)
    kind = rule.expectation.removeprefix("expect_").replace("_", " ")
    where = f"{rule.table}.{rule.column}" if rule.column else rule.table
    unrun = sorted({item.error for _, item in failing if item.error is not None})
    return CheckOutcome(
        rule=rule.id,
        table=rule.table,
        passed=not failing,
        severity=ERROR if unrun else _SEVERITIES[rule.severity],
        is_blocking=False,
        deliveries=len(found),
        evaluated=sum(item.evaluated for _, item in found),
        failed=failed,
        examples=tuple(_example(result, item) for result, item in failing),
        explanation=rule.explanation,
        english=f"{where}: {kind}; "
        + _english(len(failing), len(found), failed)
        + (f"; not run: {', '.join(unrun)}" if unrun else ""),
    )


def _readable(results: Sequence[ValidationResult]) -> CheckOutcome:
    found = [(result, item) for result in results for item in result.rules if item.suite == INTAKE]
    failing = [(result, item) for result, item in found if item.severity is not Severity.WARN]
    fatal = any(item.severity is Severity.REJECT_FILE for _, item in failing)
    files = len({result.delivery_id for result, _ in failing})
    return CheckOutcome(
        rule=READABLE,
        table=None,
        passed=not failing,
        severity=ERROR if fatal else WARN,
        is_blocking=False,
        deliveries=len(results),
        evaluated=len(results),
        failed=sum(item.failed for _, item in failing),
        examples=tuple(_example(result, item) for result, item in failing),
        explanation=" ".join(dict.fromkeys(item.explanation for _, item in failing))
        or "Elke levering is te herkennen en te lezen.",
        english="every delivery can be recognised and read; "
        + _english(files, len(results), sum(item.failed for _, item in failing)),
    )


def _closed(results: Sequence[ValidationResult]) -> CheckOutcome:
    def missing(result: ValidationResult) -> int:
        return sum(
            abs(count.rows_in - count.accepted - count.quarantined) for count in result.counts
        )

    return _counted(
        CLOSED,
        results,
        missing,
        is_blocking=True,
        explanation="Rijen in het bestand = overgenomen + apart gezet.",
        english="rows in = accepted + quarantined (else the platform lost or made up a row)",
    )


def _share(contract: Contract, results: Sequence[ValidationResult]) -> CheckOutcome:
    limit = contract.delivery.max_quarantine_pct

    def too_many(result: ValidationResult) -> int:
        rows = {
            count.table: {
                row
                for item in result.rules
                if item.table == count.table and item.severity is Severity.REJECT_ROW
                for row in item.rows
            }
            for count in result.counts
        }
        return sum(
            len(rows[count.table])
            for count in result.counts
            if len(rows[count.table]) * 100 > limit * count.rows_in
        )

    return _counted(
        SHARE,
        results,
        too_many,
        is_blocking=False,
        explanation=f"Van geen tabel is meer dan {limit:g} procent van de rijen onbruikbaar.",
        english=f"at most {limit:g}% of a table's rows is unfit",
    )


def _counted(
    rule: str,
    results: Sequence[ValidationResult],
    count: Callable[[ValidationResult], int],
    *,
    is_blocking: bool,
    explanation: str,
    english: str,
) -> CheckOutcome:
    """A check on the counts of each delivery; ``count`` is 0 where it holds."""
    failing = [(result, number) for result in results if (number := count(result))]
    failed = sum(number for _, number in failing)
    return CheckOutcome(
        rule=rule,
        table=None,
        passed=not failing,
        severity=ERROR,
        is_blocking=is_blocking,
        deliveries=len(results),
        evaluated=sum(item.rows_in for result in results for item in result.counts),
        failed=failed,
        examples=tuple(
            Example(result.file_name, result.delivery_id, number, ()) for result, number in failing
        ),
        explanation=explanation,
        english=f"{english}; {_english(len(failing), len(results), failed)}",
    )


def _example(result: ValidationResult, item: RuleResult) -> Example:
    return Example(
        result.file_name, result.delivery_id, max(item.failed, 1), item.rows[:MAX_EXAMPLES]
    )


def _english(failing: int, looked_at: int, failed: int) -> str:
    if not looked_at:
        return "no deliveries yet"
    if not failing:
        return f"passed in {looked_at} deliveries"
    return f"{failed} failing in {failing} of {looked_at} deliveries"
