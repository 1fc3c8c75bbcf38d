"""From rule to expectation: the suites that Great Expectations runs, made of the contract's rules.

Belongs here: the translation of ``contracts.rules.Rule`` into GX 1.x expectations, severity and
meta included. Does not belong here: what a rule means (``contracts/rules.py``) or running it
(``engines.py``). Great Expectations is imported inside functions only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from via_pipeline.contracts.model import Severity
from via_pipeline.contracts.rules import Rule

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

SEVERITIES = {
    Severity.REJECT_FILE: "critical",
    Severity.REJECT_ROW: "warning",
    Severity.WARN: "info",
}
"""GX's severity per outcome; the outcome itself travels in the expectation's meta."""

_EXACT = 2**53
_COMPOUND = {
    "expect_compound_columns_to_be_unique",
    "expect_select_column_values_to_be_unique_within_record",
    "expect_multicolumn_sum_to_equal",
}


def kwargs_of(rule: Rule, *, python_regex: bool = False) -> dict[str, Any]:
    """The arguments of the rule's expectation, as GX gets them.

    Patterns are RE2's, as DuckDB has them. With ``python_regex`` (the pandas engine) they are put
    in Python's words, where ``\\d`` takes any script's digits and ``$`` leaves a last line end:
    ``(?a)`` and ``\\Z`` forbid that. The empty lookahead keeps pandas with Python's ``re`` whatever
    the data: it goes to Arrow's RE2 at times, and that refuses ``(?a)``.

    A key with an empty part is no key: rules over several columns look at rows in which every one
    is filled, as SQL's UNIQUE does. GX's own default counts such rows on pandas and loses them in
    SQL (its join compares NULL with NULL), so the two engines would differ.

    Raises:
        ValueError: a bound is 2^53 or more. GX makes bounds floats, and there pandas and SQL round
            differently.
    """
    kwargs = dict(rule.kwargs)
    if python_regex and "regex" in kwargs:
        kwargs["regex"] = "(?a)(?=)" + re.sub(r"(?<!\\)\$$", r"\\Z", kwargs["regex"])
    for bound in ("min_value", "max_value"):
        if isinstance(kwargs.get(bound), int | float) and abs(kwargs[bound]) >= _EXACT:
            raise ValueError(f"{rule.table}.{rule.id}: {bound} is beyond what a float holds")
    if rule.expectation in _COMPOUND:
        kwargs.setdefault("ignore_row_if", "any_value_is_missing")
    return kwargs


def columns_of(rule: Rule) -> tuple[str, ...]:
    """The staged columns that the rule's expectation reads; empty for a rule on the whole table."""
    kwargs = rule.kwargs
    names = [kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs]
    if rule.expectation != "expect_table_columns_to_match_ordered_list":
        names += kwargs.get("column_list", [])
    return tuple(names)


def suite_of(name: str, rules: Iterable[Rule], *, python_regex: bool = False) -> ExpectationSuite:
    """The GX suite of ``rules``: one expectation each, in order, its rule id in ``meta``.

    ``python_regex`` is told by the engine that runs it, see ``kwargs_of``.

    Raises:
        ValueError: GX knows no such expectation, or refuses its arguments.
    """
    from great_expectations import ExpectationSuite
    from great_expectations.exceptions import (  # type: ignore[attr-defined]
        ExpectationNotFoundError,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.registry import get_expectation_impl

    suite = ExpectationSuite(name=name)
    for rule in rules:
        try:
            get_expectation_impl(rule.expectation)
            configuration = ExpectationConfiguration(
                type=rule.expectation,
                kwargs=kwargs_of(rule, python_regex=python_regex),
                meta={
                    "rule": rule.id,
                    "table": rule.table,
                    "suite": rule.suite,
                    "outcome": rule.severity.value,
                },
                severity=SEVERITIES[rule.severity],  # type: ignore[arg-type]
            )
            # Appended, not add_expectation(): that drops an expectation with equal arguments.
            suite.expectations.append(configuration.to_domain_obj())
        except (ExpectationNotFoundError, ValueError, TypeError) as error:
            raise ValueError(
                f"{rule.table}.{rule.id}: {rule.expectation} is not an expectation that GX can run"
            ) from error
    return suite
