"""``python -m attack --home VIA_HOME``: attack one publication; exit code 1 when people are found.

Belongs here: the command and the order of the attacks. Does not belong here: an attack.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from attack import (
    around,
    canary,
    differencing,
    intervals,
    plain,
    populations,
    singletons,
    sums,
    unchanged,
)
from attack.cells import cells, shape_of
from attack.findings import Finding, Severity, failing, lines
from attack.publication import read


def run(home: Path, needles: Sequence[str] = (), releases: Path | None = None) -> list[Finding]:
    """Everything that the attacks find under ``home``; ``needles`` are planted identifiers.

    ``releases`` is the folder of frozen editions, which lie beside the home.

    Raises:
        FileNotFoundError: nothing is published there.
    """
    tables = read(home, releases)
    found: list[Finding] = []
    people = []
    for table in tables:
        shape = shape_of(table, tables)
        if shape:
            people.append(list(cells(table, shape)))
        elif {"n", "teller"} & set(table.columns) and "omschrijving" not in table.columns:
            found.append(
                Finding(Severity.NOTICE, "reading", table.where, "", "counts, but no known key")
            )
    known = sums.gather(people)
    found += known.findings
    found += plain.attack(people)
    found += intervals.attack(known)
    found += differencing.attack(people, known)
    found += unchanged.attack(known)
    found += singletons.attack(known)
    found += populations.attack(tables, known.placed, lambda one: known.quantities[one].known)
    found += around.attack(home, tables, releases)
    if needles:
        found += canary.attack([home, *([releases] if releases else [])], needles)
    return sorted(set(found))


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when nobody is found, 1 when somebody is, 2 when nothing is published."""
    parser = argparse.ArgumentParser(prog="attack", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="VIA_HOME of a run")
    parser.add_argument("--releases", type=Path, help="VIA_RELEASES: editions that were frozen")
    parser.add_argument("--all", action="store_true", help="every finding, not the first of each")
    parser.add_argument("--canary", type=Path, help="file with planted identifiers, one a line")
    given = parser.parse_args(arguments)
    needles = given.canary.read_text("utf-8").split("\n") if given.canary else []
    try:
        needles = [line.strip() for line in needles if line.strip()]
        found = run(given.home, needles, given.releases)
    except FileNotFoundError as error:
        print(f"attack: {error}", file=sys.stderr)
        return 2
    for line in lines(found, most=10**9 if given.all else 15):
        print(line)
    bad = failing(found)
    print(f"{len(bad)} findings, {len(found) - len(bad)} to be looked at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
