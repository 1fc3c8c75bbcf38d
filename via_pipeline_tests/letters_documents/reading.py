"""Reading the documents with other means than those that made them.

Belongs here: the page's tables and paragraphs by Python's own HTML parser, Dutch numbers, the CSVs.
Does not belong here: anything of ``letters.documents``.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path

NUMBER = re.compile(r"−?\d{1,3}(?:\u00a0\d{3})+(?:,\d+)?|−?\d+(?:,\d+)?")
_VOID = {"meta", "img", "link", "br", "hr"}


@dataclass
class HtmlTable:
    """One table as it stands in the page."""

    dataset: str | None
    caption: str = ""
    heads: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    kinds: list[list[str]] = field(default_factory=list)


class Page(HTMLParser):
    """Tables, paragraphs with an address, images, headings and every element of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[HtmlTable] = []
        self.paragraphs: list[tuple[str, str]] = []
        self.images: list[dict[str, str | None]] = []
        self.headings: list[tuple[int, str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._stack: list[tuple[str, str]] = []
        self._text: dict[str, str] = {}
        self.feed(text)
        self.close()
        assert not self._stack, f"not closed: {self._stack}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag in _VOID:
            if tag == "img":
                self.images.append(attributes)
            return
        self._stack.append((tag, attributes.get("class") or ""))
        if tag == "table":
            self.tables.append(HtmlTable(attributes.get("data-dataset")))
        if tag == "tr":
            self._row: list[str] = []
            self._kinds: list[str] = []
        if tag in ("p", "td", "th", "caption") or re.fullmatch("h[1-6]", tag):
            self._text[tag] = ""
        if tag == "p":
            self._address = ""

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self._stack]
        if ("span", "adres") in self._stack and "p" in tags:
            self._address += data
            return
        for tag in self._text:
            if tag in tags:
                self._text[tag] += data

    def handle_endtag(self, tag: str) -> None:
        assert self._stack[-1][0] == tag, f"</{tag}> closes <{self._stack[-1][0]}>"
        _, kind = self._stack.pop()
        text = self._text.pop(tag, "").strip()
        if tag == "caption":
            self.tables[-1].caption = text
        elif tag in ("td", "th"):
            self._row.append(text)
            self._kinds.append(kind)
        elif tag == "tr":
            table = self.tables[-1]
            if table.heads:
                table.rows.append(self._row)
                table.kinds.append(self._kinds)
            else:
                table.heads = self._row
        elif tag == "p":
            self.paragraphs.append((text, self._address.strip()))
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), text))


def page(folder: Path) -> Page:
    """The page of an edition."""
    return Page((folder / "bijlage.html").read_text(encoding="utf-8"))


def rows(folder: Path, dataset: str) -> list[dict[str, str]]:
    """The rows of a dataset's CSV."""
    with (folder / f"{dataset}.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def dutch(text: str) -> Decimal:
    """The value of a Dutch number."""
    return Decimal(text.replace("\u00a0", "").replace("−", "-").replace(",", "."))


def as_shown(value: str, shown: str) -> bool:
    """Whether the CSV's ``value``, rounded half away from zero, is what is ``shown``."""
    places = len(shown.split(",")[1]) if "," in shown else 0
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) == dutch(shown)


def decimals_in(text: str) -> set[str]:
    """Every number with a decimal comma in ``text``."""
    plain = re.sub(r"[\u200b\u2060\u00ad]", "", text)
    return {found for found in NUMBER.findall(plain) if "," in found}
