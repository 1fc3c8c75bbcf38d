"""The editions of the sample deliveries, asked by tools that had no part in making them."""

import hashlib
import json
import zipfile

import pytest
from frictionless import validate

from via_pipeline.letters import snapshot
from via_pipeline_tests.letters.test_catalogue import REQUIRED, needs_shapes, shapes

EDITIONS = ("eerste", "tweede", "derde", "slot")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=EDITIONS)
def folder(request, sample_run):
    return sample_run.home.letters / request.param


def test_frictionless_finds_every_edition_valid(folder):
    report = validate(str(folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "message"])


@needs_shapes
def test_every_record_conforms_to_dcat_ap_nl(folder):
    import pyshacl
    from rdflib import Graph

    graph = Graph().parse(folder / "dcat.ttl", publicID="https://voorbeeld.invalid/dcat.ttl")
    conforms, _, text = pyshacl.validate(graph, shacl_graph=shapes(*REQUIRED))
    assert conforms, text


def test_every_code_in_the_data_has_a_label(folder):
    described = json.loads((folder / "datapackage.json").read_text("utf-8"))
    bare = {
        (field["name"], item["value"])
        for resource in described["resources"]
        for field in resource["schema"]["fields"]
        for item in field.get("categories", [])
        if item["value"] == item["label"]
    }
    assert bare == set()


def test_the_zip_holds_the_folder_byte_for_byte(folder):
    with zipfile.ZipFile(folder.with_suffix(".zip")) as found:
        told = {name: hashlib.sha256(found.read(name)).hexdigest() for name in found.namelist()}
    assert told == {
        f"{folder.name}/{path.relative_to(folder).as_posix()}": hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_cell_means_the_same_row_in_every_edition(sample_run):
    seen = {}
    for name in EDITIONS:
        for table, rows in snapshot.of_package(sample_run.home.letters / name).tables.items():
            for key, row in rows.rows.items():
                assert seen.setdefault((table, row["cel"]), key) == key
    assert len(seen) > 3000
