import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile

import duckdb
import pytest
from frictionless import validate

from via_pipeline.disclosure import dictionary
from via_pipeline.letters import archive
from via_pipeline.letters.content import CellClash, contents, own_table, read
from via_pipeline.storage import sums
from via_pipeline_tests import locales
from via_pipeline_tests.journeys.house import PROJECT
from via_pipeline_tests.letters import packages

OWN = ["wijzigingen", "rekenwijze", "codelijst"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return packages.home_in(tmp_path_factory.mktemp("brief"))


@pytest.fixture(scope="module")
def package(home, tmp_path_factory):
    return packages.make(home, tmp_path_factory.mktemp("pakket") / "derde")


def test_frictionless_finds_the_package_valid(package):
    report = validate(str(package.folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])
    assert len(report.tasks) == len(contents()) + len(OWN)


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        (b",330,", b",331,", {"hash-count"}),
        (b",330,", b",3x0,", {"hash-count", "type-error"}),
        (b",aandeel,", b",verzonnen,", {"hash-count", "byte-count", "constraint-error"}),
    ],
)
def test_frictionless_notices_one_changed_cell(package, tmp_path, old, new, kinds):
    folder = shutil.copytree(package.folder, tmp_path / "derde")
    path = folder / "voorlopige_resultaten.csv"
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    report = validate(str(folder / "datapackage.json"))
    assert not report.valid
    assert {kind for (kind,) in report.flatten(["type"])} == kinds


def test_csv_and_parquet_and_table_hold_the_same(package):
    for resource in package.descriptor["resources"]:
        header, rows = packages.read_csv(package, resource)
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        if resource["name"] in package.rows:
            assert rows == package.rows[resource["name"]]
        with duckdb.connect() as connection:
            twin = connection.execute(
                "FROM read_parquet(?)", [str(package.folder / resource["ook_als"][0]["path"])]
            ).fetchall()
        assert twin == rows
        assert resource["rijen"] == len(rows)


def test_csv_is_rfc_4180(package):
    content = (package.folder / "vervolgstappen.csv").read_bytes()
    assert content.endswith(b"\r\n") and not content.startswith(b"\xef\xbb\xbf")
    assert b'"SZW, ""ProRail"""' in content
    assert b'"aandacht\nin de brief"' in content
    assert all(line.endswith(b"\r") or b'"aandacht' in line for line in content.split(b"\n")[:-1])


def test_the_csv_for_excel_is_dutch_and_holds_the_same_values(package):
    for resource in package.descriptor["resources"]:
        _, rows = packages.read_csv(package, resource)
        path = package.folder / resource["ook_als"][1]["path"]
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        with path.open(encoding="utf-8-sig", newline="") as handle:
            _, *cells = csv.reader(handle, delimiter=";")
        kinds = [field["type"] for field in resource["schema"]["fields"]]
        english = [
            tuple(
                packages.cast(_english(text, kind), kind)
                for text, kind in zip(row, kinds, strict=True)
            )
            for row in cells
        ]
        assert english == rows, resource["name"]
    text = (package.folder / "csv-excel" / "voorlopige_resultaten.csv").read_text("utf-8-sig")
    assert ";330,0000;" in text and ";31-12-2020;" in text and ";WAAR;" in text


def _english(text, kind):
    match kind:
        case "number":
            return text.replace(",", ".")
        case "date" if text:
            return "-".join(reversed(text.split("-")))
        case "boolean":
            return {"WAAR": "true", "ONWAAR": "false", "": ""}[text]
        case _:
            return text


def test_the_state_has_one_row_per_pilot_and_the_sites_stand_apart(package):
    assert [row[:2] for row in package.rows["stand_van_zaken"]] == [("P6", "alle"), ("P8", "alle")]
    assert [row[:2] for row in package.rows["stand_per_locatie"]] == [
        ("P6", "liander"),
        ("P6", "utrecht"),
    ]


def test_a_result_says_how_definite_it_is(package):
    resource = next(r for r in package.descriptor["resources"] if r["name"].endswith("resultaten"))
    header, rows = packages.read_csv(package, resource)
    assert {row[header.index("status")] for row in rows} == {"voorlopig"}
    assert {row[header.index("claim")] for row in rows} == {"beschrijvend"}


def test_the_descriptor_describes_every_column_in_dutch_and_says_what_is_synthetic(package):
    found = package.descriptor
    assert found["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert found["synthetisch"] is True and "synthetische" in found["description"]
    assert found["licenses"] and found["sources"]
    for resource in found["resources"]:
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert all(field["description"] for field in fields.values())
        assert resource["synthetisch"] == ("synthetische" in resource["description"])
        content = (package.folder / resource["path"]).read_bytes()
        assert resource["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert resource["bytes"] == len(content)
        assert resource["schema"]["missingValues"] == [
            {"value": "", "label": "Ontbreekt; waarde_status zegt waarom"}
        ]
        assert set(resource["schema"]["primaryKey"]) <= set(fields)
        if resource["name"] in OWN:
            continue
        assert [item["value"] for item in fields["waarde_status"]["categories"]] == list("zxcku")
        assert resource["schema"]["uniqueKeys"] == [["cel"]]
        assert set(resource["cijfers"]) <= set(fields)
    synthetic = {item["name"] for item in found["resources"] if item["synthetisch"]}
    assert synthetic == {
        "stand_van_zaken",
        "stand_per_locatie",
        "voorlopige_resultaten",
        "vergelijkingen",
        "covid19_gebeurtenissen",
        "culturele_diversiteit",
        "bereik",
        "leveringskwaliteit",
    }


def test_the_descriptor_lists_the_workbooks_with_their_hashes(package):
    books = package.descriptor["werkboeken"]
    assert [book["path"] for book in books] == [
        "via-derde.xlsx",
        "via-derde.ods",
        "via-derde.duckdb",
    ]
    for book in books:
        content = (package.folder / book["path"]).read_bytes()
        assert book["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()


def test_the_duckdb_file_holds_every_table_with_dutch_comments(package):
    with duckdb.connect(str(package.folder / "via-derde.duckdb"), read_only=True) as connection:
        for resource in package.descriptor["resources"]:
            _, rows = packages.read_csv(package, resource)
            assert connection.execute(f"FROM {resource['name']}").fetchall() == rows
        said = connection.execute("SELECT comment FROM duckdb_tables()").fetchall()
        words = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert all(comment for (comment,) in [*said, *words])
    header = (package.folder / "via-derde.duckdb").read_bytes()[:64]
    assert header[8:12] == b"DUCK" and header[12] == 64, "not storage version v1.0.0"


def test_the_sums_hold_for_every_file_in_every_folder(package):
    told = (package.folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[1] for line in told] == sorted(
        path.relative_to(package.folder).as_posix()
        for path in package.folder.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    )
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=package.folder,
        check=False,
    )
    assert checked.returncode == 0


def test_the_same_tables_give_the_same_bytes_and_no_moment_of_a_run(home, package, tmp_path):
    other = packages.make(home, tmp_path / "derde").folder
    files = sorted(path for path in package.folder.rglob("*") if path.is_file())
    for path in files:
        twin = other / path.relative_to(package.folder)
        assert twin.read_bytes() == path.read_bytes(), path.name
        if path.suffix in (".json", ".jsonld", ".ttl", ".md", ".csv"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\d[T ]\d\d:\d\d", text), path.name
            assert "/tmp" not in text and str(tmp_path) not in text
    archive.of_folder(tmp_path / "een.zip", package.folder, packages.EDITION.reading_date)
    for path in other.rglob("*"):
        path.touch()
        path.chmod(0o700)
    archive.of_folder(tmp_path / "twee.zip", other, packages.EDITION.reading_date)
    assert (tmp_path / "een.zip").read_bytes() == (tmp_path / "twee.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "een.zip") as found:
        assert found.testzip() is None
        assert found.namelist() == [
            f"derde/{path.relative_to(package.folder).as_posix()}" for path in files
        ]
        assert {info.date_time for info in found.infolist()} == {(2020, 11, 9, 0, 0, 0)}


# Every category of the locale is put in force, numbers too, as a library may do on its own.
MAKE = """
import locale, sys
from pathlib import Path
print(locale.setlocale(locale.LC_ALL, ""), locale.localeconv()["decimal_point"])
from via_pipeline.storage.home import Home
from via_pipeline_tests.letters import packages
home, data, folder = map(Path, sys.argv[1:])
packages.make(Home(home, data), folder)
"""


def test_another_process_in_another_time_zone_and_locale_gives_the_same_bytes(
    home, package, tmp_path
):
    done = subprocess.run(
        [sys.executable, "-c", MAKE, home.root, home.data, tmp_path / "derde"],
        env=os.environ
        | {"TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "7", "PYTHONPATH": str(PROJECT)}
        | locales.made(tmp_path / "locales", "nl_NL"),
        cwd=tmp_path,
        timeout=300,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "nl_NL.UTF-8 ,", "not the locale that was asked for"
    assert sums.actual(tmp_path / "derde") == sums.actual(package.folder)
    assert sums.folder_hash(tmp_path / "derde") == sums.folder_hash(package.folder)


def test_nothing_hidden_stands_in_any_file(package):
    # 4 participants at liander, intake, westers: hidden in each of its three measures.
    hidden = [
        row
        for row in package.rows["voorlopige_resultaten"]
        if row[2] == "liander" and row[5] == "intake×westers"
    ]
    assert len(hidden) == 3
    assert all(row[10:13] == (None, None, None) and row[-3] == "c" for row in hidden)
    text = (package.folder / "voorlopige_resultaten.csv").read_text(encoding="utf-8")
    assert re.search(r"liander,.*intake×westers,baan,.*,,,,theorie", text)


def test_rows_of_deliveries_are_told_in_hundreds_and_a_few_not_at_all(package):
    resource = next(r for r in package.descriptor["resources"] if r["name"] == "leveringskwaliteit")
    header, rows = packages.read_csv(package, resource)
    told = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["rijen"], row["waarde_status"]) for row in told] == [(500, None), (None, "k")]
    assert [row["quarantaine_pct"] for row in told] == [2, None]
    assert (told[0]["verwacht"], told[0]["te_laat"], told[0]["ontbreekt"]) == (4, 1, 1)


def test_the_readme_is_dutch_and_lists_every_dataset_with_its_rules(package):
    text = (package.folder / "LEESMIJ.md").read_text(encoding="utf-8")
    assert text.startswith("# Voortgang programma VIA 2020\n")
    assert all(f"`{name}`" in text for name in [content.name for content in contents()] + OWN)
    assert "Kamerstuk 29 544, nr. 1029" in text and "synthetische" in text
    assert all(meaning in text for meaning in dictionary.symbols().values())
    assert "{{" not in text and "None" not in text


def test_two_rows_with_one_address_are_refused(home):
    with duckdb.connect() as connection:
        content = own_table(
            connection,
            name="proef",
            title="",
            description="",
            columns={"cel": ("VARCHAR", "")},
            key=("cel",),
            rows=[("a",), ("a",)],
        )
        assert len(read(connection, content).rows) == 2
        published = contents()[0]
        with pytest.raises(CellClash):
            read(connection, type(published)(**{**vars(published), "query": content.query}))
