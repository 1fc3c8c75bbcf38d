"""The catalogue record of a package: DCAT-AP-NL 3.0, as Turtle and as JSON-LD.

Belongs here: the graph. Does not belong here: the words of tables (``content``), who publishes
(``catalogue.yaml``). Specification: https://docs.geostandaarden.nl/dcat/dcat-ap-nl30/

No node is blank and every date is the edition's: the same package, the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from via_pipeline.disclosure import dictionary
from via_pipeline.letters.editions import Edition
from via_pipeline.letters.files import File, Written
from via_pipeline.letters.sheets import title

if TYPE_CHECKING:
    from rdflib import Graph, URIRef

TURTLE = "dcat.ttl"
JSON_LD = "dcat.jsonld"
_SETTINGS = Path(__file__).parent / "catalogue.yaml"
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_IANA = "https://www.iana.org/assignments/media-types/"
_SPDX = "http://spdx.org/rdf/terms#"
_TABLE_SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
_PROFILE = "http://modellen.geostandaarden.nl/dcat-ap-nl/"


@dataclass(frozen=True)
class Format:
    """A file format: EU file type (None where the list has none), media type and Dutch name."""

    file_type: str | None
    media_type: str
    name: str


FORMATS = {
    "csv": Format("CSV", "text/csv", "CSV"),
    "csv-excel": Format("CSV", "text/csv", "CSV voor Excel (puntkomma, decimale komma)"),
    "parquet": Format("PARQUET", "application/vnd.apache.parquet", "Parquet"),
    "xlsx": Format(
        "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"
    ),
    "ods": Format("ODS", "application/vnd.oasis.opendocument.spreadsheet", "ODS"),
    "duckdb": Format(None, "application/vnd.duckdb", "DuckDB"),
}


def write(
    folder: Path, edition: Edition, written: Sequence[Written], books: Sequence[File]
) -> None:
    """Write both records into ``folder``; ``books`` are the files that hold every table."""
    graph = record(edition, written, books)
    (folder / TURTLE).write_text(graph.serialize(format="longturtle"), "utf-8", newline="\n")
    # Sorted here: rdflib orders neither nodes nor values.
    nodes = json.loads(graph.serialize(format="json-ld", auto_compact=True, sort_keys=True))
    text = json.dumps(_in_order(nodes), ensure_ascii=False, indent=1, sort_keys=True)
    (folder / JSON_LD).write_text(text + "\n", "utf-8", newline="\n")


def record(edition: Edition, written: Sequence[Written], books: Sequence[File]) -> Graph:
    """The graph: a catalogue, one dataset a table, a distribution a file."""
    from rdflib import DCAT, DCTERMS, FOAF, RDF, XSD, Graph, Literal, Namespace, URIRef

    settings = yaml.safe_load(_SETTINGS.read_text(encoding="utf-8"))
    vcard, spdx = Namespace("http://www.w3.org/2006/vcard/ns#"), Namespace(_SPDX)
    graph = Graph(bind_namespaces="none")
    spaces = {"dcat": DCAT, "dct": DCTERMS, "foaf": FOAF, "vcard": vcard, "spdx": spdx, "xsd": XSD}
    for prefix, space in spaces.items():
        graph.bind(prefix, space)
    here = _Here(settings["base_uri"], edition.release)
    day = Literal(edition.reading_date.isoformat(), datatype=XSD.date)

    publisher, contact = URIRef(settings["publisher"]["uri"]), here.part("contact")
    graph.add((publisher, RDF.type, FOAF.Agent))
    graph.add((publisher, FOAF.name, _dutch(settings["publisher"]["name"])))
    graph.add((contact, RDF.type, vcard.Organization))
    graph.add((contact, RDF.type, vcard.Kind))
    graph.add((contact, vcard.fn, _dutch(settings["contact"]["name"])))
    graph.add((contact, vcard.hasURL, URIRef(settings["contact"]["page"])))
    landing = URIRef(settings["landing_page"])
    graph.add((landing, RDF.type, FOAF.Document))
    page = here.file("LEESMIJ.md")
    graph.add((page, RDF.type, FOAF.Document))
    rights = URIRef(settings["access_rights"])
    graph.add((rights, RDF.type, DCTERMS.RightsStatement))
    licence = URIRef(settings["licence"])
    graph.add((licence, RDF.type, DCTERMS.LicenseDocument))
    language = URIRef(settings["language"])
    graph.add((language, RDF.type, DCTERMS.LinguisticSystem))
    schema = URIRef(_TABLE_SCHEMA)
    graph.add((schema, RDF.type, DCTERMS.Standard))

    catalogue = here.part("catalogus")
    graph.add((catalogue, RDF.type, DCAT.Catalog))
    graph.add((catalogue, DCTERMS.title, _dutch(title(edition))))
    graph.add((catalogue, DCTERMS.description, _dutch(_about(edition, written))))
    graph.add((catalogue, DCTERMS.conformsTo, URIRef(_PROFILE)))
    graph.add((URIRef(_PROFILE), RDF.type, DCTERMS.Standard))
    graph.add((catalogue, DCTERMS.publisher, publisher))
    graph.add((catalogue, DCTERMS.creator, publisher))
    graph.add((catalogue, DCAT.contactPoint, contact))
    graph.add((catalogue, DCTERMS.language, language))
    graph.add((catalogue, DCTERMS.license, licence))
    graph.add((catalogue, DCTERMS.issued, day))
    graph.add((catalogue, FOAF.homepage, landing))

    def distribution(dataset: URIRef, file: File, kind: str, name: str) -> None:
        form = FORMATS[kind]
        node = here.part(f"{name}-{kind}")
        graph.add((dataset, DCAT.distribution, node))
        graph.add((node, RDF.type, DCAT.Distribution))
        graph.add((node, DCTERMS.title, _dutch(form.name)))
        graph.add((node, DCAT.accessURL, here.file(file.name)))
        graph.add((node, DCAT.downloadURL, here.file(file.name)))
        graph.add((node, DCTERMS.license, licence))
        graph.add((node, DCTERMS.language, language))
        graph.add((node, DCTERMS.conformsTo, schema))
        graph.add((node, DCTERMS.issued, day))
        media = URIRef(_IANA + form.media_type)
        graph.add((node, DCAT.mediaType, media))
        graph.add((media, RDF.type, DCTERMS.MediaType))
        if form.file_type is not None:
            file_type = URIRef(f"{_AUTHORITY}/file-type/{form.file_type}")
            graph.add((node, DCTERMS["format"], file_type))
            graph.add((file_type, RDF.type, DCTERMS.MediaTypeOrExtent))
        graph.add((node, DCAT.byteSize, Literal(str(file.bytes), datatype=XSD.nonNegativeInteger)))
        checksum = here.part(f"{name}-{kind}-sha256")
        graph.add((node, spdx.checksum, checksum))
        graph.add((checksum, RDF.type, spdx.Checksum))
        graph.add((checksum, spdx.algorithm, spdx.checksumAlgorithm_sha256))
        graph.add((checksum, spdx.checksumValue, Literal(file.sha256, datatype=XSD.hexBinary)))

    def dataset(name: str, words: tuple[str, str]) -> URIRef:
        node = here.part(name)
        graph.add((catalogue, DCAT.dataset, node))
        graph.add((node, RDF.type, DCAT.Dataset))
        graph.add((node, DCTERMS.title, _dutch(words[0])))
        graph.add((node, DCTERMS.description, _dutch(words[1])))
        identifier = f"via-voortgangsbrief/{edition.release}/{name}"
        graph.add((node, DCTERMS.identifier, Literal(identifier)))
        graph.add((node, DCTERMS.publisher, publisher))
        graph.add((node, DCTERMS.creator, publisher))
        graph.add((node, DCAT.contactPoint, contact))
        graph.add((node, DCTERMS.accessRights, rights))
        graph.add((node, DCTERMS.language, language))
        graph.add((node, DCTERMS.spatial, URIRef(settings["place"])))
        graph.add((URIRef(settings["place"]), RDF.type, DCTERMS.Location))
        graph.add((node, DCTERMS.issued, day))
        graph.add((node, DCTERMS.conformsTo, schema))
        graph.add((node, URIRef(f"{DCAT}version"), Literal(str(edition.revision))))
        graph.add((node, DCAT.theme, URIRef(settings["theme"])))
        graph.add((node, DCAT.landingPage, landing))
        graph.add((node, FOAF.page, page))
        for keyword in settings["keywords"]:
            graph.add((node, DCAT.keyword, _dutch(keyword)))
        return node

    for item in written:
        content = item.table.content
        said = content.description
        if item.is_synthetic:
            said = f"{said} {dictionary.synthetic_notice()}"
        node = dataset(item.name, (f"{content.title} ({edition.title})", said))
        for kind, file in (("csv", item.csv), ("csv-excel", item.excel), ("parquet", item.parquet)):
            distribution(node, file, kind, item.name)
    whole = dataset("alle_tabellen", (f"Alle tabellen ({edition.title})", _about(edition, written)))
    for file in books:
        distribution(whole, file, file.name.rsplit(".", 1)[-1], "alle_tabellen")
    return graph


@dataclass(frozen=True)
class _Here:
    """Names of things in the record, relative to it or under the place of publication."""

    base: str
    release: str

    def file(self, name: str) -> URIRef:
        from rdflib import URIRef

        return URIRef(f"{self.base}{self.release}/{name}" if self.base else name)

    def part(self, name: str) -> URIRef:
        from rdflib import URIRef

        return URIRef(f"{self.file(TURTLE) if self.base else ''}#{name}")


def _about(edition: Edition, written: Sequence[Written]) -> str:
    said = (
        f"De datasets bij de voortgangsbrief van {edition.reading_date.isoformat()}: wat op die "
        "dag was ontvangen en bekend, gecontroleerd op onthulling."
    )
    if any(item.is_synthetic for item in written):
        said = f"{said} {dictionary.synthetic_notice()}"
    return said


def _dutch(text: str) -> Any:
    from rdflib import Literal

    return Literal(text, lang="nl")


def _in_order(value: Any) -> Any:
    """Lists of nodes and values sorted by what they say; RDF gives lists no order."""
    if isinstance(value, dict):
        return {name: _in_order(item) for name, item in value.items()}
    if isinstance(value, list):
        return sorted(
            (_in_order(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True)
        )
    return value
