"""Faulty files, one builder a fault: what partners (and others) really send."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import openpyxl
import xlsxwriter

from via_pipeline_tests.intake.house import P5_HEADER, p5_row, p5_text
from via_pipeline_tests.intake.test_formats import NAMES, ROWS


def p5(count: int = 30, at: int = 3, **changes: str) -> str:
    """P5 rows without faults, but for ``changes`` in the sheet's row ``at``."""
    rows = [p5_row(number) for number in range(count)]
    rows[at - 2] |= changes
    return p5_text(rows)


def p5_header(**renamed: str) -> str:
    """P5 rows under a header in which columns are called something else."""
    header = tuple(renamed.get(name, name) for name in P5_HEADER)
    return p5_text([p5_row(number) for number in range(30)], header)


def p5_without(column: str) -> str:
    """P5 rows without one column."""
    place = P5_HEADER.index(column)
    lines = [line.split(";") for line in p5().splitlines()]
    return "\r\n".join(";".join(c for i, c in enumerate(line) if i != place) for line in lines)


def p5_ragged(at: int = 3) -> str:
    """P5 rows of which one has a cell too many."""
    lines = p5().splitlines()
    lines[at - 1] += ";extra"
    return "\r\n".join(lines)


def p2(totals: tuple[int, int, int] = (20, 20, 20), **changes: str) -> dict[str, bytes]:
    """The two files of a P2 delivery of twenty students; ``changes`` replace cells of row 3."""
    names = (
        *("onderwijsnummer", "instelling", "cohort", "niveau", "leerweg", "herkomst_oud"),
        *("gemeentecode", "interventie", "aantal_sollicitaties", "eerste_keer_geplaatst"),
        "werk_na_diploma",
    )
    lines = [";".join(names)]
    for number in range(20):
        row = dict(
            zip(
                names,
                [
                    *(str(100000000 + number), "25LX", "2019", "2", "bol", "westers", "0363"),
                    *("geen", "1", "J", "J"),
                ],
                strict=True,
            )
        )
        if number == 1:
            row |= changes
        lines.append(";".join(row[name] for name in names))
    totals_csv = "kenmerk;totaal\n" + "".join(
        f"{name};{total}\n"
        for name, total in zip(
            ("aantal_studenten", "som_sollicitaties", "aantal_eerste_keer_geplaatst"),
            totals,
            strict=True,
        )
    )
    return {
        "studenten.csv": ("\n".join(lines) + "\n").encode(),
        "controletotalen.csv": totals_csv.encode(),
    }


def zipped(members: dict[str, bytes]) -> bytes:
    """A ZIP of ``members``, their names as they are given."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def zip_with_link() -> bytes:
    """A ZIP whose member is a symbolic link."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("klein.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def zip_that_lies() -> bytes:
    """A ZIP bomb whose directory says that its member is small."""
    data = bytearray(zipped({"klein.csv": b"a;b\n" * (10 << 20)}))
    place = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, place + 24, 100)
    return bytes(data)


def encrypted_zip() -> bytes:
    """A ZIP whose member says that it is encrypted."""
    data = bytearray(zipped({"klein.csv": small()}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.index(mark) + offset
        data[place] |= 1
    return bytes(data)


def small(at: int = 3, **changes: str) -> bytes:
    """The rows of the contract ``klein`` as CSV, with ``changes`` in one row."""
    lines = [";".join(NAMES)]
    for number, row in enumerate(ROWS, 2):
        cells = dict(zip(NAMES, row, strict=True))
        cells = {
            k: v if isinstance(v, (str, int)) else v.strftime("%d-%m-%Y") for k, v in cells.items()
        }
        if number == at:
            cells |= changes
        lines.append(";".join(str(cells[name]) for name in NAMES))
    return ("\n".join(lines) + "\n").encode()


def workbook(formula: bool = False, macro: bool = False) -> bytes:
    """The rows of ``klein`` in a workbook, with something in it that should not be there."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Gegevens")
    sheet.write_row(0, 0, NAMES)
    for number, row in enumerate(ROWS, 1):
        sheet.write_row(number, 0, [str(cell) for cell in row])
    if formula:
        sheet.write_formula(2, 2, "=6+6", None, 12)
    book.close()
    data = out.getvalue()
    if macro:
        parts = io.BytesIO(data)
        with zipfile.ZipFile(parts, "a") as archive:
            archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 macro")
        data = parts.getvalue()
    return data


def workbook_with_errors(*cells: str) -> bytes:
    """The rows of ``klein`` in a workbook whose ``cells`` hold an error value, not a formula."""
    book = openpyxl.load_workbook(io.BytesIO(workbook()))
    for cell in cells:
        book["Gegevens"][cell] = "#REF!"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def linked_workbook() -> bytes:
    """A workbook with a link to another one."""
    parts = io.BytesIO(workbook())
    with zipfile.ZipFile(parts, "a") as archive:
        archive.writestr("xl/externalLinks/externalLink1.xml", b"<externalLink/>")
    return parts.getvalue()


def protected_workbook() -> bytes:
    """What Excel writes when a workbook gets a password: an OLE file with the package inside."""
    noise = random.Random(1).randbytes(4096)
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise + "EncryptedPackage".encode("utf-16-le") + noise
    )
