"""A crash is told without other people's data, retried only when it may pass, and stays local."""

import dagster as dg
import duckdb
import pytest

from via_pipeline.defs import guard
from via_pipeline.intake.ledger import LedgerError
from via_pipeline.storage.atomic import BusyError

SECRET = "999990019"


def _crash(error: BaseException) -> guard.Crash:
    try:
        raise error
    except BaseException as caught:
        return guard.tell(caught)


def test_messages_of_others_are_not_repeated() -> None:
    try:
        duckdb.sql(f"SELECT CAST('{SECRET}x' AS INTEGER)").fetchall()
    except duckdb.Error as error:
        assert SECRET in str(error), "the premise: DuckDB quotes the value"
        assert SECRET not in str(guard.tell(error))
    for error in (ValueError(SECRET), KeyError(SECRET), RuntimeError(SECRET)):
        assert SECRET not in str(_crash(error))


def test_our_own_messages_and_the_systems_reason_are_told() -> None:
    assert "another key" in str(_crash(LedgerError("another key")))
    told = str(_crash(PermissionError(13, "Permission denied", f"/landing/{SECRET}.csv")))
    assert "Permission denied" in told
    assert SECRET not in told


def _run(call, attempts: list[int], *, fail: bool) -> tuple[dg.ExecuteInProcessResult, int]:
    wrapper = guard.told if fail else guard.guarded

    @dg.asset(check_specs=[guard.processed_spec("broken")])
    def broken(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        attempts.append(1)
        outcome = wrapper(context, call)
        check = outcome.check("broken") if not fail else guard.Attempt(None, None).check("broken")
        return dg.MaterializeResult(check_results=[check])

    @dg.asset(deps=[broken])
    def downstream() -> None: ...

    result = dg.materialize([broken, downstream], raise_on_error=False)
    ran = [event.step_key for event in result.get_step_success_events()]
    return result, ran.count("downstream")


def test_a_guarded_crash_fails_the_check_and_lets_downstream_go_on() -> None:
    def call() -> None:
        raise ValueError(SECRET)

    result, downstream = _run(call, [], fail=False)
    assert result.success
    assert downstream == 1
    (found,) = result.get_asset_check_evaluations()
    assert not found.passed
    assert SECRET not in (found.description or "")


def test_a_told_crash_fails_the_step_without_the_message() -> None:
    def call() -> None:
        raise ValueError(SECRET)

    result, downstream = _run(call, [], fail=True)
    assert not result.success
    assert downstream == 0
    assert SECRET not in "\n".join(str(event) for event in result.all_events)


def test_only_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "WAIT_SECONDS", 0)

    def busy() -> None:
        raise BusyError("another run is writing")

    attempts: list[int] = []
    result, _ = _run(busy, attempts, fail=False)
    assert len(attempts) == 1 + guard.RETRIES
    assert result.success, "after the last try the crash is told like any other"

    def wrong() -> None:
        raise ValueError("wrong for good")

    attempts = []
    _run(wrong, attempts, fail=False)
    assert len(attempts) == 1


def test_a_retry_that_works_is_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "WAIT_SECONDS", 0)
    attempts: list[int] = []

    def call() -> None:
        if len(attempts) < 2:
            raise BusyError("another run is writing")

    result, _ = _run(call, attempts, fail=False)
    assert len(attempts) == 2
    assert all(found.passed for found in result.get_asset_check_evaluations())
