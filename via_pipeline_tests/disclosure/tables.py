"""Small source tables for the tests of what is published, and an attacker of their own."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
from scipy.optimize import linprog

from via_pipeline.diversity import barometer as room
from via_pipeline.diversity import benchmark, flow, ladder, linkage, trend
from via_pipeline.outcomes import covid, effects, reach
from via_pipeline.pilots import dekking
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline.storage.home import Home

RESULT = (
    "pilot_id VARCHAR, bron VARCHAR, locatie VARCHAR, periode VARCHAR, groep_soort VARCHAR, "
    "groep VARCHAR, maat VARCHAR, maat_label VARCHAR, soort VARCHAR, eenheid VARCHAR, n BIGINT, "
    "teller BIGINT, waarde DECIMAL(18,4), design VARCHAR, claim VARCHAR, peildatum DATE, "
    "leveringen VARCHAR, is_synthetisch BOOLEAN, _grootste DECIMAL(18,4), "
    "_tweede_grootste DECIMAL(18,4)"
)
BAROMETER = ", ".join(f"{name} {kind}" for name, kind in room.COLUMNS.items())
MARTS = {
    mart: ", ".join(f"{name} {kind}" for name, kind in columns.items())
    for mart, columns in (
        (ladder.TABLE, ladder.COLUMNS),
        (flow.TABLE, flow.COLUMNS),
        (trend.TABLE, trend.COLUMNS),
        (benchmark.TABLE, benchmark.COLUMNS),
        (benchmark.PUBLISHED, benchmark.PUBLISHED_COLUMNS),
        (linkage.TABLE, linkage.COLUMNS),
    )
}
WERKLOOSHEID = (
    "periode VARCHAR, achtergrond VARCHAR, werkloosheid_pct DECIMAL(18,1), "
    "verschil_jaar_pp DECIMAL(18,1), bron VARCHAR, vintage VARCHAR, merk VARCHAR"
)
STAND = (
    "pilot_id VARCHAR, locatie VARCHAR, locatie_naam VARCHAR, locatie_soort VARCHAR, "
    "thema VARCHAR, korte_naam VARCHAR, pilotlijn VARCHAR, design VARCHAR, claim VARCHAR, "
    "fase VARCHAR, status VARCHAR, statustekst VARCHAR, statustekst_bekend_op DATE, "
    "gepland VARCHAR, doel VARCHAR, gerealiseerd VARCHAR, ontwerp VARCHAR, budget VARCHAR, "
    "voorwaarde VARCHAR, evaluator VARCHAR, leveringen_ontvangen BIGINT, "
    "leveringen_in_gebruik BIGINT, bronhouders BIGINT, deelnemers_n BIGINT, leveringen VARCHAR, "
    "is_synthetisch BOOLEAN"
)
MAATREGEL = (
    "_delivery VARCHAR, _row BIGINT, maatregel_id VARCHAR, wat VARCHAR, wie VARCHAR, "
    "wanneer VARCHAR, pilot_id VARCHAR, merk VARCHAR, bron VARCHAR, bekend_op DATE"
)
BEREIK = ", ".join(f"{name} {kind}" for name, kind in reach.COLUMNS.items())
OVERNAME = (
    "_delivery VARCHAR, _row BIGINT, overname_id VARCHAR, pilot_id VARCHAR, wat VARCHAR, "
    "wie VARCHAR, aantal BIGINT, merk VARCHAR, bron VARCHAR, bekend_op DATE, "
    "bekend_op_toelichting VARCHAR"
)
GEBEURTENIS = ", ".join(f"{name} {kind}" for name, kind in covid.EVENT_COLUMNS.items())
DEKKING = ", ".join(f"{name} {kind}" for name, kind in dekking.COLUMNS.items())
SCHATTING = ", ".join(f"{name} {kind}" for name, kind in effects.PUBLISHABLE_COLUMNS.items())


def share(site: str, names: str, group: str, measure: str, n: int, teller: int) -> tuple:
    """One row of ``outcomes__result``: a share."""
    value = Decimal(teller * 100) / n if n else None
    return _result(site, names, group, measure, "aandeel", n, teller, value)


def count(site: str, names: str, group: str, measure: str, n: int) -> tuple:
    """One row of ``outcomes__result``: a count."""
    return _result(site, names, group, measure, "aantal", n, None, Decimal(n))


def mean(
    site: str, names: str, group: str, measure: str, n: int, value: str, largest: tuple = ()
) -> tuple:
    """One row of ``outcomes__result``: a mean of equals, unless ``largest`` says otherwise."""
    amounts = largest or (Decimal(value), Decimal(value))
    return _result(site, names, group, measure, "gemiddelde", n, None, Decimal(value), amounts)


def _result(site, names, group, measure, kind, n, teller, value, largest=(None, None)) -> tuple:
    return (
        *("P6", "p6_leren_werken", site, "2020H2", names, group, measure, measure, kind, "procent"),
        *(n, teller, value, "theorie", "beschrijvend", "2020-12-31", "p6-0123456789abcdef", True),
        *largest,
    )


def table(connection: duckdb.DuckDBPyConnection, name: str, columns: str, rows: list) -> None:
    """A table of ``rows`` on ``connection``."""
    connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
    if rows:
        # At once: row by row is a tenth of what these tests cost.
        marks = ", ".join(["(" + ", ".join("?" * len(rows[0])) + ")"] * len(rows))
        values = [value for row in rows for value in row]
        connection.execute(f"INSERT INTO {name} VALUES {marks}", values)


def results(cells: dict[tuple[str, str, str], tuple[int, int, int]]) -> list[tuple]:
    """Result rows of (site, phase, origin) -> (n, first numerator, second numerator).

    Three measures (two shares and the count) for every site and ``alle``, by phase, by origin, by
    both, and in total, as ``outcomes.compute`` lays them out.
    """
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for (site, phase, origin), numbers in cells.items():
        for where in (site, "alle"):
            for names, group in (
                ("totaal", "totaal"),
                ("fase", phase),
                ("herkomst_oud", origin),
                ("fase×herkomst_oud", f"{phase}×{origin}"),
            ):
                held = sums[where, names, group]
                for index, number in enumerate(numbers):
                    held[index] += number
    rows = []
    for (where, names, group), (n, first, second) in sums.items():
        rows += [
            share(where, names, group, "baan", n, first),
            share(where, names, group, "certificaat", n, second),
            count(where, names, group, "deelnemers", n),
        ]
    return rows


def example(home: Home, *, measure: str = "baan") -> None:
    """Write every source table of the published datasets into the lake of ``home``."""
    cells = {
        (site, phase, origin): (30 + 10 * index, 12 + 3 * index, 14)
        for index, (site, phase, origin) in enumerate(
            (site, phase, origin)
            for site in ("utrecht", "liander")
            for phase in ("intake", "opleiding")
            for origin in ("nederlands", "westers", "niet_westers")
        )
    }
    cells["liander", "intake", "westers"] = (4, 2, 1)
    rows = [row if row[6] != "baan" else (*row[:6], measure, *row[7:]) for row in results(cells)]
    barometer = []
    for group, name, sizes in (
        ("totaal", "totaal", (700, 200, 100)),
        ("functieniveau", "1", (400, 120, 60)),
        ("functieniveau", "2", (300, 80, 40)),
    ):
        for old, new, size in zip(
            ("nederlands", "westers", "niet_westers"),
            ("nederland", "europa", "buiten_europa"),
            sizes,
            strict=True,
        ):
            for kind, category in (("oud", old), ("2022", new)):
                barometer.append(barometer_row(group, name, kind, category, sum(sizes), size))
    stand = [
        stand_row("P6", "alle", 2, 465),
        stand_row("P6", "utrecht", 1, 150),
        stand_row("P6", "liander", 1, 315),
        stand_row("P8", "alle", 0, 0),
    ]
    facts = [
        ("2020KW03", "Nederlandse achtergrond", "3.3", "0.7", "CBS", "82809NED", "V"),
        ("2014JJ00", "Nederlandse achtergrond", "6.1", None, "CBS", "82809NED", "V"),
    ]
    steps = [
        ("register-1", 1, "spoor", "30 banen", 'SZW, "ProRail"', "2021", "P6", "V", "SZW", None),
        ("register-1", 2, "top", "aandacht\nin de brief", "SZW", "2020", "VIA", "V", "TK", None),
    ]
    reached = [
        ("P3", "alle", "alle", "werkgevers", "geleverd", "geleverd", 3, "p3", None, "p3-1", True),
        ("P3", "W01", "alle", "werkgevers", "geleverd", "geleverd", 1, "p3", None, "p3-1", True),
        ("P3", "alle", "alle", "deelnemers", "geleverd", "mensen", 4, "p3", None, "p3-1", True),
        ("P3", "alle", "alle", "werkgevers", "gepland", "gepland", 20, "TNO", None, None, False),
    ]  # fmt: skip
    adopted = [
        ("register-1", 1, "p3", "P3", "nudges", "de meeste", None, "V-2nd", "krant", None, None)
    ]
    coverage = [
        ("P6", "p6", "leren", 4, 2, 1, 1, 0, 4, 1, 0, 0, 3, 465, 2, "p6-0123456789abcdef", True),
        ("P8", "p8", "begeleiding", 2, 1, 0, 0, 1, 1, 0, 0, 0, 1, 43, None, "p8-1", True),
    ]
    events = [
        ("P3", "analyseplan alle", "2020-03-16", None, "gebeurtenis", "Begin", False),
        ("P7", "p7_ww", "2019-09-30", "2020-09-30", "levering_onderbroken", "Een gat", True),
    ]
    estimates = [
        comparison("totaal", "totaal", (200, 80), (180, 60)),
        comparison("herkomst_oud", "nederlands", (120, 50), (100, 35)),
        comparison("herkomst_oud", "westers", (9, 3), (30, 12)),
        comparison("herkomst_oud", "niet_westers", (71, 27), (50, 13)),
        comparison("totaal", "totaal", (40, None), (40, None), status="u", measure="ladder"),
    ]
    home.ensure()
    with work() as connection:
        for name, columns, content in (
            ("outcomes__result", RESULT, rows),
            ("diversity__barometer", BAROMETER, barometer),
            *((mart, columns, []) for mart, columns in MARTS.items()),
            ("context__werkloosheid", WERKLOOSHEID, facts),
            ("pilots__stand", STAND, stand),
            ("outcomes__schatting", SCHATTING, estimates),
            ("register__maatregel", MAATREGEL, steps),
            ("outcomes__bereik", BEREIK, reached),
            ("register__overname", OVERNAME, adopted),
            ("pilots__dekking", DEKKING, coverage),
            (covid.EVENTS, GEBEURTENIS, events),
        ):
            table(connection, "invoer", columns, content)
            lake.replace_table(home.lake, name, connection, "FROM invoer")


def barometer_row(
    kenmerk, subgroep, indeling, categorie, n, teller, peildatum="2020-12-31"
) -> tuple:
    """One row of ``diversity__barometer``; without ``n`` one that may not be shown."""
    value = None if n is None else Decimal(teller * 100) / n
    row = dict.fromkeys(room.COLUMNS) | {
        "organisatie": "Voorbeeld",
        "peildatum": peildatum,
        "kenmerk": kenmerk,
        "subgroep": subgroep,
        "indeling": indeling,
        "categorie": categorie,
        "n": n,
        "teller": teller,
        "aandeel_pct": value,
        "eenheid_statistiek": "banen",
        "leveringen": "p4-0123456789abcdef",
        "is_synthetisch": True,
        "is_toegestaan": n is not None,
        "waarde_status": "x" if n is None else None,
        "reden": "te klein" if n is None else None,
    }
    return tuple(row.values())


def stand_row(pilot: str, site: str, deliveries: int, people: int) -> tuple:
    """One row of ``pilots__stand``."""
    words = ("naam", "soort", "thema", "kort", "werkgevers", "theorie", "geen", "uitvoering")
    return (
        *(pilot, site, *words, "voorlopig", "tekst", "2020-11-09", None, "30 plekken"),
        *(None, None, None, None, None, deliveries, deliveries, deliveries, people),
        *("p6-0123456789abcdef" if deliveries else None, deliveries > 0),
    )


def comparison(
    names: str,
    group: str,
    one: tuple[int | None, int | None],
    other: tuple[int | None, int | None],
    *,
    status: str | None = None,
    measure: str = "baan",
) -> tuple:
    """One row of ``outcomes__schatting``; each arm is its count and those with the outcome."""
    figure = None if status else Decimal("3.1000")
    row = dict.fromkeys(effects.PUBLISHABLE_COLUMNS) | {
        "pilot_id": "P3",
        "locatie": "alle",
        "leesdatum": "2020-10-15",
        "status": "voorlopig",
        "uitkomst": measure,
        "uitkomst_label": measure,
        "horizon": "einde",
        "groep_soort": names,
        "groep": group,
        "reeks": 1,
        "contrast": "met vergeleken met zonder",
        "eenheid": "procentpunt",
        "n_interventie": one[0],
        "n_vergelijking": other[0],
        "_teller_interventie": one[1],
        "_teller_vergelijking": other[1],
        "methode": "itt",
        "design": "theorie",
        "claim": "samenhang",
        "rol": "primair",
        "is_gepland": True,
        "reden": "te weinig clusters" if status else None,
        "zin": f"{measure} ({group}): 3,1 procentpunt hoger.",
        "plan_hash": "f" * 64,
        "leveringen": "p3-0123456789abcdef",
        "is_synthetisch": True,
        "waarde_status": status,
    }
    numbers = ("schatting", "interval_laag", "interval_hoog", "p_waarde", "p_aangepast")
    return tuple((row | dict.fromkeys((*numbers, "minimaal_aantoonbaar"), figure)).values())


def home_in(folder: Path) -> Home:
    """An empty installation."""
    return Home(root=folder / "home", data=folder / "data").ensure()


def recoverable(published: list[dict], value: str) -> list[tuple]:
    """Cells of ``published`` whose hidden ``value`` (n or teller) has one solution.

    Written apart from the protector: it takes published rows only, sets up every sum over sites,
    phases and origins, and looks which unknowns the null space of those sums leaves fixed.
    """
    found = []
    for measure in sorted({row["maat"] for row in published}):
        cells = {
            (row["locatie"], *_phase_and_origin(row)): row[value]
            for row in published
            if row["maat"] == measure
        }
        unknown = sorted(cell for cell, number in cells.items() if number is None)
        column = {cell: index for index, cell in enumerate(unknown)}
        equations = []
        for total, parts in _sums(cells):
            row = np.zeros(len(unknown))
            for cell, sign in [(total, -1), *((part, 1) for part in parts)]:
                if cell in column:
                    row[column[cell]] += sign
            if row.any():
                equations.append(row)
        if not equations:
            continue
        _, sizes, vectors = np.linalg.svd(np.array(equations))
        free = vectors[int((sizes > 1e-9).sum()) :]
        for cell, index in column.items():
            if not (np.abs(free[:, index]) > 1e-7).any():
                found.append((measure, cell))
    return found


def span(published: list[dict], value: str, measure: str, cell: tuple[str, str, str]) -> int:
    """How far apart the lowest and highest ``value`` lie that a reader must hold possible.

    ``cell`` is site, phase and origin. By linear programming over the published rows alone.
    """
    cells = {
        (row["locatie"], *_phase_and_origin(row)): row[value]
        for row in published
        if row["maat"] == measure
    }
    column = {one: index for index, one in enumerate(cells)}
    equations = []
    for total, parts in _sums(cells):
        row = np.zeros(len(cells))
        row[column[total]] = -1
        row[[column[part] for part in parts]] = 1
        equations.append(row)
    bounds = [(0, None) if shown is None else (shown, shown) for shown in cells.values()]
    aim = np.zeros(len(cells))
    aim[column[cell]] = 1
    ends = []
    for sign in (1, -1):
        found = linprog(sign * aim, A_eq=equations, b_eq=np.zeros(len(equations)), bounds=bounds)
        assert found.status in (0, 3), "the true table is one solution"
        ends.append(sign * found.fun if found.status == 0 else np.inf)
    return ends[1] - ends[0] + 1e-6 if np.isfinite(ends).all() else 10**9


def hidden_cells(published: list[dict], value: str, measure: str) -> list[tuple[str, str, str]]:
    """Site, phase and origin of every figure of ``measure`` that is not shown."""
    return [
        (row["locatie"], *_phase_and_origin(row))
        for row in published
        if row["maat"] == measure and row[value] is None
    ]


def small_unions(published: list[dict], truth: list[dict], value: str, minimum: int) -> list:
    """Sums of which the hidden parts together are below ``minimum`` and can be worked out."""
    true = {_place(row): row[value] for row in truth}
    found = []
    for measure in sorted({row["maat"] for row in published}):
        rows = {
            (row["locatie"], *_phase_and_origin(row)): row
            for row in published
            if row["maat"] == measure
        }
        for total, parts in _sums(rows):
            hidden = [part for part in parts if rows[part][value] is None]
            if hidden and rows[total][value] is not None:
                size = sum(true[_place(rows[part])] for part in hidden)
                if size < minimum:
                    found.append((measure, total))
    return found


def _place(row: dict) -> tuple:
    return row["maat"], row["locatie"], row["groep_soort"], row["groep"]


def _phase_and_origin(row: dict) -> tuple[str, str]:
    match row["groep_soort"]:
        case "totaal":
            return "", ""
        case "fase":
            return row["groep"], ""
        case "herkomst_oud":
            return "", row["groep"]
    phase, origin = row["groep"].split("×")
    return phase, origin


def _sums(cells):
    """Every (total, parts) over any non-empty set of the three axes that is rolled up."""
    whole = ("alle", "", "")
    for total in cells:
        rolled = [axis for axis in range(3) if total[axis] == whole[axis]]
        for size in range(1, len(rolled) + 1):
            for axes in combinations(rolled, size):
                parts = [
                    cell
                    for cell in cells
                    if all(
                        (cell[axis] != whole[axis]) if axis in axes else cell[axis] == total[axis]
                        for axis in range(3)
                    )
                ]
                if parts:
                    yield total, parts
