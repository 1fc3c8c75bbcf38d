"""The catalogue record against Geonovum's shapes of DCAT-AP-NL 3.0, which are not in this project.

They are looked for in ``VIA_DCAT_SHAPES``, else beside the project; without them the tests say so.
"""

import os
from pathlib import Path

import pyshacl
import pytest
import yaml
from rdflib import DCAT, DCTERMS, RDF, Graph, URIRef

from via_pipeline.letters import dcat
from via_pipeline_tests.letters import packages

PROJECT = Path(__file__).parents[2]
BESIDE = PROJECT.parent / "shared" / "reference" / "dcat-ap-nl"
SHAPES = Path(os.environ.get("VIA_DCAT_SHAPES", BESIDE))
REQUIRED = (
    "dcat-ap-nl-SHACL.ttl",
    "dcat-ap-nl-SHACL-klassebereik.ttl",
    "dcat-ap-nl-SHACL-klassebereik-codelijsten.ttl",
)
# pytest looks for mocks in everything that a module imports, and rdflib warns of unknown names.
pytestmark = pytest.mark.filterwarnings("ignore")
HERE = "https://voorbeeld.invalid/derde/dcat.ttl"
needs_shapes = pytest.mark.skipif(
    not (SHAPES / REQUIRED[0]).exists(),
    reason=f"Geonovum's shapes of DCAT-AP-NL 3.0 are not in {SHAPES}; set VIA_DCAT_SHAPES",
)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogus")
    return packages.make(packages.home_in(folder / "huis"), folder / "derde")


def record(package, name="dcat.ttl"):
    kind = {"dcat.ttl": "turtle", "dcat.jsonld": "json-ld"}[name]
    return Graph().parse(package.folder / name, format=kind, publicID=HERE)


def shapes(*names):
    graph = Graph()
    for name in names:
        graph.parse(SHAPES / name)
    return graph


def problems(graph, *names):
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes(*names))
    paths = report.objects(None, URIRef("http://www.w3.org/ns/shacl#resultPath"))
    return sorted(str(path) for path in paths)


@needs_shapes
@pytest.mark.parametrize("name", ["dcat.ttl", "dcat.jsonld"])
def test_the_record_conforms_to_dcat_ap_nl(package, name):
    conforms, _, text = pyshacl.validate(record(package, name), shacl_graph=shapes(*REQUIRED))
    assert conforms, text


@needs_shapes
def test_everything_recommended_is_there_but_a_data_service(package):
    found = problems(record(package), "dcat-ap-nl-SHACL-aanbevolen.ttl")
    assert set(found) == {str(DCAT.accessService)}


@needs_shapes
@pytest.mark.parametrize(
    "missing", [DCTERMS.identifier, DCAT.contactPoint, DCTERMS.license, DCAT.theme]
)
def test_the_shapes_notice_what_is_missing(package, missing):
    graph = record(package)
    graph.remove((None, missing, None))
    assert str(missing) in problems(graph, *REQUIRED)


def test_turtle_and_json_ld_say_the_same(package):
    assert set(record(package)) == set(record(package, "dcat.jsonld"))


def test_every_distribution_is_a_file_of_the_package_with_its_size_and_hash(package):
    import hashlib

    graph = record(package)
    spdx = "http://spdx.org/rdf/terms#"
    nodes = list(graph.subjects(RDF.type, DCAT.Distribution))
    names = set()
    for node in nodes:
        name = str(graph.value(node, DCAT.downloadURL)).removeprefix(HERE.rsplit("/", 1)[0] + "/")
        content = (package.folder / name).read_bytes()
        assert int(graph.value(node, DCAT.byteSize)) == len(content)
        checksum = graph.value(node, URIRef(spdx + "checksum"))
        told = graph.value(checksum, URIRef(spdx + "checksumValue"))
        assert str(told) == hashlib.sha256(content).hexdigest()
        names.add(name)
    assert names == {
        path.relative_to(package.folder).as_posix()
        for path in package.folder.rglob("*")
        if path.suffix in (".csv", ".parquet", ".xlsx", ".ods", ".duckdb")
    }


def test_a_place_of_publication_makes_addresses_absolute(package, tmp_path, monkeypatch):
    settings = yaml.safe_load(dcat._SETTINGS.read_text(encoding="utf-8"))
    settings["base_uri"] = "https://data.voorbeeld.invalid/via/"
    changed = tmp_path / "catalogue.yaml"
    changed.write_text(yaml.safe_dump(settings), encoding="utf-8")
    monkeypatch.setattr(dcat, "_SETTINGS", changed)
    graph = dcat.record(packages.EDITION, [], [])
    (catalogue,) = graph.subjects(RDF.type, DCAT.Catalog)
    assert str(catalogue) == "https://data.voorbeeld.invalid/via/derde/dcat.ttl#catalogus"
