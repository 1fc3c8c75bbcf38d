"""Jobs for a part: one pilot, one delivery, a period, what a person resolved.

Belongs here: their configuration with defaults that make sense, and the rooms one after another for
one source. Does not belong here: what a room does; anything that is published. They end before
disclosure control, which protects everything together: what is published changes by the nightly
refresh only. A run's configuration can be read by everyone who sees the UI: no value goes in here.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import Field

from via_pipeline.contracts.model import Contract, load, load_all, source_names
from via_pipeline.defs import guard, metadata, policy
from via_pipeline.defs.automation import schedules
from via_pipeline.defs.resources import Installation
from via_pipeline.storage.home import Home

DELIVERY, PERIOD, CORRECTION = "delivery_again", "period_again", "after_correction"
REFRESH = "refresh_"
PERIOD_DAYS = 31
_TAGS = {"via/soort": "deel"}


@dg.definitions
def reruns() -> dg.Definitions:
    """The jobs; one a source follows from the contracts."""
    return dg.Definitions(
        jobs=[
            *(_refresh(contract) for contract in load_all()),
            delivery_again,
            period_again,
            after_correction,
        ]
    )


def _refresh(contract: Contract) -> Any:
    return dg.define_asset_job(
        f"{REFRESH}{contract.source}",
        selection=dg.AssetSelection.tag("via/bron", contract.source),
        description=(
            f"Only {contract.source}: take in, judge, conform, count. Nothing is published."
        ),
        tags=_TAGS | {"via/bron": contract.source},
    )


class DeliveryConfig(dg.Config):
    """One delivery, judged again under the rules and code lists of now."""

    source: str = Field(default="p5_behoud", description="A contract's name.")
    delivery: str = Field(
        default="", description="Its id (via deliveries --json, delivery_id); empty: the newest."
    )


class PeriodConfig(dg.Config):
    """What was received in a period (both days included), judged again, of every source."""

    received_from: str = Field(
        default="", description=f"YYYY-MM-DD; empty: {PERIOD_DAYS} days before received_to."
    )
    received_to: str = Field(default="", description="YYYY-MM-DD; empty: today.")
    source: str = Field(default="", description="Only this contract; empty: all.")


class CorrectionConfig(dg.Config):
    """A sheet of ``via quarantine export``, filled in."""

    sheet: str = Field(
        default="", description="Path of the sheet; empty: only lists that lie ready are taken in."
    )
    who: str = Field(default="", description="Who resolved it; recorded. Asked for with a sheet.")


@dg.op(name="levering_opnieuw", pool=policy.POOL)
def again_one(
    context: dg.OpExecutionContext, config: DeliveryConfig, installation: Installation
) -> None:
    """Judge one delivery again and refresh its source's tables."""
    from via_pipeline.intake.ledger import Ledger

    home = installation.home()
    contract = _contract(config.source)
    rows = [
        row
        for row in Ledger(home.ledger).rows(contract.source)
        if row.removed is None and config.delivery in ("", row.delivery_id)
    ]
    if config.delivery and not rows:
        raise _refused(f"{contract.source} has no delivery {config.delivery}")
    wanted = {rows[-1].delivery_id} if rows else set()
    _tell(context, [_source(context, home, contract, wanted)])


@dg.op(name="periode_opnieuw", pool=policy.POOL)
def again_period(
    context: dg.OpExecutionContext, config: PeriodConfig, installation: Installation
) -> None:
    """Judge again what was received in the period, source after source."""
    from via_pipeline.intake.ledger import Ledger

    home = installation.home()
    last = _day(config.received_to) or datetime.now(tz=ZoneInfo(schedules.TIME_ZONE)).date()
    first = _day(config.received_from) or last - timedelta(days=PERIOD_DAYS)
    if first > last:
        raise _refused(f"the period ends ({last}) before it begins ({first})")
    contracts = [_contract(config.source)] if config.source else load_all()
    ledger = Ledger(home.ledger)
    done = []
    for contract in contracts:
        wanted = {
            row.delivery_id
            for row in ledger.rows(contract.source)
            if row.removed is None and row.received and first <= row.received <= last
        }
        if wanted:
            done.append(_source(context, home, contract, wanted))
    _tell(context, done)


@dg.op(name="correcties", pool=policy.POOL)
def corrected(
    context: dg.OpExecutionContext, config: CorrectionConfig, installation: Installation
) -> None:
    """Read the sheet back, lay its lists down, and refresh the sources that have any."""
    from via_pipeline.intake import corrections

    home = installation.home()
    if config.sheet:
        _replay(context, home, config)
    sources = sorted(
        contract.source
        for contract in load_all()
        if (home.data / corrections.FOLDER / contract.source).is_dir()
    )
    _tell(context, [_source(context, home, load(source), ()) for source in sources])


@dg.job(
    name=DELIVERY,
    description="One delivery judged again, for instance after a repaired code list.",
    tags=_TAGS,
)
def delivery_again() -> None:
    """See ``DeliveryConfig``."""
    again_one()


@dg.job(
    name=PERIOD,
    description="Backfill: what was received in a period is judged again, of every source.",
    tags=_TAGS,
)
def period_again() -> None:
    """See ``PeriodConfig``."""
    again_period()


@dg.job(
    name=CORRECTION,
    description="What a person resolved of the quarantine is read back and applied at once.",
    tags=_TAGS,
)
def after_correction() -> None:
    """See ``CorrectionConfig``."""
    corrected()


def _replay(context: dg.OpExecutionContext, home: Home, config: CorrectionConfig) -> None:
    from pathlib import Path

    from via_pipeline.intake import corrections
    from via_pipeline.quality import resolve

    if not config.who.strip():
        raise _refused("say in 'who' who resolved the sheet")
    now = datetime.now(tz=UTC)
    try:
        filled = resolve.read(Path(config.sheet))
    except FileNotFoundError:
        raise _refused("there is no sheet at that path") from None
    except resolve.SheetError as error:
        raise _refused(str(error)) from None
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    plan = resolve.plan(home, load_all(), filled, who=config.who.strip(), at=at)
    day = now.astimezone(ZoneInfo(schedules.TIME_ZONE)).date()
    for one in plan.lists:
        corrections.write(home, one, day)
        context.log.info(f"{one.base}: {len(one.cells)} cells")
    for refusal in plan.refused:
        context.log.warning(f"line {refusal.line} refused: {refusal.told}")


def _source(
    context: dg.OpExecutionContext, home: Home, contract: Contract, again: Collection[str]
) -> list[Any]:
    """Take in, judge and conform one source; a line of figures about it."""
    from via_pipeline.intake.run import take_in
    from via_pipeline.pilots import conform
    from via_pipeline.quality.run import JUDGED, judge

    run_id, now = context.run_id, datetime.now(tz=UTC)

    def work() -> list[Any]:
        taken = take_in(home, contract, run_id=run_id, now=now)
        judged = judge(home, contract, run_id=run_id, again=again)
        for result in judged:
            if result.rules and result.rules[0].rule == JUDGED:
                context.log.error(f"{result.delivery_id}: {result.reasons[0]}")
        conform.refresh(home, contract)
        return [contract.source, len(taken.new), len(judged)]

    return guard.told(context, work)


def _tell(context: dg.OpExecutionContext, done: list[list[Any]]) -> None:
    context.add_output_metadata(
        {
            "sources": len(done),
            "judged": sum(line[2] for line in done),
            "content": metadata.markdown_table(["bron", "nieuw", "beoordeeld"], done),
        }
    )


def _contract(source: str) -> Contract:
    if source not in source_names():
        raise _refused(f"no contract '{source}'; known: {', '.join(source_names())}")
    return load(source)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise _refused(f"'{text}' is not a day; write it as 2026-01-31") from None


def _refused(told: str) -> dg.Failure:
    return dg.Failure(description=told, allow_retries=False)
