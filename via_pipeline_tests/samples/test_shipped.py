"""The shipped set is what the generator makes, everywhere, and has what the walk needs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from via_pipeline.contracts import codelists, model, rules
from via_pipeline.samples import generate as generator
from via_pipeline.samples.schedule import SHIPPED, UNKNOWN_SOURCE, Sample

ROOT = Path(__file__).parents[2]
LANDING = ROOT / "data" / "landing"
THIRD_LETTER = "2020-11-09"


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_landing_is_what_the_generator_makes_byte_for_byte(tmp_path: Path) -> None:
    generator.generate(tmp_path)
    assert _hashes(tmp_path) == _hashes(LANDING)


def test_order_time_zone_locale_and_hash_seed_change_nothing(tmp_path: Path) -> None:
    """Sources one by one, the other way round, in another process with another environment."""
    order = sorted({sample.source for sample in SHIPPED}, reverse=True)
    code = (
        "import sys, pathlib; from via_pipeline.samples.generate import generate\n"
        "for name in sys.argv[2:]: generate(pathlib.Path(sys.argv[1]), sources=[name])"
    )
    environment = os.environ | {
        "TZ": "Pacific/Kiritimati",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": str(ROOT),
    }
    subprocess.run([sys.executable, "-c", code, str(tmp_path), *order], check=True, env=environment)
    assert _hashes(tmp_path) == _hashes(LANDING)


def test_set_is_small() -> None:
    assert sum(path.stat().st_size for path in LANDING.rglob("*") if path.is_file()) < 4_000_000


def test_everything_says_that_it_is_synthetic() -> None:
    assert all("_synthetisch_" in sample.file for sample in SHIPPED)
    assert "SYNTHETISCH" in (LANDING / "README.md").read_text(encoding="utf-8")


def test_every_name_is_of_its_contract() -> None:
    for sample in SHIPPED:
        if sample.source != UNKNOWN_SOURCE:
            contract = model.load(sample.source)
            fields = contract.delivery.match(sample.file)
            assert fields is not None, sample.file
            assert contract.delivery.peildatum_of(fields).isoformat() < sample.received


def test_third_letter_has_deliveries_before_and_after_it() -> None:
    good = [sample for sample in SHIPPED if sample.expected == "accepted"]
    sources = {name for name in model.source_names() if name.startswith("p")}
    before = {sample.source for sample in good if sample.received <= THIRD_LETTER}
    after = {sample.source for sample in good if sample.received > THIRD_LETTER}
    assert before == sources
    assert after == sources


def test_there_are_employers_and_organisations_as_the_pilots_had_them() -> None:
    good = [sample for sample in SHIPPED if sample.expected == "accepted"]

    def found(source: str, field: str) -> set[str]:
        delivery = model.load(source).delivery
        return {(delivery.match(s.file) or {})[field] for s in good if s.source == source}

    assert len(found("p3_nudging", "werkgever")) == 19
    assert len(found("p5_behoud", "werkgever")) == 5
    assert found("p6_leren_werken", "locatie") == {"utrecht", "liander", "nova", "spoor"}


def test_each_kind_of_trouble_is_in_the_set() -> None:
    reasons = {sample.reason for sample in SHIPPED if sample.expected == "rejected"}
    assert reasons == {
        "bestand__codering",
        "bestand__contractversie",
        "bestand__onbekende_bron",
        "controletotaal__klopt",
        "quarantaine",
        "tabel__kolommen",
    }
    assert sum(sample.expected == "duplicate" for sample in SHIPPED) == 3
    assert sum(sample.revises for sample in SHIPPED) == 3


def test_one_duplicate_is_exact_and_two_are_in_another_form() -> None:
    for sample in SHIPPED:
        if sample.expected != "duplicate":
            continue
        stem = sample.file.rsplit(".", 1)[0]
        originals = [
            other
            for other in SHIPPED
            if other.file.startswith(stem) and other.received < sample.received
        ]
        (original,) = originals
        is_exact = (LANDING / sample.path).read_bytes() == (LANDING / original.path).read_bytes()
        assert is_exact == (sample.source == "p3_nudging")


def test_revisions_hold_other_rows_under_the_same_name() -> None:
    for sample in SHIPPED:
        if sample.revises:
            earlier = [
                other
                for other in SHIPPED
                if other.file == sample.file and other.received < sample.received
            ]
            assert earlier
            assert all(
                (LANDING / other.path).read_bytes() != (LANDING / sample.path).read_bytes()
                for other in earlier
            )


def _cases() -> list[tuple[Sample, int]]:
    return [(sample, index) for sample in SHIPPED for index in range(len(sample.faults))]


@pytest.mark.parametrize(
    ("sample", "index"), _cases(), ids=[f"{s.file}-{s.faults[i].column}-{i}" for s, i in _cases()]
)
def test_planted_fault_is_in_the_rows_and_names_a_rule_of_the_contract(
    sample: Sample, index: int
) -> None:
    fault = sample.faults[index]
    contract = model.load(sample.source)
    table = contract.table(fault.table)
    lists = {
        name: codelists.load(name, ROOT / "data" / "reference")
        for name in rules.needs_codelists(table)
    }
    assert fault.rule in {rule.id for rule in rules.rules_of(contract, table, lists)}
    texts: list[str] = []
    for name, pieces in generator.rows(sample).items():
        for piece in pieces:
            if name == fault.table:
                texts += piece[fault.column].to_pylist()
    places = fault.hits(0, len(texts))
    assert places
    for place in places:
        expected = texts[place - 1] if fault.text is None else fault.text
        assert texts[place] == expected


def test_control_totals_are_false_only_where_planted() -> None:
    for sample in SHIPPED:
        if sample.source != "p2_mbo":
            continue
        with zipfile.ZipFile(LANDING / sample.path) as archive:
            students = len(archive.read("studenten.csv").decode().splitlines()) - 1
            totals = dict(
                line.split(";")
                for line in archive.read("controletotalen.csv").decode().splitlines()[1:]
            )
        assert int(totals["aantal_studenten"]) - students == sample.total_off_by
