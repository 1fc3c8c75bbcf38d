"""A made-up person, planted in deliveries of every format, in right and in wrong places.

Belongs here: who that is and where they stand. Does not belong here: looking for them. Every file
says that it is synthetic: it has no term, so the run's night does not delete it.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import openpyxl

from via_pipeline.storage.home import Home

BSN = "246813581"
PUPIL = "187654326"
STAFF = "918273"
APPLICANT = "817263549"
SURNAME = "Brûléhoven"
NAME = f"Quirinia {SURNAME}"
STREET = "Wilgenrooskade"
POSTCODE = "9997ZX"
EMAIL = "q.brulehoven@voorbeeld.example"
# What must be nowhere. The first name and the house number are too short to be sure of.
NEEDLES = (BSN, PUPIL, APPLICANT, SURNAME, "Quirinia", STREET, POSTCODE, EMAIL)
ADDRESS = f"{NAME}, {STREET} 117, {POSTCODE}"


def plant(home: Home, shipped: Path, only: tuple[str, ...] = ()) -> None:
    """Lay deliveries that hold the person below ``home.landing``; ``shipped`` are the samples.

    ``only`` some of the pilots (``p5``, ``p7``); all of them unless given.
    """
    makers = {"p7": _p7, "p5": _p5, "p4": _p4, "p8": _p8, "p6": _p6, "p3": _p3, "p1": _p1}
    for name, make in makers.items():
        if not only or name in only:
            make(home, shipped)
    if not only:
        _strangers(home)


def _land(home: Home, source: str, name: str, data: bytes) -> None:
    path = home.landing / source / "2021-02-01" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _only(shipped: Path, pattern: str) -> Path:
    return sorted(shipped.glob(pattern))[0]


def _cells(text: str, sign: str) -> list[list[str]]:
    return [line.split(sign) for line in text.splitlines()]


def _text(rows: list[list[str]], sign: str) -> str:
    return "\r\n".join(sign.join(row) for row in rows) + "\r\n"


def _p7(home: Home, shipped: Path) -> None:
    text = _only(shipped, "p7_ww/*/p7_ww_2019KW1*.csv").read_text("utf-8")
    rows = _cells(text, ";")[:120]
    rows[1][0] = BSN  # the right place
    rows[2][2] = SURNAME  # a column of codes
    rows[3][3] = BSN
    rows[4][4] = POSTCODE
    rows[5][5] = ADDRESS  # a date
    rows[6][1] = BSN  # a number
    rows[7][0] = NAME  # an identifying column of another form
    rows[8][8] = EMAIL  # yes or no
    rows[9][7] = f"belde {NAME}"
    _land(home, "p7_ww", "p7_ww_2019KW1_synthetisch_v1.csv", _text(rows, ";").encode())
    # Not taken over: the rows go to quarantine as a whole.
    bad = [rows[0], *([BSN, *row[1:5], STREET, *row[6:]] for row in rows[1:40])]
    _land(home, "p7_ww", "p7_ww_2019KW2_synthetisch_v1.csv", _text(bad, ";").encode())
    # No header: the first row of data stands there.
    _land(
        home,
        "p7_ww",
        "p7_ww_2019KW3_synthetisch_v1.csv",
        _text([[BSN, *rows[10][1:]]], ";").encode(),
    )
    # Extra columns that are called after the person, and a torn row.
    wide = [[*rows[0], NAME, BSN], *([*row, STREET, ""] for row in rows[10:60])]
    wide[5] = [*wide[5], NAME, BSN]
    _land(home, "p7_ww", "p7_ww_2019KW4_synthetisch_v1.csv", _text(wide, ";").encode())
    torn = [rows[0], *rows[10:60]]
    torn[5] = [*torn[5][:-1], f'"{NAME}', BSN]
    _land(home, "p7_ww", "p7_ww_2020KW3_synthetisch_v1.csv", _text(torn, ";").encode())
    for name in (
        f"p7_ww_{NAME}_{BSN}_synthetisch.csv",
        f"p7_ww_2020KW1_{SURNAME.lower().replace('û', 'u').replace('é', 'e')}_synthetisch_v1.csv",
        f"p7_ww_2020KW2_{STREET.lower()}_synthetisch_v1.csv",
    ):
        _land(home, "p7_ww", name, _text(rows[:1] + rows[20:90], ";").encode())


def _p5(home: Home, shipped: Path) -> None:
    text = _only(shipped, "p5_behoud/*/p5_behoud_A_2018*.csv").read_bytes().decode("cp1252")
    rows = _cells(text, ";")
    place = {name: index for index, name in enumerate(rows[0])}
    rows[1][place["functienaam"]] = ADDRESS[:60]
    rows[2][place["functienaam"]] = f"vervangt {BSN[:3]}.{BSN[3:6]}.{BSN[6:]}"
    rows[3][place["jaar"]] = BSN
    rows[4][place["herkomst_oud"]] = NAME
    rows[5][place["datum_in_dienst"]] = EMAIL
    rows[6][place["personeelsnummer"]] = BSN
    rows[7][place["deeltijdfactor"]] = POSTCODE
    rows[8][place["functienaam"]] = NAME * 20
    _land(
        home, "p5_behoud", "p5_behoud_A_2018_synthetisch_v1.csv", _text(rows, ";").encode("cp1252")
    )


def _p4(home: Home, shipped: Path) -> None:
    text = _only(shipped, "p4_barometer/*/p4_barometer_O01_2019*.csv").read_text("utf-8-sig")
    rows = _cells(text, ",")
    rows[1][2] = POSTCODE
    rows[2][6] = NAME
    rows[3][11] = SURNAME
    rows[4][10] = BSN
    rows[5][9] = STREET
    _land(
        home,
        "p4_barometer",
        "p4_barometer_O01_2019-12-31_synthetisch_v1.csv",
        _text(rows, ",").encode(),
    )


def _p8(home: Home, shipped: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(_only(shipped, "p8_begeleiding/2020-09-24/*.zip")) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            rows = _cells(source.read(name).decode(), ";")
            for row in rows[1:3]:
                row[0] = BSN
            rows[5][2] = SURNAME
            target.writestr(name, _text(rows, ";"))
        target.writestr(f"{NAME} {BSN}.txt", ADDRESS)
        target.writestr(f"{SURNAME}/metingen {BSN}.docx", ADDRESS)
    _land(
        home, "p8_begeleiding", "p8_begeleiding_enschede_2019H2_synthetisch_v1.zip", out.getvalue()
    )


def _p6(home: Home, shipped: Path) -> None:
    """An ODS: text in its XML is changed in place."""
    path = _only(shipped, "p6_leren_werken/*/*utrecht*.ods")
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for item in source.infolist():
            data = source.read(item)
            if item.filename == "content.xml":
                text = data.decode()
                for number, value in enumerate((SURNAME, BSN, STREET)):
                    at = text.index("niet_westers" if number else "nederlands")
                    end = text.index("<", at)
                    text = text[:at] + value + text[end:]
                data = text.encode()
            target.writestr(item, data)
    _land(
        home, "p6_leren_werken", "p6_leren_werken_utrecht_2020H1_synthetisch_v1.ods", out.getvalue()
    )


def _p3(home: Home, shipped: Path) -> None:
    path = _only(shipped, "p3_nudging/2020-08-24/*W01*.xlsx")
    for name, change in (("W01", "cells"), ("W02", "sheet"), ("W03", "formula")):
        book = openpyxl.load_workbook(path)
        sheet = book["Sollicitaties"]
        last = sheet.max_row
        sheet.cell(last, 1).value = APPLICANT
        sheet.cell(last - 1, 3).value = NAME
        sheet.cell(last - 2, 2).value = BSN
        sheet.cell(1, 1).value = ADDRESS
        if change == "sheet":
            sheet.title = f"{SURNAME} {BSN}"[:31]
        if change == "formula":
            book.create_sheet(NAME[:31])["A1"] = "=1+1"
            sheet.cell(last, 4).value = f'=CONCATENATE("{NAME}")'
        out = io.BytesIO()
        book.save(out)
        _land(home, "p3_nudging", f"p3_nudging_{name}_2020H1_synthetisch_v1.xlsx", out.getvalue())


def _p1(home: Home, shipped: Path) -> None:
    import pyreadstat

    path = _only(shipped, "p1_studiekeuze/2020-10-28/*.sav")
    frame, meta = pyreadstat.read_sav(str(path), user_missing=True)
    frame.loc[0, "onderwijsnummer"] = PUPIL
    frame.loc[1, "school"] = STREET
    frame.loc[2, "herkomst_oud"] = SURNAME
    frame[SURNAME.replace("û", "u").replace("é", "e")] = ADDRESS
    labels = {name: dict(values) for name, values in meta.variable_value_labels.items()}
    labels["herkomst_oud"] |= {SURNAME: NAME}
    target = home.landing / "p1_studiekeuze" / "2021-02-01"
    target.mkdir(parents=True)
    pyreadstat.write_sav(
        frame,
        str(target / "p1_studiekeuze_2020-2021_voor_synthetisch_v1.sav"),
        file_label=NAME,
        column_labels=[ADDRESS for _ in frame.columns],
        variable_value_labels=labels,
    )


def _strangers(home: Home) -> None:
    """Folders and files of which nobody knows what they are."""
    _land(home, f"map van {NAME}", f"synthetisch {BSN}.csv", ADDRESS.encode())
    _land(
        home,
        "p2_mbo",
        f"p2_mbo_2019_{STREET.lower()}_synthetisch_v1.zip",
        b"PK\x03\x04" + ADDRESS.encode(),
    )
    folder = home.landing / "p6_leren_werken" / "2021-02-01" / f"synthetisch dossier {NAME}"
    folder.mkdir(parents=True)
    (folder / f"{BSN}.ods").write_bytes(ADDRESS.encode())
