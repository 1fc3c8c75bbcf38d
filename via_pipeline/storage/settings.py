"""Settings from the environment, read in one place, with an answer for who mistypes one.

Belongs here: settings that are numbers or sizes, their bounds and defaults. Does not belong here:
places (``home``), keys and secrets (``intake.pseudonym``): those are never shown.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping

SETTLE, SETTLE_SECONDS = "VIA_SETTLE_SECONDS", 5.0
KEEP, KEEP_RELEASES = "VIA_SERVE_KEEP", 10
MEMORY, THREADS = "VIA_DUCKDB_MEMORY", "VIA_DUCKDB_THREADS"
SCHEDULES = "VIA_SCHEDULES"
RUN, RUN_HOURS = "VIA_RUN_HOURS", 4.0
ENGINE, DUCKDB, SPARK = "VIA_ENGINE", "duckdb", "spark"
MASTER, HERE = "VIA_SPARK_MASTER", "local[*]"
AUTHENTICATION = "VIA_SPARK_SECRET_FILE"

_MASTER = re.compile(
    r"local\[(?:\d+|\*)\]|spark://[^\s/;]+:\d+(?:,[^\s/;]+:\d+)*|k8s://\S+|yarn|sc://[^\s/;]+\S*"
)
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_SIZE = re.compile(r"\d+(?:\.\d+)?\s*(?:[KMGT]i?B|%)", re.IGNORECASE)


class SettingError(ValueError):
    """A setting that is not what it must be; the message names it, its value and an example."""


def settle_seconds(environ: Mapping[str, str] = os.environ) -> float:
    """How long ago a file must have changed last to be taken, in seconds.

    Raises:
        SettingError: not a number of seconds.
    """
    found = _number(environ, SETTLE, "a number of seconds, such as 5")
    return SETTLE_SECONDS if found is None else found


def run_hours(environ: Mapping[str, str] = os.environ) -> float:
    """How long ``via run`` may take, in hours.

    Raises:
        SettingError: not a number above zero.
    """
    expected = "a number of hours above 0, such as 4"
    found = _number(environ, RUN, expected)
    if found == 0:
        raise SettingError(f"{RUN} is '{environ[RUN].strip()}', but must be {expected}")
    return found or RUN_HOURS


def releases_kept(environ: Mapping[str, str] = os.environ) -> int:
    """How many releases of the BI file are kept, at least one.

    Raises:
        SettingError: not a whole number from 1.
    """
    return _whole(environ, KEEP) or KEEP_RELEASES


def duckdb_limits(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the environment says of DuckDB's ``memory_limit`` and ``threads``; empty by default.

    Raises:
        SettingError: not a size, or not a whole number from 1.
    """
    limits = {}
    memory = environ.get(MEMORY, "").strip()
    if memory:
        if not _SIZE.fullmatch(memory):
            raise SettingError(f"{MEMORY} is '{memory}', but must be a size, such as 2GB or 60%")
        limits["memory_limit"] = memory
    threads = _whole(environ, THREADS)
    if threads:
        limits["threads"] = str(threads)
    return limits


def engine(environ: Mapping[str, str] = os.environ) -> str:
    """Who runs heavy transformations: ``duckdb`` (the default) or ``spark``.

    Raises:
        SettingError: another engine.
    """
    found = environ.get(ENGINE, "").strip().lower() or DUCKDB
    if found not in (DUCKDB, SPARK):
        raise SettingError(f"{ENGINE} is '{found}', but must be {DUCKDB} or {SPARK}")
    return found


def spark_master(environ: Mapping[str, str] = os.environ) -> str:
    """Where Spark is: its master, or a Spark Connect server; this machine by default.

    Raises:
        SettingError: not an address of either, or a Spark Connect server elsewhere without TLS.
    """
    found = environ.get(MASTER, "").strip() or HERE
    # The address may hold a token: it is not repeated.
    if not _MASTER.fullmatch(found):
        raise SettingError(
            f"{MASTER} must be local[2], spark://host:7077, k8s://https://host:443, yarn, or "
            "sc://host:15002 of a Spark Connect server"
        )
    if is_connect(found):
        host = found.removeprefix("sc://").split("/")[0].rsplit(":", 1)[0]
        if host not in _LOOPBACK and "use_ssl=true" not in found.split("/;", 1)[-1].split(";"):
            raise SettingError(
                f"{MASTER} is a Spark Connect server on another machine without TLS; person-level "
                "data must not travel so: sc://host:15002/;use_ssl=true"
            )
    return found


def is_connect(master: str) -> bool:
    """Whether ``master`` is a Spark Connect server: no Java here then."""
    return master.startswith("sc://")


def spark_secret_file(environ: Mapping[str, str] = os.environ) -> str | None:
    """The file with the secret that all of a Spark cluster share; None where none is named.

    Raises:
        SettingError: a standalone cluster is named, and no such file. What its machines would send
            each other in the clear, and give to whoever asks, is person-level data.
    """
    found = environ.get(AUTHENTICATION, "").strip() or None
    is_cluster = engine(environ) == SPARK and spark_master(environ).startswith("spark://")
    if is_cluster and found is None:
        raise SettingError(
            f"{MASTER} is a cluster, but {AUTHENTICATION} names no file with its secret "
            "(spark.authenticate.secret): without one its machines do not encrypt what they send"
        )
    return found


def check(environ: Mapping[str, str] = os.environ) -> None:
    """Look at every setting at once, before any work.

    Raises:
        SettingError: one of them is not what it must be.
    """
    looks: tuple[Callable[[Mapping[str, str]], object], ...] = (
        settle_seconds,
        run_hours,
        releases_kept,
        duckdb_limits,
        engine,
        spark_master,
        spark_secret_file,
    )
    for look in looks:
        look(environ)


def _number(environ: Mapping[str, str], name: str, expected: str) -> float | None:
    """A number that is not below zero; None where nothing is set."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not (math.isfinite(found) and found >= 0):
        raise SettingError(f"{name} is '{text}', but must be {expected}")
    return found


def _whole(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise SettingError(f"{name} is '{text}', but must be a whole number from 1")
    return int(text)
