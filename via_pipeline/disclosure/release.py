"""What to hide of a whole release, so that nothing hidden can be worked out from all of it.

Belongs here: taking the joint system apart where nothing ties it, asking the engine for a pattern
of each component, and what goes dark with what. Does not belong here: how the system is made
(``joint``), the search (``engine``), the proof (``proof``).

A count that is hidden takes its row along, and a row that is hidden takes no count along: such
one-way company is not known to the engine. So its answer is closed, and asked for again with the
new figures hidden too, until nothing is added. The sums behind means come last: they follow the
counts and never lead them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from via_pipeline.disclosure import needs
from via_pipeline.disclosure.engine.problem import Cell, Name, Need, Problem, Relation
from via_pipeline.disclosure.engine.rules import Rule
from via_pipeline.disclosure.groups import Together
from via_pipeline.disclosure.joint import Joint
from via_pipeline.disclosure.model import RuleSet
from via_pipeline.disclosure.solver import Solver


@dataclass
class Hidden:
    """``names`` are hidden; ``primary`` of them by a rule; ``open`` could not be protected.

    ``narrowed`` are kept from being known exactly and no more: what is out leaves no room.
    """

    names: set[Name] = field(default_factory=set)
    primary: set[Name] = field(default_factory=set)
    open: set[Name] = field(default_factory=set)
    collapsed: set[Name] = field(default_factory=set)
    narrowed: set[Name] = field(default_factory=set)


@dataclass(frozen=True)
class Unions:
    """Hidden parts whose sum is known must be together at least the minimum of their kind."""

    minimum: Mapping[tuple[str, str], int]

    @classmethod
    def of(cls, rulesets: Mapping[str, RuleSet]) -> Unions:
        """Of the rule set of each dataset."""
        return cls(
            {
                (name, kind): needs.minimum(ruleset, kind)
                for name, ruleset in rulesets.items()
                for kind in "NTC"
            }
        )

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``engine.rules.Rule``."""
        floors = [self.minimum.get((cell.name[0], cell.name[-1]), 0) for cell in cells]
        return sum(cell.value for cell in cells) < max(floors, default=0)

    def need(self, cell: Cell) -> Need:
        """See ``engine.rules.Rule``."""
        return Need(self.minimum.get((cell.name[0], cell.name[-1]), 1))


@dataclass(frozen=True)
class Magnitudes:
    """Hidden sums behind means whose sum is known: together they may not be dominated either.

    Every contribution is taken to be somebody else's; of whoever gives to two of them no more is
    known than the source tells.
    """

    rules: Mapping[str, Sequence[Rule]]

    @classmethod
    def of(cls, rulesets: Mapping[str, RuleSet]) -> Magnitudes:
        """Of the rule set of each dataset."""
        found = {
            name: [needs.of_magnitude(rule) for rule in ruleset.rules if rule.contributions]
            for name, ruleset in rulesets.items()
        }
        return cls({name: rules for name, rules in found.items() if rules})

    def is_sensitive(self, cells: Sequence[Cell]) -> bool:
        """See ``engine.rules.Rule``."""
        if any(cell.name[-1] != "S" or not cell.contributions for cell in cells):
            return False
        return any(one.is_sensitive(cells) for one in self.rules.get(cells[0].name[0], ()))

    def need(self, cell: Cell) -> Need:
        """See ``engine.rules.Rule``."""
        return Need(1)


def hide(
    joint: Joint,
    known: Collection[Name] = (),
    carried: Collection[Name] = (),
    dark: Collection[Name] = (),
    solver: Solver | None = None,
) -> Hidden:
    """The pattern of the release, searched by ``solver`` (in this process unless given).

    ``known`` figures are out already, as they are now; ``carried`` ones were hidden before and have
    not changed: they stay so; ``dark`` ones are not told, though it protects nothing else.

    Raises:
        SolverStopped: see ``solver``.
    """
    solver = solver or Solver(0)
    labels = _labels(joint)
    rulesets = {part.dataset.name: part.ruleset for part in joint.parts}
    unions = [Unions.of(rulesets), Magnitudes.of(rulesets)]
    done = Hidden()
    done.primary = {name for name, one in joint.figures.items() if one.need}
    done.names = _closed(joint, done.primary | joint.forced | set(carried))
    parts = components(joint, labels)
    for is_last in (False, True):
        for names in parts:
            if (names[0][-1] == "S") is is_last:
                _hide_part(joint, names, labels, set(known), set(carried), unions, done, solver)
        done.names = _closed(joint, done.names)
    done.names |= _closed(joint, dark)
    return done


def coarser(joint: Joint, failing: Collection[Name], known: Collection[Name]) -> set[Name]:
    """All that hangs together with ``failing``, but for what is out already: less detail instead.

    With all of it hidden there is nothing left to subtract from.
    """
    found: set[Name] = set()
    for names in components(joint, _labels(joint)):
        if not set(failing).isdisjoint(names):
            found |= set(names)
    return _closed(joint, found - set(known)) - set(known)


def idle(
    joint: Joint, failing: Collection[Name], hidden: Collection[Name], kept: Collection[Name]
) -> set[Name]:
    """Of ``failing``, what is hidden to no end: no rule asks for it, and it can be worked out.

    It was hidden to protect others, which what was published before no longer lets it do. ``kept``
    were hidden before and are not out in another way: they stay so. Whether all else
    stays safe is for the proof to say.
    """
    return {
        name
        for name in failing
        if name in hidden
        and name not in kept
        and name not in joint.forced
        and not joint.figures[name].need
    }


def components(joint: Joint, labels: Mapping[Name, str]) -> list[list[Name]]:
    """The figures in groups that no relation or label ties to each other, sorted."""
    together = Together()
    for relation in joint.relations:
        names = [name for name, _ in relation.parts]
        for name in [*names[1:], *([relation.total] if relation.total else [])]:
            together.join(names[0], name)
    first: dict[str, Name] = {}
    for name in sorted(labels):
        together.join(first.setdefault(labels[name], name), name)
    groups: dict[Name, list[Name]] = defaultdict(list)
    for name in sorted(joint.figures):
        groups[together.head(name)].append(name)
    return sorted(groups.values())


def _hide_part(
    joint: Joint,
    names: Sequence[Name],
    labels: Mapping[Name, str],
    known: Collection[Name],
    carried: Collection[Name],
    unions: Sequence[Rule],
    done: Hidden,
    solver: Solver,
) -> None:
    if not any(name in done.names for name in names):
        return
    inside = set(names)
    has_past = not inside.isdisjoint(known)
    relations = [one for one in joint.relations if one.parts[0][0] in inside]
    if not relations:
        return
    while True:
        problem = _problem(joint, names, relations, labels, known, carried, done)
        pattern = solver.pattern(problem, unions)
        if has_past and _narrow(joint, set(pattern.unprotected) - set(known), done):
            continue
        found = _closed(joint, pattern.hidden) - done.names
        done.names |= found
        is_closed = found <= set(pattern.hidden)
        if is_closed and not any(joint.figures[name].holder for name in found):
            break
    done.open |= set(pattern.unprotected) - set(known)
    done.collapsed |= set(pattern.collapsed)


def _narrow(joint: Joint, names: Collection[Name], done: Hidden) -> bool:
    """Ask no more than "never exactly" of ``names``; whether more was asked before.

    Under a narrower rule a pattern went out that nothing new can widen. Other figures keep their
    width, and these have it again once that publication is withdrawn.
    """
    is_news = False
    for name in names:
        figure = joint.figures[name]
        asked = figure.need or Need(figure.width)
        if asked.sliding > 1 and not (figure.is_published and name[-1] == "S"):
            figure.need = figure.need and Need(1)
            figure.width = 1
            done.narrowed.add(name)
            is_news = True
    return is_news


def _problem(
    joint: Joint,
    names: Sequence[Name],
    relations: Sequence[Relation],
    labels: Mapping[Name, str],
    known: Collection[Name],
    carried: Collection[Name],
    done: Hidden,
) -> Problem:
    cells = []
    for name in names:
        figure = joint.figures[name]
        need = figure.need
        if need is None and figure.holder and name in done.names and name not in known:
            # No one outside can tell which of two hidden sites was too small: each must stay
            # hidden from the other.
            need = Need(figure.width)
        cells.append(
            Cell(
                name,
                figure.value,
                need=need,
                width=figure.width,
                cost=figure.cost,
                floor=figure.floor,
                is_known=name in known,
                is_carried=name in carried or (name in done.names and need is None),
                holder=figure.holder,
                together=labels.get(name, ""),
                contributions=figure.contributions,
            )
        )
    return Problem(cells, relations)


def _closed(joint: Joint, names: Iterable[Name]) -> set[Name]:
    """``names`` with all that goes dark with them."""
    found: set[Name] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += joint.takes_along.get(name, ())
    return found


def _labels(joint: Joint) -> dict[Name, str]:
    """One label for figures that take each other along, both ways."""
    together = Together()
    linked = set()
    for name, others in joint.takes_along.items():
        for other in others:
            if name in joint.takes_along.get(other, ()):
                together.join(name, other)
                linked |= {name, other}
    return {name: " / ".join(together.head(name)) for name in linked}
