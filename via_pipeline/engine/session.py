"""The one Spark session of this process, with what keeps person-level data to itself.

Belongs here: how a session is made and ended. Does not belong here: what runs in it (``spark``).

Shuffle files, spills, the event log and the web page of a Spark application hold or show rows of
pseudonymised persons. So, whatever the cluster's own defaults say: what is written to local disks
is encrypted, what travels between machines is encrypted and authenticated with the cluster's
secret, there is no event log and no web page, and executors log nothing below fatal. Spark reports
nothing home. Memory, cores and numbers of partitions are the cluster's business:
``spark-defaults.conf`` in ``SPARK_CONF_DIR``, which this does not replace.

The secret never stands on a command line: settings go by a file that only we may read, and that is
gone when the session is there.
"""

from __future__ import annotations

import atexit
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from via_pipeline.storage import machine, settings
from via_pipeline.storage.home import Home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Days before 1582 as DuckDB wrote them: no calendar but the Gregorian one.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    # A product that does not fit is an error, not a figure of fewer decimals.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    # '${...}' in a text is text.
    "spark.sql.variable.substitute": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.groupByOrdinal": "true",
    "spark.sql.groupByAliases": "true",
    # A file that is gone or damaged is an error, not fewer people.
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
}
"""Settings on which the meaning of a query depends."""

REDACTION = "spark.sql.redaction.string.regex"
"""Setting: what matches it is left out of every text of a plan."""

CONFIDENTIAL = {
    "spark.ui.enabled": "false",
    "spark.eventLog.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.io.encryption.enabled": "true",
    "spark.log.level": "FATAL",
    "spark.executor.syncLogLevel.enabled": "true",
    REDACTION: ".+",
    "spark.python.worker.faulthandler.enabled": "false",
}
"""Settings that keep rows out of sight, for every master."""

OF_A_SERVER = {
    REDACTION: CONFIDENTIAL[REDACTION],
    # ``floats`` looks at the whole plan.
    "spark.sql.debug.maxToStringFields": str(2**31 - 1),
    "spark.sql.maxPlanStringLength": str(2**31 - 16),
}
"""Settings that a session of a Spark Connect server may set for itself, beside ``MEANING``."""

_TALKATIVE = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Loggers of pyspark 4 that write an error's text to stderr before anybody can catch it."""

BETWEEN_MACHINES = {
    "spark.authenticate": "true",
    "spark.network.crypto.enabled": "true",
}
"""Settings of what travels, where there is more than one process."""

_PATIENCE_SECONDS = 20
_log = logging.getLogger(__name__)

_session: SparkSession | None = None
_folder: Path | None = None


class EngineError(RuntimeError):
    """Spark cannot be used; the message says why, without a value of any row."""


def session() -> SparkSession:
    """The session of this process; made at the first call, ended with the process.

    Raises:
        SettingError: a setting of the engine is not what it must be.
        EngineError: pyspark or Java is not installed, the secret cannot be read, or no cluster
            answers.
    """
    global _session
    if _session is None:
        _session = _made(settings.spark_master())
        atexit.register(stop)
    return _session


def stop() -> None:
    """End the session and its Java, and remove what it left on this machine's disk.

    Java may be dead already. Whatever happens, the next call of ``session`` makes a new one.
    """
    global _session, _folder
    ended, _session = _session, None
    try:
        if ended is not None:
            ended.stop()
    except Exception as error:  # of many classes: Java, or the server, is gone already
        _log.debug("Spark was gone before it was stopped: %s", type(error).__name__)
    finally:
        _end_java()
        if _folder is not None:
            shutil.rmtree(_folder, ignore_errors=True)
            _folder = None


def _end_java() -> None:
    """End the Java process of this process, and make pyspark forget it.

    pyspark keeps the one that it started, for good: a second session would get the settings, and
    the folder, of the first. It has no public way to end it.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError:
        return
    gateway = SparkContext._gateway
    SparkContext._active_spark_context = None
    SparkContext._gateway = SparkContext._jvm = None
    SparkSession._instantiatedSession = SparkSession._activeSession = None
    if gateway is None:
        return
    gateway.shutdown()
    process: subprocess.Popen[bytes] | None = getattr(gateway, "proc", None)
    if process is None:
        return
    if process.stdin is not None:
        process.stdin.close()  # at which it ends itself
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _made(master: str) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise EngineError(
            f"{settings.ENGINE} is {settings.SPARK}, but pyspark is not installed: "
            "pip install 'via_pipeline[spark]' (make .venv/.spark)"
        ) from None
    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
    if settings.is_connect(master):
        builder = SparkSession.builder.remote(master)
        for name, value in (MEANING | OF_A_SERVER).items():
            builder = builder.config(name, value)
        return _begun(builder, "no Spark Connect server answers")
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise EngineError("Spark needs Java 17 here (Debian: apt install openjdk-17-jre-headless)")
    _alone()
    try:
        made = _local(SparkSession.builder, _properties(master))
    except BaseException:
        stop()
        raise
    return made


def _alone() -> None:
    """Refuse a process in which Java runs already: it would not have our settings.

    Raises:
        EngineError: somebody else made a session here.
    """
    from pyspark import SparkContext

    if SparkContext._gateway is not None:
        raise EngineError(
            "Spark was started in this process by something else, without what keeps rows out of "
            "sight; end that session first"
        )


def _local(builder: SparkSession.Builder, told: Path) -> SparkSession:
    before = os.environ.get("PYSPARK_SUBMIT_ARGS")
    os.environ["PYSPARK_SUBMIT_ARGS"] = (
        f"--properties-file {shlex.quote(str(told))} --load-spark-defaults pyspark-shell"
    )
    try:
        return _begun(builder, "the driver did not start, or no master answers")
    finally:
        told.unlink()  # read by now, and it may hold the secret
        if before is None:
            del os.environ["PYSPARK_SUBMIT_ARGS"]
        else:
            os.environ["PYSPARK_SUBMIT_ARGS"] = before


def _begun(builder: SparkSession.Builder, otherwise: str) -> SparkSession:
    try:
        return builder.getOrCreate()
    except Exception as error:  # of many classes, and their text repeats settings
        raise EngineError(f"Spark: {otherwise} ({type(error).__name__})") from None


def _properties(master: str) -> Path:
    """A file of settings that only we may read, in a folder that goes with the session."""
    global _folder
    secret = None if master.startswith("local[") else _secret()
    scratch = Home.from_env().scratch
    if "," in str(scratch):
        raise EngineError("Spark takes a comma in the path of VIA_HOME for two folders")
    if scratch.is_dir():
        # Named as DuckDB's: what a killed process leaves is swept like that.
        _folder = machine.spill_folder(scratch)
        _folder.mkdir(mode=0o700)
    else:
        _folder = Path(tempfile.mkdtemp(prefix="via_spark_"))
    told = MEANING | CONFIDENTIAL
    told |= {
        "spark.master": master,
        "spark.app.name": "via_pipeline",
        "spark.local.dir": str(_folder),
        "spark.sql.warehouse.dir": str(_folder / "warehouse"),
    }
    if master.startswith("local["):
        told["spark.driver.host"] = told["spark.driver.bindAddress"] = "127.0.0.1"
        # Two hundred, the default, is meant for a cluster.
        told["spark.sql.shuffle.partitions"] = str(4 * (os.cpu_count() or 1))
    else:
        told |= BETWEEN_MACHINES
        if secret is not None:
            told["spark.authenticate.secret"] = secret
    path = _folder / "via.conf"
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w",
                   encoding="utf-8") as handle:  # fmt: skip
        # In a file of properties a backslash is written twice.
        handle.writelines(f"{name} {value}\n".replace("\\", r"\\") for name, value in
                          sorted(told.items()))  # fmt: skip
    return path


def _secret() -> str | None:
    named = settings.spark_secret_file()
    if named is None:
        return None
    try:
        found = Path(named).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EngineError(
            f"{settings.AUTHENTICATION}: the secret cannot be read ({type(error).__name__})"
        ) from None
    if not found or any(sign.isspace() for sign in found):
        raise EngineError(
            f"{settings.AUTHENTICATION}: the file must hold one word, the cluster's secret"
        )
    return found
