"""A locale that is really there: naming one that the machine lacks changes nothing, and tests less.

Belongs here: making it from the sources of the C library. Does not belong here: what it must not
change.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_SOURCES = Path("/usr/share/i18n/locales")


def can_be_made(name: str) -> bool:
    """Whether this machine has what ``made`` needs."""
    return shutil.which("localedef") is not None and (_SOURCES / name).exists()


def made(folder: Path, name: str) -> dict[str, str]:
    """The environment of a process in the locale ``name`` (``nl_NL``), compiled into ``folder``.

    Skips the test, and says so, where the C library's sources are not installed.
    """
    if not can_be_made(name):
        pytest.skip(f"no sources of the locale {name} (Debian: apt install locales)")
    folder.mkdir(parents=True, exist_ok=True)
    whole = f"{name}.UTF-8"
    subprocess.run(["localedef", "-i", name, "-f", "UTF-8", folder / whole], check=True, timeout=60)
    return {"LOCPATH": str(folder), "LC_ALL": whole, "LANG": whole}
