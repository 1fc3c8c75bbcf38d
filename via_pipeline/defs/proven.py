"""The check that nothing hidden can be worked out, for the BI release and for every edition.

Belongs here: the check's words, and what it tells of a proof that failed or passed. Does not belong
here: the proof (``disclosure.proof``). Nothing here names a figure or tells how large one is: a
failed check says which dataset and rule, and where checkers find the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from via_pipeline.defs import guard

if TYPE_CHECKING:
    from via_pipeline.disclosure.proof import NotSafe

T = TypeVar("T")

NAME = "niet_te_herleiden"
_TO_DO = (
    "Wat te doen: een controleur ziet in audit__interval (uitgave {release}_geweigerd) om welke "
    "cijfers het gaat. Meestal is er iets toegevoegd dat met iets anders samenhangt: noem dat "
    "verband onder 'links' in disclosure/datasets.yaml, of maak de dataset grover ('only', "
    "'detail', minder uitsplitsingen). Dwingt een eerder gepubliceerd cijfer hiertoe, trek die "
    "uitgave dan in (via release withdraw). Daarna opnieuw: via run. / A checker finds the figures "
    "in audit__interval; declare the tie or drop detail in datasets.yaml, then run again."
)


def spec(asset: str) -> dg.AssetCheckSpec:
    """The check on ``asset``."""
    return dg.AssetCheckSpec(
        NAME,
        asset=asset,
        description=(
            "Geen verborgen cijfer is nauwkeuriger af te leiden dan zijn regel toelaat, uit alles "
            "wat gepubliceerd is of wordt. / No hidden figure can be known better than its rule "
            "allows; else nothing is replaced."
        ),
    )


def guarded(
    context: dg.AssetExecutionContext, asset: str, release: str, call: Callable[[], T]
) -> Iterator[T | dg.AssetCheckResult]:
    """What ``call`` gives; or, where its proof fails, the failed check and then the failure.

    Raises:
        StepFailed: see ``guard.told``.
    """
    from via_pipeline.disclosure.proof import NotSafe

    refused: list[NotSafe] = []

    def attempt() -> T:
        try:
            return call()
        except NotSafe as error:
            refused.append(error)
            raise

    try:
        yield guard.told(context, attempt)
    except guard.StepFailed:
        if refused:
            yield failed(asset, release, refused[0])
        raise


def passed(
    asset: str, release: str, summary: Mapping[str, Mapping[str, int]], note: str | None = None
) -> dg.AssetCheckResult:
    """The check after a proof that held; ``summary`` are its counts per dataset."""
    return dg.AssetCheckResult(
        passed=True,
        check_name=NAME,
        asset_key=dg.AssetKey(asset),
        description=note,
        metadata={
            "release": release,
            "intervals": sum(found.get("intervallen", 0) for found in summary.values()),
            "too_narrow": 0,
        },
    )


def failed(asset: str, release: str, error: NotSafe) -> dg.AssetCheckResult:
    """The check after a proof that failed: how many, of which dataset and rule, what to do."""
    from via_pipeline.defs.metadata import markdown_table

    many = sum(error.counts.values())
    where = "; ".join(f"{what}: {count}" for what, count in error.counts.items())
    metadata: dict[str, Any] = {
        "release": release,
        "too_narrow": many,
        "where": markdown_table(["dataset (regel)", "cijfers"], error.counts.items()),
    }
    return dg.AssetCheckResult(
        passed=False,
        check_name=NAME,
        asset_key=dg.AssetKey(asset),
        severity=dg.AssetCheckSeverity.ERROR,
        description=(
            f"{release}: {many} cijfers zouden af te leiden zijn ({where}). Er is niets vervangen. "
            + _TO_DO.format(release=release)
        ),
        metadata=metadata,
    )
