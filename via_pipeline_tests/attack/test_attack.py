"""The attacker finds people wherever protection fails, and nobody where there is nobody to find.

What is published here is built by ``via_pipeline``'s own protection over small made-up tables; the
attacker itself imports nothing of it.
"""

import ast
import csv
import json
import sqlite3
from pathlib import Path

import duckdb
import pytest

import attack
from attack import around
from attack.__main__ import main, run
from attack.cells import SECONDARY
from attack.findings import Severity, failing
from via_pipeline.disclosure.model import load_dataset, load_ruleset
from via_pipeline.disclosure.protect import protect
from via_pipeline_tests.disclosure import tables

# Small sites too: what they may show is a rule of its own.
RESULT = load_dataset("resultaat").model_copy(update={"detail": None})
RULES = load_ruleset("minimumfrequentie")
KEY = ("pilot_id", "bron", "locatie", "periode", "groep_soort", "groep", "maat")

# Five groups a site, of which two a site are too small: what is hidden then has room to move.
SIZES = {
    "utrecht": {"a": 4, "b": 6, "c": 40, "d": 55},
    "liander": {"a": 5, "b": 3, "c": 30, "d": 45},
    "spoor": {"a": 6, "b": 4, "c": 60, "d": 35},
}


def source(sizes=SIZES) -> list[tuple]:
    """Rows of ``outcomes__result``: counts per site and group, and all the sums of them."""
    groups = sorted({group for held in sizes.values() for group in held})
    rows = [
        tables.count(site, "herkomst_oud", group, "deelnemers", size)
        for site, held in sizes.items()
        for group, size in held.items()
    ]
    rows += [
        tables.count(site, "totaal", "totaal", "deelnemers", sum(held.values()))
        for site, held in sizes.items()
    ]
    rows += [
        tables.count(
            "alle",
            "herkomst_oud",
            group,
            "deelnemers",
            sum(held.get(group, 0) for held in sizes.values()),
        )
        for group in groups
    ]
    whole = sum(sum(held.values()) for held in sizes.values())
    return [*rows, tables.count("alle", "totaal", "totaal", "deelnemers", whole)]


def published(rows, rules=RULES, dataset=RESULT) -> list[dict]:
    """``rows`` as they leave the house."""
    with duckdb.connect() as connection:
        tables.table(connection, "outcomes__result", tables.RESULT, rows)
        found = protect(connection, dataset, rules)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def write(home: Path, edition: str, rows: list[dict], table: str = "voorlopige_resultaten") -> None:
    """One table in the folder of an edition."""
    put(home / "letters" / edition, rows, table)


def put(folder: Path, rows: list[dict], table: str = "voorlopige_resultaten") -> None:
    """One table in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{table}.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(
            {
                name: str(value).lower() if isinstance(value, bool) else value
                for name, value in row.items()
            }
            for row in rows
        )


def promise(folder: Path, width: int, table: str = "voorlopige_resultaten") -> None:
    """What an edition says of its rules: the rule set of a table, and how wide that keeps it."""
    rules = {"resources": [{"name": table, "regelset": RULES.title}]}
    (folder / "datapackage.json").write_text(json.dumps(rules), encoding="utf-8")
    said = {"dataset": "resultaat", "regelset": RULES.title, "breedte": width}
    other = {"dataset": "ladder", "regelset": "Een andere", "breedte": 50}
    put(folder, [said, other], "beveiliging")


def found_by(home: Path, *attacks: str) -> list:
    return [one for one in failing(run(home)) if one.attack in attacks]


def roomy() -> list[dict]:
    """A publication in which whole tables of sites are hidden: true protection, by hand if need
    be, so that this test is about the attacker and not about the protector of the day."""
    rows = published(source())
    small = {"a", "b", "c"}
    return [
        hide(row) if row["groep"] in small and row["locatie"] != "alle" else show(row)
        for row in rows
    ]


def hide(row: dict) -> dict:
    return row | {"n": None, "waarde": None, "waarde_status": "c", "regel": SECONDARY}


def show(row: dict) -> dict:
    truth = {tuple(one[: len(KEY)]): one[10] for one in source()}
    n = truth[tuple(row[name] for name in KEY)]
    return row | {"n": n, "waarde": f"{n}.0000", "waarde_status": None, "regel": None}


def test_nobody_is_found_where_protection_holds(tmp_path):
    write(tmp_path, "eerste", roomy())
    write(tmp_path, "tweede", roomy())
    assert failing(run(tmp_path)) == []
    assert main(["--home", str(tmp_path)]) == 0


def test_nobody_is_found_in_what_the_house_protects(tmp_path):
    """Three sites with a group too small each: what the house hides besides is enough."""
    sizes = {
        "utrecht": {"a": 4, "b": 16, "c": 40},
        "liander": {"a": 5, "b": 13, "c": 35},
        "spoor": {"a": 6, "b": 14, "c": 60},
    }
    rows = published(source(sizes))
    assert sum(row["n"] is None for row in rows) >= 6
    write(tmp_path, "eerste", rows)
    assert failing(run(tmp_path)) == []


def test_people_are_found_when_protection_is_off(tmp_path, capsys):
    write(tmp_path, "eerste", published(source(), RULES.model_copy(update={"rules": ()})))
    small = {one.address.split(" / ")[5] for one in found_by(tmp_path, "small count")}
    assert small == {"a", "b"}
    assert main(["--home", str(tmp_path)]) == 1
    assert "small count" in capsys.readouterr().out


def test_primary_suppression_alone_gives_everything_back(tmp_path):
    """One cell too small in each line, and nothing hidden besides."""
    sizes = {"utrecht": {"a": 4, "c": 40}, "liander": {"a": 50, "c": 7}}
    shown = published(source(sizes), RULES.model_copy(update={"rules": ()}))
    rows = [hide(row) | {"regel": "minimumfrequentie"} if row["n"] < 10 else row for row in shown]
    write(tmp_path, "eerste", rows)
    values = {(one.address, one.found) for one in found_by(tmp_path, "interval")}
    start = "P6 / p6_leren_werken / {} / 2020H2 / herkomst_oud / {} / deelnemers"
    assert values == {
        (start.format("utrecht", "a"), "N = 4"),
        (start.format("liander", "c"), "N = 7"),
    }


@pytest.mark.parametrize(
    ("other", "promised", "is_found"),
    [(3, 10, True), (10, 10, True), (11, 10, False), (3, 3, True), (3, 2, False), (1, None, True)],
)
def test_a_span_less_wide_than_is_promised_is_found(tmp_path, other, promised, is_found):
    """One person and ``other`` hidden in one sum: from one to ``other`` is possible."""
    rows = published(
        source({"utrecht": {"a": 1, "b": other, "c": 40}}), RULES.model_copy(update={"rules": ()})
    )
    only = [
        hide(row) | {"regel": "minimumfrequentie"} if row["groep"] in {"a", "b"} else row
        for row in rows
        if row["locatie"] == "utrecht"
    ]
    write(tmp_path, "eerste", only)
    if promised:
        promise(tmp_path / "letters" / "eerste", promised)
    told = {one.found for one in found_by(tmp_path, "interval")}
    number = f"N between 1 and {other}" if other > 1 else "N = 1"
    assert told == ({number} if is_found else set())


def test_a_bi_file_is_held_to_what_it_says_of_each_dataset(tmp_path):
    """One and six hidden in a sum: five apart."""
    (tmp_path / "serve" / "eerste").mkdir(parents=True)
    rows = published(
        source({"utrecht": {"a": 1, "b": 6, "c": 40}}), RULES.model_copy(update={"rules": ()})
    )
    only = [hide(row) if row["groep"] in {"a", "b"} else row for row in rows]
    columns = ", ".join(f"{name} VARCHAR" for name in only[0])
    marks = ", ".join("?" * len(only[0]))
    for width in (5, 6):
        with duckdb.connect(str(tmp_path / "serve" / "eerste" / "via.duckdb")) as connection:
            connection.execute(f"CREATE OR REPLACE TABLE resultaat ({columns})")
            connection.executemany(
                f"INSERT INTO resultaat VALUES ({marks})", [list(row.values()) for row in only]
            )
            said = "(dataset VARCHAR, regelset VARCHAR, breedte BIGINT)"
            connection.execute(f"CREATE OR REPLACE TABLE beveiliging {said}")
            connection.execute("INSERT INTO beveiliging VALUES ('resultaat', 'x', ?)", [width])
        assert bool(found_by(tmp_path, "interval")) is (width > 5)


def test_one_revealed_secondary_cell_is_enough(tmp_path):
    """Protected rows of the house, of which a single secondary cell is shown again."""
    sizes = {"utrecht": {"a": 4, "c": 40}, "liander": {"a": 50, "c": 70}}
    rows = published(source(sizes))
    truth = {tuple(row[: len(KEY)]): row[10] for row in source(sizes)}
    secondary = [
        place
        for place, row in enumerate(rows)
        if row["n"] is None and truth[tuple(row[name] for name in KEY)] >= 10
    ]
    assert secondary
    for place in secondary:
        key = tuple(rows[place][name] for name in KEY)
        shown = rows[place] | {
            "n": truth[key],
            "waarde": f"{truth[key]}.0000",
            "waarde_status": None,
            "regel": None,
        }
        home = tmp_path / str(place)
        write(home, "eerste", [*rows[:place], shown, *rows[place + 1 :]])
        assert "N = 4" in {one.found for one in found_by(home, "interval")}


def test_two_valid_patterns_over_the_same_deliveries_are_one_publication(tmp_path):
    """Each edition holds by itself; together they show what either of them hides."""
    first = roomy()
    second = [
        hide(row) if row["groep"] in {"b", "c", "d"} and row["locatie"] != "alle" else show(row)
        for row in published(source())
    ]
    write(tmp_path, "eerste", first)
    write(tmp_path / "only", "eerste", second)
    write(tmp_path, "tweede", second)
    assert not found_by(tmp_path / "only", "hidden elsewhere", "interval")
    assert found_by(tmp_path, "hidden elsewhere")


@pytest.mark.parametrize("revision", ["r1", "r2"])
def test_a_frozen_edition_with_another_pattern_is_part_of_what_is_published(
    tmp_path, revision, capsys
):
    """An old edition lies beside the home, for good: what it showed is out, withdrawn or not."""
    first, releases = roomy(), tmp_path / "uitgaven"
    second = [
        hide(row) if row["groep"] in {"a", "b", "d"} and row["locatie"] != "alle" else show(row)
        for row in published(source())
    ]
    home = tmp_path / "home"
    write(home, "tweede", second)
    put(releases / "eerste" / "r1", second)
    assert failing(run(home, releases=releases)) == []
    put(releases / "eerste" / revision, first)
    assert failing(run(home)) == [], "without the frozen ones nothing is wrong"
    found = failing(run(home, releases=releases))
    assert {one.attack for one in found} >= {"hidden elsewhere"}
    assert any(f"eerste@{revision}" in f"{one.where} {one.found}" for one in found)
    assert main(["--home", str(home), "--releases", str(releases)]) == 1
    assert "hidden elsewhere" in capsys.readouterr().out


def test_a_frozen_edition_over_other_deliveries_is_subtracted(tmp_path):
    releases = tmp_path / "uitgaven"
    put(releases / "eerste" / "r1", roomy())
    later = [row | {"leveringen": row["leveringen"] + "-later"} for row in roomy()]
    (site,) = [row for row in later if (row["locatie"], row["groep"]) == ("utrecht", "totaal")]
    site["n"] += 2
    write(tmp_path / "home", "tweede", later)
    found = [one for one in run(tmp_path / "home", releases=releases) if one.attack == "editions"]
    assert [one.where for one in found] == [
        "eerste@r1/voorlopige_resultaten.csv - tweede/voorlopige_resultaten.csv"
    ]


def test_a_folder_of_releases_that_is_not_there_holds_nothing(tmp_path):
    write(tmp_path, "eerste", roomy())
    assert failing(run(tmp_path, releases=tmp_path / "uitgaven")) == []


def test_patterns_add_up_across_editions(tmp_path):
    """Neither edition gives a cell away; the sum of one and the pattern of the other do."""
    utrecht = [row for row in map(show, roomy()) if row["locatie"] == "utrecht"]
    first = [hide(row) if row["groep"] in {"a", "c"} else row for row in utrecht]
    second = [hide(row) if row["groep"] in {"a", "d"} else row for row in utrecht]
    for name, edition in (("one", first), ("other", second)):
        write(tmp_path / name, "eerste", edition)
        assert not found_by(tmp_path / name, "interval")
    write(tmp_path, "eerste", first)
    write(tmp_path, "tweede", second)
    assert [one.found for one in found_by(tmp_path, "interval")] == ["N = 4"]


def test_a_revision_with_few_more_people_is_found(tmp_path):
    later = [row | {"leveringen": row["leveringen"] + "-later"} for row in roomy()]
    write(tmp_path, "eerste", roomy())
    write(tmp_path, "tweede", later)
    assert not found_by(tmp_path, "editions")
    (site,) = [row for row in later if (row["locatie"], row["groep"]) == ("utrecht", "totaal")]
    site["n"] += 2
    write(tmp_path, "tweede", later)
    (one,) = found_by(tmp_path, "editions")
    assert "2 people" in one.found and one.severity is Severity.HIGH


@pytest.mark.parametrize(("sizes", "told"), [((1, 10), {"N = 1", "N = 10"}), ((9, 9), {"N = 9"})])
def test_reading_the_rule_that_hid_a_cell(tmp_path, sizes, told):
    """Eleven hidden in two: the one that is too small is one person, the other is ten. Eighteen in
    two that are both too small: nine each."""
    first, second = sizes
    rows = published(
        source({"utrecht": {"a": first, "b": second, "c": 40}}),
        RULES.model_copy(update={"rules": ()}),
    )
    only = [
        hide(row) | {"regel": "minimumfrequentie"} if row["groep"] in {"a", "b"} else row
        for row in rows
        if row["locatie"] == "utrecht"
    ]
    by_group = {row["groep"]: row for row in only}
    assert by_group["a"]["n"] is None and by_group["b"]["n"] is None
    assert by_group["c"]["n"] == 40
    write(tmp_path, "eerste", only)
    assert {row["regel"] for row in only if row["n"] is None} == {"minimumfrequentie"}
    assert not found_by(tmp_path, "interval and rule")
    telling = [
        row | {"regel": SECONDARY}
        if row["n"] is None and {"a": first, "b": second}.get(row["groep"], 0) >= 10
        else row
        for row in only
    ]
    if second >= 10:
        write(tmp_path, "eerste", telling)
        assert {one.found for one in found_by(tmp_path, "interval and rule")} == told


@pytest.mark.parametrize(
    ("teller", "value", "attack_name"),
    [(0, "0.0000", "whole group"), (20, "100.0000", "whole group"), (3, "15.0000", "small count")],
)
def test_shares_that_say_too_much(tmp_path, teller, value, attack_name):
    (row,) = published([tables.share("utrecht", "totaal", "totaal", "baan", 40, 20)])
    told = row | {"n": 20, "teller": teller, "waarde": value}
    write(tmp_path, "eerste", [told])
    assert found_by(tmp_path, attack_name)
    write(tmp_path, "eerste", [told | {"teller": None}])
    assert found_by(tmp_path, "whole group", "per cent")
    write(tmp_path, "eerste", [row])
    assert not failing(run(tmp_path))


def test_a_per_cent_gives_a_small_denominator_away(tmp_path):
    (row,) = published([tables.share("utrecht", "totaal", "totaal", "baan", 40, 20)])
    told = row | {"n": None, "teller": None, "waarde": "42.8571"}
    write(tmp_path, "eerste", [told])
    assert [one.found for one in found_by(tmp_path, "per cent")] == ["42.8571% is that of 7 people"]


def test_a_site_knows_its_own_figures(tmp_path):
    rows = [row for row in map(show, roomy()) if row["groep"] == "a"]
    rows = [
        hide(row) | {"regel": "minimumfrequentie"}
        if row["locatie"] in ("utrecht", "liander")
        else row
        for row in rows
    ]
    write(tmp_path, "eerste", rows)
    assert {one.found.split(",")[0] for one in found_by(tmp_path, "singleton")} == {
        "N is known to site liander",
        "N is known to site utrecht",
    }


@pytest.mark.parametrize(("others", "is_found"), [(18, True), (11, False), (20, False)])
def test_who_stopped_between_two_steps(tmp_path, others, is_found):
    """Twenty have a job, eighteen a permanent one: two people have another."""
    steps = [
        tables.share("utrecht", "totaal", "totaal", "baan", 40, 21 if others == 11 else 20),
        tables.share("utrecht", "totaal", "totaal", "vaste_baan", 40, others),
    ]
    write(tmp_path, "eerste", published(steps))
    assert not failing(run(tmp_path))
    unlinked = RESULT.model_copy(update={"steps": ()})
    write(tmp_path, "eerste", published(steps, dataset=unlinked))
    assert bool(found_by(tmp_path, "steps")) is is_found


@pytest.mark.parametrize(("arm", "is_found"), [(38, True), (40, False), (30, False)])
def test_a_comparison_beside_the_results_of_the_same_people(tmp_path, arm, is_found):
    (row,) = published([tables.count("enschede", "meetmoment×arm", "2×interventie", "ladder", 40)])
    comparison = {
        "pilot_id": "P8",
        "locatie": "enschede",
        "leesdatum": "2021-10-15",
        "uitkomst": "ladder_tweede_meting",
        "horizon": "tweede meting",
        "groep_soort": "totaal",
        "groep": "totaal",
        "reeks": 1,
        "n_interventie": arm,
        "n_vergelijking": 50,
        "schatting": "1.0",
        "leveringen": row["leveringen"],
        "waarde_status": None,
        "regel": None,
    }
    write(tmp_path, "eerste", [row | {"pilot_id": "P8"}])
    write(tmp_path, "eerste", [comparison], "vergelijkingen")
    assert bool(found_by(tmp_path, "beside results")) is is_found


def test_two_readings_of_a_comparison(tmp_path):
    """One comparison read twice in the BI file: three people came in between."""
    columns = (
        "pilot_id VARCHAR, locatie VARCHAR, leesdatum DATE, uitkomst VARCHAR, horizon VARCHAR, "
        "groep_soort VARCHAR, groep VARCHAR, reeks INT, n_interventie INT, n_vergelijking INT, "
        "leveringen VARCHAR, waarde_status VARCHAR, regel VARCHAR"
    )
    (tmp_path / "serve" / "eerste").mkdir(parents=True)
    with duckdb.connect(str(tmp_path / "serve" / "eerste" / "via.duckdb")) as connection:
        connection.execute(f"CREATE TABLE schatting ({columns})")
        for day, people in (("2020-10-15", 60), ("2021-10-15", 63)):
            connection.execute(
                "INSERT INTO schatting VALUES ('P2', 'alle', ?, 'stage', 'einde', 'totaal', "
                "'totaal', 1, ?, 80, ?, NULL, NULL)",
                [day, people, f"p2-{day}"],
            )
    (one,) = found_by(tmp_path, "readings")
    assert "3 people" in one.found and one.address.endswith("interventie")


def test_words_beside_a_hidden_row(tmp_path):
    rows = [row | {"reden": None} for row in roomy()]
    write(tmp_path, "eerste", rows)
    assert not failing(run(tmp_path))
    hidden = next(row for row in rows if row["n"] is None)
    hidden["reden"] = "minder dan 250"
    write(tmp_path, "eerste", rows)
    assert not failing(run(tmp_path))
    hidden["reden"] = "slechts 4"
    write(tmp_path, "eerste", rows)
    assert found_by(tmp_path, "words")


def test_rows_in_the_order_of_their_size(tmp_path):
    rows = sorted(roomy(), key=lambda row: tuple(row[name] for name in KEY))
    described = {"name": "voorlopige_resultaten", "schema": {"primaryKey": list(KEY)}}
    write(tmp_path, "eerste", rows)
    package = tmp_path / "letters" / "eerste" / "datapackage.json"
    package.write_text(json.dumps({"leesdatum": "2021-01-01", "resources": [described]}))
    assert not failing(run(tmp_path))
    write(tmp_path, "eerste", rows[::-1])
    assert found_by(tmp_path, "order")


def test_metadata_of_the_run_is_looked_at(tmp_path):
    write(tmp_path, "eerste", roomy())
    entry = {"label": "rows_quarantined", "entry_data": {"value": 3}}
    (tmp_path / "dagster").mkdir()
    connection = sqlite3.connect(tmp_path / "dagster" / "index.db")
    connection.execute("CREATE TABLE event_logs (event TEXT)")
    for value in (3, 30):
        entry["entry_data"] = {"value": value}
        event = json.dumps({"dagster_event": {"metadata": [entry]}})
        connection.execute("INSERT INTO event_logs VALUES (?)", [event])
        connection.commit()
    connection.close()
    (one,) = [one for one in run(tmp_path) if one.attack == "run metadata"]
    assert one.severity is Severity.NOTICE and one.address == "rows_quarantined"


def test_nothing_published_is_no_success(tmp_path, capsys):
    assert main(["--home", str(tmp_path)]) == 2
    assert "nothing is published" in capsys.readouterr().err


def test_the_attacker_shares_nothing_with_the_protector():
    folder = Path(attack.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not [name for name in names if name.startswith("via_pipeline")], path.name


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<p>Fout: 3 rijen in a.csv</p>", "3 rijen"),
        ("<p>1 bestand,\n7 keer</p>", "7 keer"),
        ("<dt>Rijen</dt><dd>ongeveer 1.834</dd>", "rows, not in hundreds"),
        ('<script src="a.js"></script>', "the page asks for something"),
        ('<a href="https://voorbeeld.example">x</a>', "the page asks for something"),
    ],
)
def test_a_status_page_that_tells_of_people_is_found(tmp_path, text, what):
    folder = tmp_path / "reports" / "site"
    folder.mkdir(parents=True)
    good = "<dt>Rijen</dt><dd>ongeveer 1.800</dd><p>&lt;10 rijen, 12 keer, 1 bestand</p>"
    (folder / "index.html").write_text(good, encoding="utf-8")
    assert list(around._site(tmp_path)) == []
    (folder / "index.html").write_text(good + text, encoding="utf-8")
    (found,) = around._site(tmp_path)
    assert found.found == what and found.severity is Severity.HIGH
