"""Follow ``tutorial.md`` word for word, in a fresh clone in an empty folder: ``make tutorial``.

Belongs here: what of the page is run and what is expected. Every ``sh`` block is run, all in one
shell, in their order; the ``text`` block behind it says what must stand in its output: each line
in turn, anywhere in a line, with … for whatever differs. Does not belong here: the steps.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).parent / "tutorial.md"
PROJECT = PAGE.parent.parent
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_MARK = "@@ end of step {number} @@"
_MINUTES = 15
# What a person's shell may carry and a newcomer's does not.
_FOREIGN = ("VIA_", "DAGSTER_", "GX_", "VIRTUAL_ENV", "PYTHON", "GIT_", "MAKE", "MFLAGS")


@dataclass
class Step:
    """Commands as they stand in the page, and the lines that must come back."""

    commands: str
    expected: list[str] = field(default_factory=list)


def steps(page: str) -> list[Step]:
    """What the page asks for, in order.

    Raises:
        ValueError: output is promised where no command stands before it.
    """
    found: list[Step] = []
    for kind, text in _BLOCK.findall(page):
        if kind == "sh":
            found.append(Step(text))
        elif kind == "text":
            if not found or found[-1].expected:
                raise ValueError(f"output without a command: {text.splitlines()[0]}")
            found[-1].expected = text.splitlines()
    return found


def missing(step: Step, output: str) -> list[str]:
    """The expected lines that did not come, in their order, in ``output``."""
    lines = iter(re.sub(r"[ \t]+", " ", line) for line in output.splitlines())
    absent = []
    for wanted in step.expected:
        words = re.sub(r"[ \t]+", " ", wanted).strip().split("…")
        pattern = re.compile(".*".join(re.escape(word.strip()) for word in words))
        if not any(pattern.search(line) for line in lines):
            absent.append(wanted)
            break
    return absent


def script(found: list[Step]) -> str:
    """One shell for all steps: what one exports, the next one sees."""
    parts = ["set -euo pipefail"]
    for number, step in enumerate(found, 1):
        parts += [step.commands.rstrip("\n"), f"echo '{_MARK.format(number=number)}'"]
    return "\n".join(parts) + "\n"


def follow(found: list[Step], clone: Path, home: Path) -> tuple[int, list[str]]:
    """Run the steps in ``clone``; the exit code and the output of each step that was begun."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(_FOREIGN)}
    done = subprocess.run(  # noqa: S603 - our own page
        ["/bin/bash", "-c", script(found)],
        cwd=clone,
        env=environment | {"HOME": str(home), "COLUMNS": "160", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_MINUTES * 60,
        check=False,
    )
    return done.returncode, re.split(r"@@ end of step \d+ @@\n", done.stdout)


def main() -> int:
    """0 when every command worked and said what the page says; 1 otherwise."""
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--keep", type=Path, help="a folder to work in, kept for a look afterwards")
    place = told.parse_args().keep
    with tempfile.TemporaryDirectory(prefix="via-tutorial-") as temporary:
        folder = place or Path(temporary)
        clone, home = folder / "via_pipeline", folder / "home"
        home.mkdir(parents=True)
        command = ["git", "clone", "--quiet", str(PROJECT), str(clone)]
        subprocess.run(command, check=True, timeout=120)  # noqa: S603 - our own repository
        return _judge(steps((clone / "docs" / PAGE.name).read_text(encoding="utf-8")), clone, home)


def _judge(found: list[Step], clone: Path, home: Path) -> int:
    began = time.monotonic()
    code, outputs = follow(found, clone, home)
    for number, (step, output) in enumerate(zip(found, outputs, strict=False), 1):
        has_ended = number < len(outputs)
        absent = missing(step, output) if has_ended else []
        if absent or not has_ended:
            print(f"step {number} of {len(found)}:\n{step.commands}\nsaid:\n{output[-4000:]}")
            why = f"not said: {absent[0]!r}" if absent else f"ended with exit code {code}"
            print(f"The tutorial is wrong at step {number}: {why}")
            return 1
    said = sum(len(step.expected) for step in found)
    print(
        f"The tutorial was followed: {len(found)} steps, {said} lines of output as promised, "
        f"{time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
