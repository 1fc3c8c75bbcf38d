"""Where the solver of a release runs: in a process of its own, within limits, where there is much.

Belongs here: the limits of a release's search and of its proof, what is told when one is met, and
what a run need not ask twice.
Does not belong here: the process (``engine.apart``), the search (``engine.search``), the proof
(``audit``).

How far the search goes is bounded in work, which is the same on every machine: what it does not
find then is given up, as less detail, and the release says so. The limits here are for what must
not happen: a solver that does not come back, that takes all memory, that is killed. They depend on
the machine, so nothing that goes out may depend on them: they end the run, and yesterday's tables
stay.

The releases of a night have much in common: the last edition holds most of what BI reads. What a
process of ours was answered it remembers, by all that went into the question, until it ends. So no
pattern is searched for twice in a run, and nothing is proven twice, and nothing is believed that
was not found by this very run: the memory is on no disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from typing import Any

from via_pipeline.disclosure.audit.model import Audit, Figure, Tie
from via_pipeline.disclosure.audit.proof import pieces
from via_pipeline.disclosure.engine.apart import MEMORY, Apart, NoAnswer
from via_pipeline.disclosure.engine.problem import Name, Problem
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.engine.search import EFFORT, Pattern, search

APART_FROM = 1_500
"""Figures of a release from which on its solver has a process of its own, for all that it does.
Below, search and proof take a second or two and little memory. By size, and not by time, so that
the same release always goes the same way."""
SECONDS = 7_200.0
"""For one part of the search, or for the proof; a hundred times what the sample's largest takes."""
REST = "rest"
_MANY = 5_000
"""Answers remembered; a night of the sample has some hundreds."""
_answers: dict[str, Any] = {}


def forget() -> None:
    """Forget all answers, so that the next question is asked."""
    _answers.clear()


class SolverStopped(RuntimeError):
    """The solver met a limit of its process, or was killed: nothing is hidden and nothing proven.

    Names the datasets, the limit and what to do, in two languages, never a figure.
    """


class Solver:
    """The solver of a release of ``figures`` figures: a context, at whose end its process ends."""

    def __init__(self, figures: int) -> None:
        self._apart = Apart(MEMORY) if figures >= APART_FROM else None

    def __enter__(self) -> Solver:
        return self

    def __exit__(self, *_: object) -> None:
        if self._apart is not None:
            self._apart.__exit__()

    def pattern(self, problem: Problem, rules: Sequence[Rule]) -> Pattern:
        """What to hide of ``problem``; see ``engine.search``.

        Raises:
            SolverStopped: it met a limit or was killed.
        """
        names = [cell.name for cell in problem.cells]
        given = (problem, tuple(rules), (), EFFORT, False)
        if self._apart is None:
            return search(*given)
        asked = (search.__qualname__, problem.cells, problem.relations, *given[1:])
        question = hashlib.sha256(repr(asked).encode()).hexdigest()
        found: Pattern | None = _answers.get(question)
        if found is None:
            found = _remember(question, self._ask("hide", names, search, *given))
        return found

    def audit(self, figures: Collection[Figure], ties: Collection[Tie], exact_up_to: int) -> Audit:
        """The proof of what would be published; see ``disclosure.audit``.

        Raises:
            SolverStopped: it met a limit or was killed.
        """
        names = [figure.name for figure in figures]
        known = {} if self._apart is None else dict(_answers)
        given = (list(figures), list(ties), exact_up_to, frozenset(known))
        whole = Audit()
        for question, found in self._ask("prove", names, pieces, *given):
            whole.add(known[question] if found is None else found)
            if found is not None and self._apart is not None:
                _remember(question, found)
        return whole

    def _ask(
        self, what: str, names: Collection[Name], function: Callable[..., Any], *given: object
    ) -> Any:
        if self._apart is None:
            return function(*given)
        try:
            return self._apart.ask(function, *given, seconds=SECONDS)
        except NoAnswer as met:
            raise SolverStopped(_told(what, names, met)) from None


def _remember(question: str, answer: Any) -> Any:
    while len(_answers) >= _MANY:
        del _answers[next(iter(_answers))]
    _answers[question] = answer
    return answer


def _told(what: str, names: Collection[Name], met: NoAnswer) -> str:
    where = ", ".join(sorted({name[0] for name in names} - {REST}))
    return (
        f"the solver was stopped while it worked out what to {what} of {where} ({len(names)} "
        f"figures that hang together): {met}. Nothing was replaced. Run again when the machine has "
        f"memory and time to spare; where it stops again, give these datasets less detail ('only', "
        f"'detail' in disclosure/datasets.yaml). / De rekenaar van de beveiliging is gestopt bij "
        f"{where}; er is niets vervangen. Draai opnieuw als de machine geheugen en tijd over "
        f"heeft; stopt hij weer, geef deze datasets dan minder detail."
    )
