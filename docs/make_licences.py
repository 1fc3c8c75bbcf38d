"""Write ``licences.md``: every package that a run installs, its version and its licence.

Belongs here: the page. The licences are what the packages say of themselves, read by pip-licenses
from the environment; which packages there are, and in which version, comes from the lock.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "licences.md"
LOCK = PAGE.parent.parent / "requirements" / "production.txt"
_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.M)
_LONG = 60
_HEAD = """# Licences of what is inside

Everything that a run in production installs (`requirements/production.txt`), with the licence
that each package states. `make licences` writes this page. Our own code: EUPL-1.2.

| package | version | licence |
| --- | --- | --- |
"""


def pins(lock: str) -> list[tuple[str, str]]:
    """Name and version of every package of a lock, by name."""
    return sorted(set(_PIN.findall(lock)))


def page(locked: list[tuple[str, str]], stated: dict[str, str]) -> str:
    """The page; a package that is for another system says so."""
    rows = [
        f"| {name} | {version} | {stated.get(name, 'not installed on this system')} |"
        for name, version in locked
    ]
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    """Read the environment that runs this, and write the page."""
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--format=json",
        "--from=mixed",
        "--with-system",
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
    stated = {_normal(item["Name"]): _short(item["License"]) for item in json.loads(told)}
    text = page(pins(LOCK.read_text(encoding="utf-8")), stated)
    PAGE.write_text(text, encoding="utf-8", newline="\n")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _short(licence: str) -> str:
    """One line; some packages state the whole text."""
    line = next((line.strip() for line in licence.splitlines() if line.strip()), "not stated")
    line = line.replace("|", "/")
    return line if len(line) <= _LONG else f"{line[:_LONG].rstrip()} …"


if __name__ == "__main__":
    main()
