import csv
import hashlib
import json
import re
import subprocess
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from frictionless import validate

from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.run import protect
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import contents
from via_pipeline.letters.package import write_package
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.disclosure import tables

EDITION = Edition(
    date(2020, 11, 9), "derde", "Voortgang programma VIA 2020", "29 544, nr. 1029", "bron"
)
ORIGIN = {"leesdatum": "2020-11-09", "leveringen": [], "contracten": []}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    found = tables.home_in(tmp_path_factory.mktemp("brief"))
    tables.example(found)
    protect(found)
    return found


def written(home, folder):
    folder.mkdir()
    with work() as connection:
        for name in dictionary.tables():
            lake.view(connection, home.lake, f"disclosure__{name}")
        write_package(connection, EDITION, ORIGIN, folder)
        rows = {
            content.name: connection.execute(content.query).fetchall() for content in contents()
        }
    return folder, rows


@pytest.fixture
def package(home, tmp_path):
    return written(home, tmp_path / "derde")


def cast(text, kind):
    if text == "":
        return None
    return {
        "string": str,
        "integer": int,
        "number": Decimal,
        "date": date.fromisoformat,
        "boolean": {"true": True, "false": False}.__getitem__,
    }[kind](text)


def descriptor_of(folder):
    return json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))


def test_frictionless_finds_the_package_valid(package):
    folder, _ = package
    report = validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])
    assert len(report.tasks) == len(contents())


def test_frictionless_notices_one_changed_cell(package):
    folder, _ = package
    path = folder / "voorlopige_resultaten.csv"
    content = path.read_bytes()
    assert b",330," in content
    path.write_bytes(content.replace(b",330,", b",331,", 1))
    report = validate(str(folder / "datapackage.json"))
    assert not report.valid
    assert {kind for (kind,) in report.flatten(["type"])} == {"hash-count"}


def test_csv_and_parquet_and_table_hold_the_same(package):
    folder, rows = package
    for resource in descriptor_of(folder)["resources"]:
        kinds = [field["type"] for field in resource["schema"]["fields"]]
        with (folder / resource["path"]).open(encoding="utf-8", newline="") as handle:
            header, *cells = csv.reader(handle)
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        read = [
            tuple(cast(text, kind) for text, kind in zip(row, kinds, strict=True)) for row in cells
        ]
        assert read == rows[resource["name"]]
        with duckdb.connect() as connection:
            twin = connection.execute(
                "FROM read_parquet(?)", [str(folder / resource["ook_als"][0]["path"])]
            ).fetchall()
        assert twin == read
        assert resource["rijen"] == len(read)


def test_csv_is_rfc_4180(package):
    folder, _ = package
    content = (folder / "vervolgstappen.csv").read_bytes()
    assert content.endswith(b"\r\n") and not content.startswith(b"\xef\xbb\xbf")
    assert b'"SZW, ""ProRail"""' in content
    assert b'"aandacht\nin de brief"' in content
    assert all(line.endswith(b"\r") or b'"aandacht' in line for line in content.split(b"\n")[:-1])


def test_the_state_has_one_row_per_pilot_and_the_sites_stand_apart(package):
    _, rows = package
    assert [row[:2] for row in rows["stand_van_zaken"]] == [("P6", "alle"), ("P8", "alle")]
    assert [row[:2] for row in rows["stand_per_locatie"]] == [("P6", "liander"), ("P6", "utrecht")]


def test_the_descriptor_describes_every_column_in_dutch_and_says_what_is_synthetic(package):
    folder, _ = package
    found = descriptor_of(folder)
    assert found["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert found["synthetisch"] is True and "synthetische" in found["description"]
    assert found["licenses"] and found["sources"]
    for resource in found["resources"]:
        assert all(field["description"] for field in resource["schema"]["fields"])
        assert resource["synthetisch"] == ("synthetische" in resource["description"])
        assert (
            resource["hash"]
            == "sha256:" + hashlib.sha256((folder / resource["path"]).read_bytes()).hexdigest()
        )
        assert resource["bytes"] == (folder / resource["path"]).stat().st_size
        status = next(f for f in resource["schema"]["fields"] if f["name"] == "waarde_status")
        assert [item["value"] for item in status["categories"]] == list("zxcku")
    synthetic = {item["name"] for item in found["resources"] if item["synthetisch"]}
    assert synthetic == {
        "stand_van_zaken",
        "stand_per_locatie",
        "voorlopige_resultaten",
        "vergelijkingen",
        "culturele_diversiteit",
        "bereik",
    }


def test_the_sums_hold_for_every_file(package):
    folder, _ = package
    told = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[1] for line in told] == sorted(
        path.name for path in folder.iterdir() if path.name != "SHA256SUMS"
    )
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False
    )
    assert checked.returncode == 0


def test_the_same_tables_give_the_same_bytes_and_no_moment_of_a_run(home, package, tmp_path):
    folder, _ = package
    other, _ = written(home, tmp_path / "weer")
    for path in sorted(folder.iterdir()):
        assert (other / path.name).read_bytes() == path.read_bytes(), path.name
        if path.suffix in (".json", ".md"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"[T ]\d\d:\d\d", text), path.name
            assert "/tmp" not in text and str(tmp_path) not in text


def test_nothing_hidden_stands_in_any_file(package):
    # 4 participants at liander, intake, westers: hidden in each of its three measures.
    folder, rows = package
    hidden = [
        row
        for row in rows["voorlopige_resultaten"]
        if row[2] == "liander" and row[5] == "intake×westers"
    ]
    assert len(hidden) == 3
    assert all(row[10:13] == (None, None, None) and row[-2] == "c" for row in hidden)
    text = (folder / "voorlopige_resultaten.csv").read_text(encoding="utf-8")
    assert re.search(r"liander,.*intake×westers,baan,.*,,,,theorie", text)


def test_the_readme_is_dutch_and_lists_every_dataset_with_its_rules(package):
    folder, _ = package
    text = (folder / "LEESMIJ.md").read_text(encoding="utf-8")
    assert text.startswith("# Voortgang programma VIA 2020\n")
    assert all(f"`{content.name}.csv`" in text for content in contents())
    assert "Kamerstuk 29 544, nr. 1029" in text and "synthetische" in text
    assert all(meaning in text for meaning in dictionary.symbols().values())
    assert "{{" not in text and "None" not in text
