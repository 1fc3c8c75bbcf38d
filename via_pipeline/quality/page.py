"""The validation report pages: HTML made of GX's results, without any outside resource.

Belongs here: one page a delivery and one that lists them. Does not belong here: the report to the
partner (``report.py``). GX's own Data Docs load styles and scripts from the network and are not
used. The same results give the same bytes; no page holds a cell's value.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from via_pipeline.contracts.model import Contract
from via_pipeline.contracts.rules import RAW, SHAPE, TYPED
from via_pipeline.intake.records import StagedDelivery
from via_pipeline.quality.report import CONSEQUENCES, VERDICTS
from via_pipeline.quality.results import ValidationResult, Verdict
from via_pipeline.quality.verdict import INTAKE
from via_pipeline.storage.atomic import write_text

INDEX = "index.html"
EXAMPLES = 20

_TITLES = {
    INTAKE: "Bevindingen bij het lezen",
    SHAPE: "Kolommen van het bestand",
    RAW: "Gegevens zoals aangeleverd",
    TYPED: "Betekenis van de gegevens",
}
_TONES = {
    Verdict.ACCEPTED: "goed",
    Verdict.ACCEPTED_WITH_WARNINGS: "let-op",
    Verdict.REJECTED: "fout",
}


def path_of(reports: Path, delivery_id: str) -> Path:
    """Where the page of a delivery lies."""
    return reports / "validation" / f"{delivery_id}.html"


def write(
    reports: Path, contract: Contract, staged: StagedDelivery, result: ValidationResult
) -> None:
    """Write the page of one delivery."""
    groups = [
        (title, [rule for rule in result.rules if rule.suite == suite])
        for suite, title in _TITLES.items()
    ]
    html = (
        _environment()
        .get_template("delivery.html.j2")
        .render(
            contract=contract,
            staged=staged,
            result=result,
            passed=sum(rule.passed for rule in result.rules),
            drift=[(table.table, text) for table in staged.tables for text in table.drift],
            groups=[(title, rules) for title, rules in groups if rules],
            verdicts=VERDICTS,
            consequences=CONSEQUENCES,
            tones=_TONES,
            examples=EXAMPLES,
        )
    )
    write_text(path_of(reports, result.delivery_id), html)


def write_index(reports: Path, results: Sequence[ValidationResult]) -> None:
    """Write the page that lists ``results``, by source and file name."""
    ordered = sorted(results, key=lambda item: (item.source, item.file_name, item.delivery_id))
    html = (
        _environment()
        .get_template("index.html.j2")
        .render(
            results=ordered,
            pages={r.delivery_id for r in ordered if path_of(reports, r.delivery_id).exists()},
            verdicts=VERDICTS,
            tones=_TONES,
        )
    )
    write_text(reports / "validation" / INDEX, html)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("via_pipeline.quality", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
