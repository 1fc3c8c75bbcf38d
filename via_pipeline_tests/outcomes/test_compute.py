"""The SQL against plain loops over the same rows."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
import yaml

from via_pipeline.contracts.model import SOURCES, load
from via_pipeline.outcomes import compute, model, run
from via_pipeline.pilots import catalog
from via_pipeline.storage import duck, lake
from via_pipeline_tests.pilots import house

ORIGINS = ["nederlands", "westers", "niet_westers", "onbekend"]
FOUR = Decimal("0.0001")


@pytest.fixture
def home(tmp_path):
    home = house.home_in(tmp_path)
    house.keep(home, "register")
    return home


def long_table(home, source, as_of=None, **folders):
    contracts = [load(source, folders.get("sources", SOURCES)), load("register")]
    with duck.work() as connection:
        catalog.register(connection, home, contracts, as_of)
        found = compute.results(connection, source, **folders)
        assert dict(zip(found.columns, map(str, found.types), strict=True)) == compute.COLUMNS
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def picked(rows, **wanted):
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, (wanted, len(found))
    return found[0]


def share(hits, of):
    return (Decimal(100 * hits) / Decimal(of)).quantize(FOUR, ROUND_HALF_UP)


def mean(values):
    return (sum(map(Decimal, values), Decimal(0)) / len(values)).quantize(FOUR, ROUND_HALF_UP)


def employees(seed, count, year):
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        leaves = draw.random() < 0.2
        rows.append(
            house.persons("persoon", number, "personeelsnummer")
            | {
                "jaar": year,
                "leeftijdsklasse": "25-34",
                "herkomst_oud": draw.choice(ORIGINS),
                "functieniveau": str(draw.randint(1, 3)),
                "datum_in_dienst": date(2010, 1, 1),
                "promotie": draw.random() < 0.1,
                "datum_uit_dienst": date(year, 6, 30) if leaves else None,
                "reden_uit_dienst": draw.choice(["eigen_verzoek", "ontslag"]) if leaves else None,
                "deeltijdfactor": Decimal(draw.randint(20, 100)) / 100,
            }
        )
    return rows


@pytest.fixture
def staff(home):
    delivered = {}
    for seed, (employer, year) in enumerate([("A", 2018), ("A", 2019), ("B", 2018)]):
        rows = employees(seed, 97 + seed, year)
        house.deliver(
            home,
            "p5_behoud",
            {"werkgever": employer, "periode": str(year)},
            {"medewerker": rows},
            received=date(year + 1, 3, 1),
        )
        delivered[employer, str(year)] = rows
    return delivered


def test_every_figure_of_p5_equals_a_plain_loop(home, staff):
    cells = defaultdict(list)
    for (employer, year), rows in staff.items():
        for row in rows:
            for site in ("alle", employer):
                level, origin = row["functieniveau"], row["herkomst_oud"]
                cells[site, year, "totaal", "totaal"].append(row)
                cells[site, year, "herkomst_oud", origin].append(row)
                cells[site, year, "functieniveau", level].append(row)
                cells[site, year, "functieniveau×herkomst_oud", f"{level}×{origin}"].append(row)
    expected = {}
    for cell, rows in cells.items():
        gone = [row["datum_uit_dienst"] is not None for row in rows]
        asked = [row["reden_uit_dienst"] == "eigen_verzoek" for row in rows]
        promoted = [row["promotie"] for row in rows]
        size = len(rows)
        # The same made-up numbers work for both employers; a person counts once.
        people = len({row["persoon_id"] for row in rows})
        expected[(*cell, "medewerkers")] = (people, None, Decimal(people))
        for name, flags in [
            ("promotie", promoted),
            ("uitstroom", gone),
            ("uitstroom_eigen_verzoek", asked),
        ]:
            expected[(*cell, name)] = (size, sum(flags), share(sum(flags), size))
        factors = [row["deeltijdfactor"] for row in rows]
        expected[(*cell, "deeltijdfactor")] = (size, None, mean(factors))
    found = {
        (row["locatie"], row["periode"], row["groep_soort"], row["groep"], row["maat"]): (
            row["n"],
            row["teller"],
            row["waarde"],
        )
        for row in long_table(home, "p5_behoud")
    }
    assert found == expected


def test_a_row_names_its_deliveries_its_design_and_no_more_than_it_may_claim(home, staff):
    rows = long_table(home, "p5_behoud")
    total = picked(rows, locatie="alle", periode="2018", groep_soort="totaal", maat="promotie")
    assert total["leveringen"] == "p5_behoud-A_2018-1 p5_behoud-B_2018-1"
    assert total["peildatum"] == date(2018, 1, 1)
    assert total["design"] == "beschrijvend_panel"
    assert {row["claim"] for row in rows} == {"beschrijvend"}
    assert {row["is_synthetisch"] for row in rows} == {True}
    later = picked(rows, locatie="A", periode="2019", groep_soort="totaal", maat="promotie")
    assert later["leveringen"] == "p5_behoud-A_2019-1"


def test_an_edition_leaves_out_what_came_later(home, staff):
    rows = long_table(home, "p5_behoud", as_of=date(2019, 12, 31))
    assert {row["periode"] for row in rows} == {"2018"}


def test_shuffled_rows_give_the_same_table(tmp_path):
    """Summing decimals as floats would differ in the last digits."""
    rows = employees(5, 211, 2018)
    tables = []
    for number, order in enumerate([rows, rows[::-1], random.Random(1).sample(rows, len(rows))]):
        home = house.home_in(tmp_path / str(number))
        house.keep(home, "register")
        key = {"werkgever": "A", "periode": "2018"}
        house.deliver(home, "p5_behoud", key, {"medewerker": order}, received=date(2019, 3, 1))
        tables.append(long_table(home, "p5_behoud"))
    assert tables[0] == tables[1] == tables[2]


def test_unknown_values_leave_a_figure_but_not_the_count(home):
    people = [
        {"aantal_sollicitaties": 1, "eerste_keer_geplaatst": True, "werk_na_diploma": True},
        {"aantal_sollicitaties": 4, "eerste_keer_geplaatst": False, "werk_na_diploma": False},
        {"aantal_sollicitaties": None, "eerste_keer_geplaatst": False, "werk_na_diploma": None},
        {"aantal_sollicitaties": 6, "eerste_keer_geplaatst": False, "werk_na_diploma": True},
    ]
    rows = [
        house.persons("persoon", number, "onderwijsnummer")
        | {"cohort": 2019, "leerweg": "bol", "interventie": "geen", "herkomst_oud": None}
        | person
        for number, person in enumerate(people)
    ]
    house.deliver(home, "p2_mbo", {"periode": "2019"}, {"student": rows}, received=date(2020, 1, 1))
    found = long_table(home, "p2_mbo")
    figures = {
        row["maat"]: (row["n"], row["teller"], row["waarde"])
        for row in found
        if row["groep_soort"] == "totaal"
    }
    assert figures == {
        "studenten": (4, None, Decimal(4)),
        "eerste_keer_geplaatst": (4, 1, Decimal(25)),
        "aantal_sollicitaties": (3, None, Decimal("3.6667")),
        "vier_of_meer_sollicitaties": (3, 2, Decimal("66.6667")),
        "werk_na_diploma": (3, 2, Decimal("66.6667")),
    }
    # An origin that is not there is a group of its own.
    assert {row["groep"] for row in found if row["groep_soort"] == "herkomst_oud"} == {"onbekend"}


def test_a_spell_that_runs_did_not_end_by_work_and_an_unknown_reason_is_left_out(home):
    begin = date(2019, 2, 1)
    spells = [
        (date(2019, 5, 1), "werk"),  # in time
        (date(2019, 7, 31), "werk"),  # the last day of six months
        (date(2019, 8, 1), "werk"),  # a day late
        (date(2019, 3, 1), "maximumduur"),
        (date(2019, 3, 1), None),  # unknown reason: no part of the share
        (None, None),  # still running
    ]
    rows = [
        house.persons("persoon", number, "bsn")
        | {
            "volgnummer": 1,
            "herkomst_oud": "westers",
            "leeftijdsklasse": "25-34",
            "begindatum": begin,
            "einddatum": end,
            "reden_einde": reason,
        }
        for number, (end, reason) in enumerate(spells)
    ]
    key = {"periode": "2019KW1"}
    house.deliver(home, "p7_ww", key, {"ww_periode": rows}, received=date(2020, 5, 1))
    found = long_table(home, "p7_ww")
    ended = picked(found, groep_soort="totaal", maat="werk_binnen_6_maanden")
    assert (ended["n"], ended["teller"]) == (5, 2)
    length = picked(found, groep_soort="totaal", maat="duur_afgesloten")
    days = [(end - begin).days + 1 for end, _ in spells if end]
    assert (length["n"], length["waarde"]) == (5, mean(days))
    # For disclosure control only: the two longest, which no share or count has.
    assert (length["_grootste"], length["_tweede_grootste"]) == tuple(sorted(days)[:-3:-1])
    assert {row["_grootste"] is None for row in found if row["soort"] != "gemiddelde"} == {True}
    assert picked(found, groep_soort="totaal", maat="nog_lopend")["teller"] == 1


def test_p8_joins_its_two_tables_within_a_delivery(home):
    for place, ladders in [("enschede", [2, 3, 5]), ("elders", [1, 1])]:
        people = [house.persons("persoon", number, "bsn") for number in range(len(ladders))]
        participants = [
            person | {"arm": "interventie" if number else "vergelijking", "herkomst_oud": "westers"}
            for number, person in enumerate(people)
        ]
        moments = [
            person
            | {"meetmoment": 1, "ladder": ladder, "contactvorm": "telefoon", "gezondheid": None}
            for person, ladder in zip(people, ladders, strict=True)
        ]
        house.deliver(
            home,
            "p8_begeleiding",
            {"locatie": place, "periode": "2020H1"},
            {"deelnemer": participants, "meting": moments},
            received=date(2020, 8, 1),
        )
    found = long_table(home, "p8_begeleiding")
    figure = {"groep_soort": "meetmoment×arm", "groep": "1×interventie", "maat": "ladder"}
    assert picked(found, locatie="enschede", **figure)["waarde"] == mean([3, 5])
    assert picked(found, locatie="elders", **figure)["waarde"] == Decimal(1)
    assert picked(found, locatie="alle", **figure)["waarde"] == mean([3, 5, 1])
    # The same two persons in two places: a pseudonym is a person wherever it turns up.
    people = picked(found, locatie="alle", groep_soort="meetmoment", maat="deelnemers")
    assert people["n"] == 3
    health = picked(found, locatie="enschede", groep_soort="meetmoment", maat="gezondheid")
    assert (health["n"], health["waarde"]) == (0, None)
    # A site without a row of its own in the register takes the design of the pilot.
    assert {row["design"] for row in found} == {"voor_na_met_vergelijkingsgroep"}


@pytest.mark.parametrize(
    ("total", "count", "rounded"),
    [(1, 3, "0.3333"), (2, 3, "0.6667"), (-1, 2, "-0.5000"), (5, 100000, "0.0001")],
)
def test_halves_go_away_from_zero(total, count, rounded):
    with duck.work() as connection:
        sql = f"SELECT {compute._ratio(f'CAST({total * 10000} AS HUGEINT)', str(count))}"
        assert connection.execute(sql).fetchone() == (Decimal(rounded),)


@pytest.mark.parametrize("source", model.names())
def test_every_file_of_measures_runs_on_its_contract(home, source):
    plan = model.load(source)
    assert load(source).pilot == plan.pilot_id
    # An empty catalog still types every expression: an unknown column would raise.
    assert long_table(home, source) == []


def test_all_eight_pilots_have_measures():
    assert [model.load(name).pilot_id for name in model.names()] == [
        f"P{number}" for number in range(1, 9)
    ]


def test_no_label_says_that_something_was_caused():
    forbidden = re.compile(r"effect|leidt|door de|dankzij|veroorza|invloed|werkt ", re.IGNORECASE)
    for source in model.names():
        for measure in model.load(source).measures:
            assert not forbidden.search(measure.label), measure.label


def test_a_ninth_pilot_needs_a_contract_and_a_file(home, tmp_path):
    sources, measures = tmp_path / "sources", tmp_path / "measures"
    measures.mkdir()
    shutil.copytree(SOURCES, sources)
    contract = yaml.safe_load((SOURCES / "p6_leren_werken.odcs.yaml").read_text("utf-8"))
    contract["name"] = "p9_nieuw"
    contract["schema"][0]["physicalName"] = "pilots__p9_traject"
    (sources / "p9_nieuw.odcs.yaml").write_text(yaml.safe_dump(contract, allow_unicode=True))
    plan = yaml.safe_load((model.MEASURES / "p6_leren_werken.yaml").read_text("utf-8"))
    plan |= {"pilot_id": "P9", "source": "p9_nieuw", "table": "pilots__p9_traject"}
    (measures / "p9_nieuw.yaml").write_text(yaml.safe_dump(plan, allow_unicode=True))
    assert long_table(home, "p9_nieuw", sources=sources, measures=measures) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": [["leeftijd"]]}, "unknown dimensions"),
        ({"groups": [["fase"], ["fase"]]}, "two groups are the same"),
        ({"source": "p5_behoud"}, "is about p5_behoud"),
        ({"surprise": 1}, "surprise"),
        (
            {"measures": [{"id": "a", "label": "A", "kind": "aandeel", "unit": "procent"}]},
            "takes",
        ),
    ],
)
def test_a_wrong_file_of_measures_is_refused_by_name(tmp_path, change, message):
    plan = yaml.safe_load((model.MEASURES / "p6_leren_werken.yaml").read_text("utf-8")) | change
    path = tmp_path / "p6_leren_werken.yaml"
    path.write_text(yaml.safe_dump(plan), encoding="utf-8")
    with pytest.raises(model.MeasureError, match=message) as caught:
        model.load("p6_leren_werken", tmp_path)
    assert path.name in str(caught.value)


def spells(count):
    return [
        house.persons("persoon", number, "bsn")
        | {
            "volgnummer": 1,
            "herkomst_oud": ORIGINS[number % 4],
            "leeftijdsklasse": "25-34",
            "begindatum": date(2019, 2, 1),
            "einddatum": date(2019, 3 + number % 9, 1),
            "reden_einde": "werk",
        }
        for number in range(count)
    ]


def test_a_corrected_delivery_costs_its_period_and_not_the_history(home, monkeypatch):
    def deliver(quarter, count, received, revision=1):
        key, rows = {"periode": quarter}, {"ww_periode": spells(count)}
        house.deliver(home, "p7_ww", key, rows, received=received, revision=revision)

    for quarter, count in (("2019KW1", 12), ("2019KW2", 7), ("2019KW3", 9)):
        deliver(quarter, count, date(2020, 9, 1))
    counted = []
    write = lake.write_part
    monkeypatch.setattr(lake, "write_part", lambda *told: counted.append(told[1]) or write(*told))

    def refreshed():
        counted.clear()
        run.refresh(home, "p7_ww")
        with duck.work() as connection:
            made = connection.execute(
                lake.scan(home.lake, lake.parts(home.lake, run.table_of("p7_ww")))
            )
            names = [column[0] for column in made.description]
            rows = [dict(zip(names, row, strict=True)) for row in made.fetchall()]
        return rows, counted.count(run.pieces_of("p7_ww"))

    assert refreshed() == (long_table(home, "p7_ww"), 3)
    assert refreshed() == (long_table(home, "p7_ww"), 0)
    deliver("2019KW2", 8, date(2020, 10, 1), revision=2)
    corrected, pieces = refreshed()
    assert (corrected, pieces) == (long_table(home, "p7_ww"), 1)
    total = {"groep_soort": "totaal", "maat": "ww_perioden", "periode": "2019KW2"}
    assert picked(corrected, **total)["n"] == 8
    # What no period has any more is gone.
    assert len(list((home.lake / run.pieces_of("p7_ww")).glob("*.parquet"))) == 3


def test_who_objects_later_and_what_the_register_says_later_are_counted_anew(home, monkeypatch):
    rows = {"ww_periode": spells(40)}
    key = {"periode": "2019KW1"}
    house.deliver(home, "p7_ww", key, rows, received=date(2019, 6, 1), synthetic=False)
    total = {"periode": "2019KW1", "groep_soort": "totaal", "maat": "ww_perioden"}

    def refreshed():
        run.refresh(home, "p7_ww")
        with duck.work() as connection:
            lake.view(connection, home.lake, run.table_of("p7_ww"))
            found = connection.execute(f"FROM {run.table_of('p7_ww')}")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def object_to(number):
        entry = {
            "kind": "bezwaar", "id_type": "bsn", "mark": f"{number}",
            "pseudonym": f"{number:064x}", "since": "2019-01-01",
        }  # fmt: skip
        entries = json.loads(home.exclusions.read_text())["entries"] if number else []
        home.exclusions.write_text(json.dumps({"entries": [*entries, entry]}))

    assert picked(refreshed(), **total)["n"] == 40
    object_to(0)
    assert picked(refreshed(), **total)["n"] == 39
    # Who objects at the very moment that a refresh is at work is left out by the next.
    register = catalog.register

    def objected_meanwhile(*told):
        register(*told)
        object_to(1)

    with monkeypatch.context() as patched:
        patched.setattr(run.catalog, "register", objected_meanwhile)
        refreshed()
    assert picked(refreshed(), **total)["n"] == 38
    assert {row["design"] for row in refreshed()} == {"observationele_spells"}
    contract = load("register")
    told = [
        house._typed(contract, "locatie", row)
        for row in house.plain_csv(home.data / "register" / "locatie.csv")
    ]
    changed = [row | {"design": "monitoring"} if row["pilot_id"] == "P7" else row for row in told]
    house.keep(home, "register", revision=2, locatie=changed)
    assert {row["design"] for row in refreshed()} == {"monitoring"}


def test_the_lake_gets_one_table_a_source_and_all_of_them_together(home, staff):
    assert run.combine(home) == 0
    written = run.refresh(home, "p5_behoud")
    assert written == len(long_table(home, "p5_behoud"))
    assert run.refresh(home, "p2_mbo") == 0
    assert run.combine(home) == written
    first = lake.parts(home.lake, run.RESULT)
    assert run.combine(home) == written
    assert lake.parts(home.lake, run.RESULT) == first
    with duck.work() as connection:
        lake.view(connection, home.lake, run.RESULT)
        described = connection.execute(
            f"SELECT column_name, column_type FROM (DESCRIBE {run.RESULT})"
        ).fetchall()
        assert dict(described) == compute.COLUMNS
        keys = ", ".join(compute.KEY)
        assert connection.execute(
            f"SELECT count(*) - count(DISTINCT ({keys})) FROM {run.RESULT}"
        ).fetchone() == (0,)
