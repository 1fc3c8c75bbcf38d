"""A pattern together with its proof: what a release needs before it goes out.

Belongs here: the order of protecting and auditing, and less detail where either gives no answer.
Does not belong here: the search (``protect``), the verdict (``disclosure.audit``).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from via_pipeline.disclosure.audit.model import Audit
from via_pipeline.disclosure.audit.proof import audit
from via_pipeline.disclosure.engine.apart import MEMORY, NoAnswer, apart
from via_pipeline.disclosure.engine.coarse import coarse
from via_pipeline.disclosure.engine.handover import published
from via_pipeline.disclosure.engine.problem import Name, Problem
from via_pipeline.disclosure.engine.protect import APART_FROM, protect
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.search import Pattern


class Unproven(RuntimeError):
    """Not even the coarser pattern was shown to be safe: such a release must not go out.

    Names the figures that can be worked out, never a value.
    """


def proven(
    problem: Problem,
    rules: Sequence[Rule] = (),
    first: Collection[Name] = (),
    seconds: float = 600.0,
    memory: int = MEMORY,
) -> tuple[Pattern, Audit]:
    """A pattern and the audit that it passed; the coarser one where the first did not pass.

    The arguments are those of ``protect``; the audit has the same limits again.

    Raises:
        Unproven: no pattern passed.
    """
    pattern = protect(problem, rules, first, seconds, memory)
    reason = ""
    for tried in (pattern, None):
        pattern = tried or coarse(problem, rules)
        named = set(pattern.unprotected)
        try:
            verdict = audited(problem, pattern.hidden, seconds, memory)
        except NoAnswer as limit:
            reason = str(limit)
            continue
        named |= {one.name for one in verdict.failing}
        if not named:
            return pattern, verdict
        reason = f"can be worked out whatever is hidden: {sorted(named)}"
    raise Unproven(reason)


def audited(
    problem: Problem, hidden: Collection[Name], seconds: float = 600.0, memory: int = MEMORY
) -> Audit:
    """The audit of a pattern, in a process of its own where that is worth it.

    Raises:
        NoAnswer: it met a limit; nothing is shown to be safe then.
    """
    figures, ties = published(problem, hidden)
    if len(problem.cells) < APART_FROM:
        return audit(figures, ties)
    return apart(audit, figures, ties, seconds=seconds, memory=memory)
