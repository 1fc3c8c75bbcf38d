"""Generate deliveries of every source, at any scale: ``generate(out, scale=1, seed=2020)``.

Belongs here: which source is made by which function and written in which format. Does not belong
here: what is in the rows (``schools``, ``employers``, ``jobseekers``) or the list of deliveries
(``schedule``). Same seed and scale: same bytes, whatever the machine, the order or the locale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from via_pipeline.contracts import codelists, model
from via_pipeline.contracts.model import Contract
from via_pipeline.contracts.rules import needs_codelists
from via_pipeline.samples import employers, jobseekers, schools, workbooks, writers
from via_pipeline.samples.cells import Columns, Damage, Tables
from via_pipeline.samples.faults import Damager
from via_pipeline.samples.schedule import SHIPPED, UNKNOWN_SOURCE, Sample
from via_pipeline.storage.atomic import write_text

SHIPPED_SEED = 2020

_README = """# Leveringen (voorbeelden)

Alles in deze map is **SYNTHETISCH**: gemaakt door `via_pipeline.samples` (seed {seed}, schaal
{scale:g}). De personen bestaan niet, de nummers zijn geteld en niet opgezocht, en geen enkel
verschil in deze bestanden is een uitkomst van het programma VIA.

Indeling: `<bron>/<datum van ontvangst>/<bestand>`. Er zitten met opzet een herlevering, een
dubbele, een late en een aantal foute leveringen tussen; `via_pipeline/samples/schedule.py` zegt
welke, `via_pipeline/samples/truth.py` welke aandelen en verschillen erin zijn gelegd.

Opnieuw maken: `python -m via_pipeline.samples`.
"""
_P3_TITLES = (
    "Pilot Nudging in werving en selectie: sollicitaties {werkgever}",
    writers.SYNTHETIC,
    "Periode {periode}",
    "",
)
_P3_GROUPS = (("", 1), ("Vacature", 3), ("Sollicitant", 1), ("", 1), ("Uitkomst", 3))
_ZIP_MEMBERS = {
    "student": "studenten.csv",
    "controletotaal": "controletotalen.csv",
    "deelnemer": "deelnemers.csv",
    "meting": "metingen.csv",
}


def generate(
    out: Path,
    *,
    scale: float = 1,
    seed: int = SHIPPED_SEED,
    sources: Iterable[str] | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:
    """Write the deliveries of ``sources`` (default: all) below ``out``; return their paths.

    ``scale`` multiplies the number of people; the faults and the two organisations at the boundary
    of the Barometer stay as they are. CSV, ZIP and Parquet are streamed: at scale 1000 P7 has
    7 million rows and P4 some 15 million. ``tell`` hears how many files are done, of how many.

    Raises:
        ValueError: an unknown source, a scale that is not positive, or more people than numbers.
    """
    known = {sample.source for sample in SHIPPED}
    chosen = known if sources is None else set(sources)
    if unknown := chosen - known:
        raise ValueError(f"no samples for {sorted(unknown)}; there are {sorted(known)}")
    if not scale > 0:
        raise ValueError(f"scale must be positive, not {scale}")
    write_text(out / "README.md", _README.format(seed=seed, scale=scale))
    wanted = [sample for sample in SHIPPED if sample.source in chosen]
    paths: list[Path] = []
    for sample in wanted:
        tell(len(paths), len(wanted))
        path = out / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, sample, scale, seed)
        paths.append(path)
    tell(len(paths), len(wanted))
    return paths


def rows(sample: Sample, *, scale: float = 1, seed: int = SHIPPED_SEED) -> Tables:
    """The rows of one delivery, with its planted faults, before any format.

    Tables must be consumed in order: control totals are counted while their rows pass.
    """
    contract = model.load(sample.source)
    # The name may carry a wrong version on purpose; its fields are the same.
    fields = contract.delivery.match(sample.file) or {}
    return _tables(sample, fields, scale, seed)


def _tables(sample: Sample, fields: Mapping[str, str], scale: float, seed: int) -> Tables:
    damage: Damage = Damager(sample.faults, sample.renamed)
    match sample.source:
        case "p1_studiekeuze":
            return schools.pupils(seed, scale, fields, damage)
        case "p2_mbo":
            return schools.students(seed, scale, fields, damage, sample.total_off_by)
        case "p3_nudging":
            return employers.applicants(seed, scale, fields, sample.until, damage)
        case "p4_barometer":
            return employers.jobs(seed, scale, fields, damage)
        case "p5_behoud":
            return employers.employees(seed, scale, fields, sample.until, damage)
        case "p6_leren_werken":
            return jobseekers.tracks(seed, scale, fields, damage)
        case "p7_ww":
            return jobseekers.spells(seed, scale, fields, sample.until, damage)
        case "p8_begeleiding":
            return jobseekers.guidance(seed, scale, fields, sample.until, damage)
    raise ValueError(f"no generator for {sample.source}")


def _write(path: Path, sample: Sample, scale: float, seed: int) -> None:
    if sample.source == UNKNOWN_SOURCE:
        writers.csv(path, _of_an_unknown_pilot())
        return
    contract = model.load(sample.source)
    fields = contract.delivery.match(sample.file)
    if fields is None:
        raise ValueError(f"{sample.file} is not a name of {sample.source}")
    tables = _tables(sample, fields, scale, seed)
    if path.suffix == ".zip":
        writers.zipped(path, tables, {name: _ZIP_MEMBERS[name] for name in tables})
        return
    ((name, pieces),) = tables.items()
    table = contract.table(name)
    match path.suffix:
        case ".csv":
            _write_csv(path, pieces, contract, sample.encoding)
        case ".parquet":
            writers.parquet(path, pieces, table)
        case ".sav":
            writers.sav(path, pieces, table, _codelists(contract))
        case ".xlsx":
            workbooks.xlsx(
                path,
                pieces,
                table,
                sheet=contract.delivery.members[name],
                titles=[title.format(**fields) for title in _P3_TITLES],
                groups=_P3_GROUPS,
            )
        case ".ods":
            workbooks.ods(path, pieces, table, sheet=contract.delivery.members[name])
        case other:
            raise ValueError(f"no writer for {other}")


def _write_csv(
    path: Path, pieces: Iterator[Columns], contract: Contract, encoding: str | None
) -> None:
    agreed = contract.delivery.csv.encodings
    windows = "cp1252" in agreed
    writers.csv(
        path,
        pieces,
        delimiter=contract.delivery.csv.delimiters[0],
        # Excel's UTF-8 carries a mark; where the contract knows it, the partner uses Excel.
        encoding=encoding or ("utf-8-sig" if "utf-8-sig" in agreed else agreed[0]),
        newline="\r\n" if windows else "\n",
    )


def _codelists(contract: Contract) -> dict[str, codelists.CodeList]:
    """The contract's own lists; the large ones of data/reference have no labels in a ``.sav``."""
    names = {name for table in contract.tables for name in needs_codelists(table)}
    return {name: codelists.load(name, Path()) for name in sorted(names)}


def _of_an_unknown_pilot() -> Iterator[Columns]:
    yield {"regel": pa.array(["1", "2"]), "tekst": pa.array([writers.SYNTHETIC, "proefballon"])}
