"""Small deliveries with one known person among others, made of the shipped samples."""

from __future__ import annotations

import io
import re
import zipfile

from via_pipeline_tests.journeys.house import PROJECT

SHIPPED = PROJECT / "data" / "landing"


def p7_text(bsn: str, quarter: str = "2019KW1", *, bad: bool = False) -> str:
    """A hundred unemployment periods that began in ``quarter`` and still run.

    The person's is the first. ``bad`` sets that row aside.
    """
    lines = _first("p7_ww/*/p7_ww_2019KW1*.csv").read_text("utf-8").splitlines()[:103]
    # Two rows of the sample have a planted fault of their own.
    del lines[51:53]
    rows = [line.split(";") for line in lines]
    month = int(quarter[-1]) * 3 - 2
    for number, cells in enumerate(rows[1:]):
        cells[1] = str(number % 50 + 1)
        cells[5:8] = [f"10-{month:02}-{quarter[:4]}", "", ""]
    rows[1][0] = bsn
    if bad:
        rows[1][1] = "-1"
    return "\r\n".join(";".join(cells) for cells in rows) + "\r\n"


def p8_zip(bsn: str) -> bytes:
    """A ZIP of participants and measurements; the first participant, and two measurements."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(_first("p8_begeleiding/2020-09-24/*.zip")) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        names = source.namelist()
        people = source.read(next(name for name in names if "deelnemers" in name)).decode()
        measured = next(
            line.split(";")[0]
            for name in names
            if "metingen" in name
            for line in source.read(name).decode().splitlines()[1:]
            if source.read(name).decode().count(line.split(";")[0]) == 2
            and line.split(";")[0] in people
        )
        for name in names:
            target.writestr(name, source.read(name).decode().replace(measured, bsn))
    return out.getvalue()


def p6_ods(bsn: str) -> bytes:
    """A workbook; the first person of it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(_first("p6_leren_werken/*/*utrecht*.ods")) as source,
        zipfile.ZipFile(out, "w") as target,
    ):
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "content.xml":
                data = re.sub(rb">[0-9]{9}<", b">" + bsn.encode() + b"<", data, count=1)
            target.writestr(item, data)
    return out.getvalue()


def _first(pattern: str):
    return sorted(SHIPPED.glob(pattern))[0]
