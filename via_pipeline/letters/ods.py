"""An ODS workbook of sheets (OpenDocument 1.2).

Written as text, a row at a time: libraries that build the document as objects take some thirty
times as long (decision 12). Same sheets and day, same bytes.

Belongs here: the ODS format. Does not belong here: which sheets (``sheets``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from via_pipeline.letters import archive
from via_pipeline.letters.files import text as plain
from via_pipeline.letters.sheets import LANGUAGE, Sheet

_MIME = "application/vnd.oasis.opendocument.spreadsheet"
# Spaces that XML readers drop: in front, at the end, and all but the first of several.
_SPACES = re.compile(r"^ +|(?<= ) +| +$")
# What XML 1.0 cannot hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_NAMESPACES = (
    " ".join(
        f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for prefix, name in (
            ("office", "office"),
            ("style", "style"),
            ("text", "text"),
            ("table", "table"),
            ("number", "datastyle"),
            ("meta", "meta"),
            ("config", "config"),
            ("fo", "xsl-fo-compatible"),
        )
    )
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_WIDTH_MM = 2.2
_WIDEST_MM = 110
_SAMPLE = 200


def write(path: Path, sheets: Sequence[Sheet], title: str, day: date) -> None:
    """Write ``sheets`` as a workbook dated ``day``."""
    archive.write(
        path,
        [
            ("mimetype", _MIME.encode()),
            ("content.xml", "".join(_content(sheets)).encode()),
            ("styles.xml", _styles().encode()),
            ("meta.xml", _meta(title, day).encode()),
            ("settings.xml", _settings(sheets).encode()),
            ("META-INF/manifest.xml", _manifest().encode()),
        ],
        day,
        plain=1,
    )


def _content(sheets: Sequence[Sheet]) -> Iterator[str]:
    yield f'{_DECLARATION}<office:document-content {_NAMESPACES} office:version="1.2">'
    yield "<office:automatic-styles>"
    yield (
        '<number:date-style style:name="D"><number:day number:style="long"/>'
        "<number:text>-</number:text>"
        '<number:month number:style="long"/><number:text>-</number:text>'
        '<number:year number:style="long"/></number:date-style>'
        '<style:style style:name="dag" style:family="table-cell" '
        'style:parent-style-name="Default" style:data-style-name="D"/>'
    )
    widths = sorted({width for sheet in sheets for width in _widths(sheet)})
    for width in widths:
        yield (
            f'<style:style style:name="co{width}" style:family="table-column">'
            f'<style:table-column-properties style:column-width="{width}mm"/></style:style>'
        )
    yield "</office:automatic-styles><office:body><office:spreadsheet>"
    for sheet in sheets:
        yield from _sheet(sheet)
    yield "</office:spreadsheet></office:body></office:document-content>"


def _sheet(sheet: Sheet) -> Iterator[str]:
    yield f"<table:table table:name={quoteattr(sheet.name)}>"
    for width in _widths(sheet):
        yield f'<table:table-column table:style-name="co{width}"/>'
    yield f"<table:table-row>{_cell(sheet.title, 'Heading')}</table:table-row>"
    for line in sheet.lines:
        yield f"<table:table-row>{_cell(line)}</table:table-row>"
    yield "<table:table-header-rows><table:table-row>"
    yield from (_cell(name, "Kop") for name in sheet.header)
    yield "</table:table-row></table:table-header-rows>"
    for row in sheet.rows:
        yield "<table:table-row>"
        yield from map(_cell, row)
        yield "</table:table-row>"
    yield "</table:table>"


def _cell(value: Any, style: str = "") -> str:
    named = f' table:style-name="{style}"' if style else ""
    match value:
        case None:
            return "<table:table-cell/>"
        case bool():
            kind = f'office:value-type="boolean" office:boolean-value="{plain(value)}"'
        case date():
            named = ' table:style-name="dag"'
            kind = f'office:value-type="date" office:date-value="{plain(value)}"'
        case str():
            body = "".join(f"<text:p>{_text(line)}</text:p>" for line in value.split("\n"))
            return f'<table:table-cell{named} office:value-type="string">{body}</table:table-cell>'
        case _:
            kind = f'office:value-type="float" office:value="{plain(value)}"'
    return f"<table:table-cell{named} {kind}><text:p>{plain(value)}</text:p></table:table-cell>"


def _text(line: str) -> str:
    """A line as XML. A space after a space would be lost, so it is written as an element."""
    safe = escape(_FORBIDDEN.sub("\ufffd", line))
    spaced = _SPACES.sub(lambda found: f'<text:s text:c="{len(found.group())}"/>', safe)
    return spaced.replace("\t", "<text:tab/>")


def _widths(sheet: Sheet) -> list[int]:
    found = []
    for column, name in enumerate(sheet.header):
        lengths = (len(str(values[column])) for values in sheet.rows[:_SAMPLE])
        longest = max(len(name), *lengths, 8)
        found.append(round(min(longest * _WIDTH_MM + 4, _WIDEST_MM)))
    return found


def _styles() -> str:
    language, country = LANGUAGE.split("-")
    return (
        f'{_DECLARATION}<office:document-styles {_NAMESPACES} office:version="1.2"><office:styles>'
        '<style:default-style style:family="table-cell"><style:text-properties '
        f'fo:language="{language}" fo:country="{country}" fo:font-size="10pt"/>'
        "</style:default-style>"
        '<style:style style:name="Default" style:family="table-cell"/>'
        '<style:style style:name="Heading" style:family="table-cell" '
        'style:parent-style-name="Default"><style:text-properties fo:font-weight="bold" '
        'fo:font-size="14pt"/></style:style>'
        '<style:style style:name="Kop" style:family="table-cell" '
        'style:parent-style-name="Default"><style:text-properties fo:font-weight="bold"/>'
        "</style:style></office:styles></office:document-styles>"
    )


def _meta(title: str, day: date) -> str:
    return (
        f'{_DECLARATION}<office:document-meta {_NAMESPACES} office:version="1.2"><office:meta>'
        f"<dc:title>{escape(title)}</dc:title><dc:language>{LANGUAGE}</dc:language>"
        f"<meta:creation-date>{day.isoformat()}T00:00:00</meta:creation-date>"
        "</office:meta></office:document-meta>"
    )


def _settings(sheets: Sequence[Sheet]) -> str:
    """Header rows stay in view on every sheet."""
    views = "".join(
        f"<config:config-item-map-entry config:name={quoteattr(sheet.name)}>"
        + _item("VerticalSplitMode", "short", 2)
        + _item("VerticalSplitPosition", "int", sheet.top + 1)
        + _item("ActiveSplitRange", "short", 2)
        + _item("PositionBottom", "int", sheet.top + 1)
        + "</config:config-item-map-entry>"
        for sheet in sheets
    )
    return (
        f'{_DECLARATION}<office:document-settings {_NAMESPACES} office:version="1.2">'
        '<office:settings><config:config-item-set config:name="ooo:view-settings">'
        '<config:config-item-map-indexed config:name="Views"><config:config-item-map-entry>'
        + _item("ViewId", "string", "view1")
        + f'<config:config-item-map-named config:name="Tables">{views}'
        "</config:config-item-map-named>"
        + _item("ActiveTable", "string", sheets[0].name)
        + "</config:config-item-map-entry></config:config-item-map-indexed>"
        "</config:config-item-set></office:settings></office:document-settings>"
    )


def _item(name: str, kind: str, value: object) -> str:
    return (
        f'<config:config-item config:name="{name}" config:type="{kind}">{escape(str(value))}'
        "</config:config-item>"
    )


def _manifest() -> str:
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    entries = [("/", _MIME)] + [
        (name, "text/xml") for name in ("content.xml", "styles.xml", "meta.xml", "settings.xml")
    ]
    return (
        f'{_DECLARATION}<manifest:manifest xmlns:manifest="{space}" manifest:version="1.2">'
        + "".join(
            f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
            for path, kind in entries
        )
        + "</manifest:manifest>"
    )
