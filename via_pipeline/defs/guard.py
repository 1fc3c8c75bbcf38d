"""When a step crashes: what is told, what is tried again, and what goes on without it.

Belongs here: the line between transient and permanent failure, and keeping other people's data
out of error messages. Does not belong here: a rejected file; that is an outcome, not a failure.

A crash in one source's step must not keep the other sources from the reader. So such a step does
not fail: it reports the check ``verwerkt`` as failed, the source's last good tables stand, and the
last asset of the run (``serving__bi_file``) ends the run red by a blocking check over all of them.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import dagster as dg

from via_pipeline.storage.atomic import BusyError
from via_pipeline.storage.home import Home

T = TypeVar("T")

PROCESSED = "verwerkt"
RETRIES = 2
WAIT_SECONDS = 2
_PACKAGE = Path(__file__).parent.parent
# What may pass by itself: a lock held by another run, a busy or briefly absent disk.
_TRANSIENT = (BusyError, BlockingIOError, InterruptedError, TimeoutError, ConnectionError)


@dataclass(frozen=True)
class Crash:
    """A crash as it may be told: kind, place, and a message only where it is our own."""

    kind: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.place}" + (f": {self.message}" if self.message else "")


class StepFailed(RuntimeError):
    """Stands in for an exception whose message may quote a partner's data."""


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What a guarded call gave: a value, or the crash that kept it away."""

    value: T | None
    crash: Crash | None

    def unless(self, failures: Iterable[str]) -> Attempt[T]:
        """The same, or a crash where the room itself tells of deliveries it could not do."""
        told = "; ".join(failures)
        if self.crash is not None or not told:
            return self
        return Attempt(self.value, Crash("deliveries not processed", "the room", told))

    def check(self, asset: str) -> dg.AssetCheckResult:
        """The outcome as the asset's check ``verwerkt``."""
        if self.crash is None:
            return dg.AssetCheckResult(
                passed=True, check_name=PROCESSED, asset_key=dg.AssetKey(asset)
            )
        return dg.AssetCheckResult(
            passed=False,
            check_name=PROCESSED,
            asset_key=dg.AssetKey(asset),
            severity=dg.AssetCheckSeverity.ERROR,
            description=(
                "De verwerking is afgebroken; de vorige stand is gebleven. / "
                f"Crashed: {self.crash}. The last good tables stand; other sources went on."
            ),
            metadata={
                "crash": str(self.crash),
                "what_to_do": (
                    "Lees het log van de stap en draai opnieuw; een bestand van een partner is "
                    "hier nooit de oorzaak. / Read the step's log, run again; a partner's bad file "
                    "never is the cause."
                ),
            },
        )


def processed_spec(asset: str) -> dg.AssetCheckSpec:
    """The check that says whether the step for ``asset`` ran to its end."""
    return dg.AssetCheckSpec(
        PROCESSED,
        asset=asset,
        description="De verwerking is niet afgebroken. / The step ran to its end.",
    )


def tell(error: BaseException) -> Crash:
    """What may be said of ``error``: its message only if the class is ours or it is about a file.

    DuckDB, pandas and Great Expectations quote cell values in their messages.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(_PACKAGE)
    ]
    last = frames[-1] if frames else None
    place = "?"
    if last is not None:
        file = Path(last.filename).relative_to(_PACKAGE.parent).as_posix()
        place = f"{file}:{last.lineno} ({last.name})"
    ours = type(error).__module__.startswith("via_pipeline.") and type(error) is not StepFailed
    message = str(error) if ours else ""
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror
    return Crash(type(error).__name__, place, message)


def guarded(context: dg.OpExecutionContext, call: Callable[[], T]) -> Attempt[T]:
    """Call; a crash becomes an ``Attempt`` without a value, so that other sources go on.

    Raises:
        RetryRequested: the crash may be transient and this is not the last try.
    """
    try:
        value = call()
        _keep()
        return Attempt(value, None)
    except Exception as error:
        crash = tell(error)
        _retry_if_transient(context, error, crash)
    context.log.error(f"stopped: {crash}")
    return Attempt(None, crash)


def told(context: dg.OpExecutionContext, call: Callable[[], T]) -> T:
    """Call; a crash fails the step, told without other people's data.

    Raises:
        StepFailed: the call crashed.
        RetryRequested: the crash may be transient and this is not the last try.
    """
    try:
        value = call()
        _keep()
        return value
    except Exception as error:
        crash = tell(error)
        _retry_if_transient(context, error, crash)
    raise StepFailed(str(crash))


def _keep() -> None:
    """Where ``VIA_HOME`` is object storage: what the step did outlives this machine now."""
    home = Home.from_env()
    if home.url is not None:
        from via_pipeline.storage import kept

        kept.push(home)


def _retry_if_transient(context: dg.OpExecutionContext, error: Exception, crash: Crash) -> None:
    if isinstance(error, _TRANSIENT) and context.retry_number < RETRIES:
        context.log.warning(f"will be tried again: {crash}")
        raise dg.RetryRequested(
            max_retries=RETRIES, seconds_to_wait=WAIT_SECONDS * 2**context.retry_number
        ) from None
