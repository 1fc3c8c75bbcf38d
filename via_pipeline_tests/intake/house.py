"""A small installation for tests of intake: folders, a fixed key, files that the tests write."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from via_pipeline.contracts.model import SOURCES, Contract, load
from via_pipeline.intake.ledger import Ledger, LedgerRow
from via_pipeline.intake.pseudonym import Key
from via_pipeline.intake.records import StagedDelivery, read_record, staging
from via_pipeline.intake.run import IntakeSummary, take_in
from via_pipeline.storage.home import Home
from via_pipeline_tests.intake.contracts import add_codelist

REFERENCE = Path(__file__).parents[2] / "data" / "reference"
KEY = Key(bytes(range(32)))
NOW = datetime(2021, 6, 1, 12, 0, tzinfo=UTC)

P5_HEADER = (
    "personeelsnummer",
    "jaar",
    "leeftijdsklasse",
    "herkomst_oud",
    "functieniveau",
    "functienaam",
    "datum_in_dienst",
    "promotie",
    "datum_uit_dienst",
    "reden_uit_dienst",
    "deeltijdfactor",
)


def p5_row(number: int, **changes: str) -> dict[str, str]:
    """A row of P5 without faults; ``changes`` replace cells."""
    return {
        "personeelsnummer": f"{100000 + number}",
        "jaar": "2018",
        "leeftijdsklasse": "25-34",
        "herkomst_oud": "westers",
        "functieniveau": "2",
        "functienaam": "medewerker",
        "datum_in_dienst": "01-02-2010",
        "promotie": "N",
        "datum_uit_dienst": "",
        "reden_uit_dienst": "",
        "deeltijdfactor": "0,80",
    } | changes


def p5_text(rows: list[dict[str, str]], header: tuple[str, ...] = P5_HEADER) -> str:
    """The CSV text of P5 rows."""
    lines = [";".join(header), *(";".join(row[name] for name in P5_HEADER) for row in rows)]
    return "\r\n".join(lines) + "\r\n"


P5_NAME = "p5_behoud_{werkgever}_2018_v1.csv"


@dataclass
class House:
    """One installation below ``tmp_path``."""

    home: Home
    sources: Path = SOURCES

    @classmethod
    def build(cls, tmp_path: Path, sources: Path = SOURCES) -> House:
        """Folders with the real reference lists."""
        home = Home(tmp_path / "via", tmp_path / "data")
        shutil.copytree(REFERENCE, home.data / "reference")
        add_codelist(home.data / "reference")
        return cls(home, sources)

    def copied(self, tmp_path: Path) -> House:
        """The same installation once more, below ``tmp_path``: for a test that changes it."""
        home = Home(tmp_path / "via", tmp_path / "data")
        for one, other in ((self.home.root, home.root), (self.home.data, home.data)):
            shutil.copytree(one, other, symlinks=True)
        return House(home, self.sources)

    def contract(self, source: str) -> Contract:
        return load(source, self.sources)

    def land(
        self, source: str, name: str, content: bytes | str, received: str = "2019-02-01"
    ) -> Path:
        """Write a file into landing."""
        path = self.home.landing / source / received / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("cp1252") if isinstance(content, str) else content)
        return path

    def take_in(self, source: str, run_id: str = "run-1", now: datetime = NOW) -> IntakeSummary:
        return take_in(
            self.home, self.contract(source), run_id=run_id, now=now, settle_seconds=0, key=KEY
        )

    def rows(self, source: str) -> dict[str, LedgerRow]:
        """Ledger rows by file name."""
        return {row.file_name: row for row in Ledger(self.home.ledger).rows(source)}

    def staged(self, source: str, name: str) -> StagedDelivery:
        row = self.rows(source)[name]
        return read_record(staging(self.home.lake, row.delivery_id))

    def parquet(self, staged: StagedDelivery, table: str) -> Path:
        found = next(item for item in staged.tables if item.table == table)
        assert found.parquet is not None
        return self.home.lake / found.parquet
