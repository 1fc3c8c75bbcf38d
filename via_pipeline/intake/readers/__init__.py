"""Read a table in any of the agreed formats: the format is what the bytes say, not the name.

Belongs here: telling formats apart and handing each to its reader, one module a format. Does not
belong here: what the cells mean (``intake/conform.py``).
"""

from __future__ import annotations

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Contract, Table
from via_pipeline.intake import archive
from via_pipeline.intake.content import Content
from via_pipeline.intake.readers import csv_text, markdown, parquet, sav, workbook
from via_pipeline.intake.readers.raw import RawTable
from via_pipeline.intake.trouble import Refused, listed

_SPOKEN = {
    "csv": "CSV",
    "xlsx": "een XLSX-werkmap",
    "ods": "een ODS-werkmap",
    "sav": "een SPSS-bestand (.sav)",
    "parquet": "Parquet",
    "markdown": "Markdown",
    "zip": "een ZIP-bestand",
    "pdf": "een PDF",
    "ole": "een beveiligd of oud Office-bestand",
}


def format_of(content: Content) -> str:
    """What the bytes are: ``zip``, ``xlsx``, ``ods``, ``sav``, ``parquet``, ``markdown``, ``pdf``,
    ``ole`` or, for anything that is text, ``csv``.

    Raises:
        Refused: empty, or a ZIP that is damaged or unsafe.
    """
    head = content.head(8)
    if not head:
        raise Refused("bestand__leeg", "Het bestand is leeg (0 bytes).")
    if head.startswith(workbook.OLE_MAGIC):
        return "ole"
    if head.startswith(sav.MAGICS):
        return "sav"
    if head.startswith(parquet.MAGIC):
        return "parquet"
    if head.startswith(b"%PDF"):
        return "pdf"
    if archive.is_zip(content):
        with archive.opened(content) as package:
            names = set(package.namelist())
        if "xl/workbook.xml" in names or any(name.startswith("xl/") for name in names):
            return "xlsx"
        if "content.xml" in names and "mimetype" in names:
            return "ods"
        return "zip"
    return "markdown" if content.name.lower().endswith(".md") else "csv"


def read(
    contents: list[Content],
    kind: str,
    contract: Contract,
    table: Table,
    codelists: dict[str, CodeList],
    sheet_pattern: str,
) -> RawTable:
    """The table in ``contents``: one file, except for Markdown.

    Raises:
        Refused: the format is not agreed, or the file is not as agreed.
    """
    content = contents[0]
    if kind == "ole":
        workbook.refuse_ole(content)
    # A contract that names only the container means text tables in it.
    agreed = [name for name in contract.delivery.formats if name != "zip"] or ["csv"]
    if kind not in agreed:
        if kind == "zip":
            raise Refused("bestand__zip_genest", "Een ZIP-bestand in een ZIP wordt niet gelezen.")
        raise Refused(
            "bestand__formaat",
            f"Het bestand is {_SPOKEN.get(kind, kind)}; afgesproken is "
            f"{listed([_SPOKEN.get(name, name) for name in agreed], 'of')}.",
        )
    if kind in ("xlsx", "ods"):
        workbook.check_safe(content)
        return workbook.read(content, table, contract.delivery, sheet_pattern)
    if kind == "sav":
        return sav.read(content, table, codelists)
    if kind == "parquet":
        return parquet.read(content, table)
    if kind == "markdown":
        return markdown.read(contents, table)
    return csv_text.read(content, table, contract.delivery)
