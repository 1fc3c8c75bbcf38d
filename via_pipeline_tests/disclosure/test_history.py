"""Two publications: a corrected delivery, and somebody who was erased in between, attacked."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from attack.__main__ import run as outsider
from attack.findings import failing
from via_pipeline.disclosure import history, record
from via_pipeline.disclosure.model import load_dataset, load_ruleset
from via_pipeline.disclosure.protect import protect_all
from via_pipeline_tests.disclosure import tables

FREQUENCY = load_ruleset("minimumfrequentie")
RESULT = load_dataset("resultaat").model_copy(update={"detail": None})
NAMES = ("nederlands", "westers", "niet_westers", "onbekend")


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def over(deliveries: str, rows: list[tuple]) -> list[tuple]:
    return [(*row[:16], deliveries, *row[17:]) for row in rows]


def groups(*sizes: int) -> list[tuple]:
    rows = [
        tables.count("alle", "herkomst_oud", name, "deelnemers", size)
        for name, size in zip(NAMES, sizes, strict=True)
    ]
    return [*rows, tables.count("alle", "totaal", "totaal", "deelnemers", sum(sizes))]


class Published:
    """Publications one after another, as an outsider keeps them, with what the house remembers."""

    def __init__(self, connection, folder: Path) -> None:
        self.connection, self.folder = connection, folder
        self.earlier: list[dict[str, list[str]]] = []
        self.truths: dict[tuple[str, str, str, str], list[int]] = {}

    def publish(self, rows, *, knows: bool = True) -> dict[tuple, int | None]:
        """Protect ``rows`` after all before; (site, kind of group, group, measure) -> n."""
        tables.table(self.connection, "outcomes__result", tables.RESULT, rows)
        truths: history.Truths = self.truths if knows else {}
        made = protect_all(self.connection, [(RESULT, FREQUENCY)], self.earlier, False, truths)
        for *place, value in made.proof.hidden:
            self.truths.setdefault(tuple(place), []).append(value)
        name = f"uitgave_{len(self.earlier)}"
        self.connection.execute(f"CREATE TABLE {name} AS FROM disclosure__resultaat")
        self.earlier.append({"resultaat": [name]})
        self.write(name)
        return {
            place: n
            for *place, n in self.connection.execute(
                f"SELECT locatie, groep_soort, groep, maat, n FROM {name}"
            ).fetchall()
            for place in (tuple(place),)
        }

    def write(self, name: str) -> None:
        found = self.connection.execute(f"FROM {name}")
        folder = self.folder / "letters" / name
        folder.mkdir(parents=True)
        with (folder / "voorlopige_resultaten.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow([column for column, *_ in found.description])
            out.writerows(
                [str(cell).lower() if isinstance(cell, bool) else cell for cell in row]
                for row in found.fetchall()
            )

    def found(self) -> list:
        """What the outsider finds in all of it."""
        return failing(outsider(self.folder))


@pytest.fixture
def published(connection, tmp_path):
    return Published(connection, tmp_path)


def by_group(shown: Mapping[tuple, int | None]) -> dict[str, int | None]:
    return {group: n for (_, _, group, _), n in shown.items()}


def hidden(shown: Mapping[tuple, int | None]) -> set[str]:
    return {group for group, n in by_group(shown).items() if n is None}


class TestCorrections:
    """Over a corrected delivery 30 people moved between two groups; the small one is as it was."""

    BEFORE, AFTER = groups(4, 20, 60, 70), groups(4, 20, 15, 115)

    def test_what_was_hidden_with_a_small_group_is_not_shown_after_a_correction(self, published):
        assert hidden(published.publish(over("p6-1", self.BEFORE))) == {"nederlands", "westers"}
        # By itself the second would hide 4 and 15, and show the 20: 24 - 20 = 4.
        after = published.publish(over("p6-2", self.AFTER))
        assert {"nederlands", "westers"} <= hidden(after)
        assert published.found() == []

    def test_without_looking_back_the_outsider_finds_the_four(self, published, monkeypatch):
        monkeypatch.setattr(history, "_unchanged", lambda *_: None)
        published.publish(over("p6-1", self.BEFORE))
        after = published.publish(over("p6-2", self.AFTER))
        assert by_group(after)["westers"] == 20
        (one,) = [one for one in published.found() if one.attack == "unchanged"]
        assert one.found.startswith("N = 4,")

    def test_what_was_shown_protects_nothing_after_a_correction(self, published):
        """The second edition may not hide the 20 to protect: everybody supposes it is still 20."""
        first = published.publish(over("p6-1", groups(14, 20, 60, 70)))
        assert hidden(first) == set()
        after = published.publish(over("p6-2", groups(4, 20, 60, 80)))
        assert by_group(after)["nederlands"] is None
        assert by_group(after)["westers"] == 20, "out already, and as good as known"
        assert by_group(after)["onbekend"] is None or by_group(after)["totaal"] is None
        assert not [one for one in published.found() if one.attack == "unchanged"]

    @pytest.mark.parametrize(("grown", "is_told"), [(8, False), (13, False), (14, True)])
    def test_a_hidden_group_is_told_once_it_has_become_another_number(
        self, published, grown, is_told
    ):
        """Four before: until it counts ten more it could be taken for what was hidden."""
        published.publish(over("p6-1", groups(4, 90, 60, 70)))
        after = published.publish(over("p6-1 p6-2", groups(grown, 190, 160, 170)))
        assert (by_group(after)["nederlands"] is not None) is is_told

    def test_what_the_house_does_not_know_stays_hidden(self, published):
        published.publish(over("p6-1", groups(4, 90, 60, 70)))
        after = published.publish(over("p6-1 p6-2", groups(40, 190, 160, 170)), knows=False)
        assert by_group(after)["nederlands"] is None

    def test_a_group_of_which_nothing_was_delivered_before_was_not_hidden(self, connection):
        state = load_dataset("stand_van_zaken")
        for number, people in ((0, 0), (1, 40)):
            rows = [tables.stand_row("P6", "alle", number, people)]
            tables.table(connection, "pilots__stand", tables.STAND, rows)
            earlier = [{"stand_van_zaken": ["eerste"]}] if number else []
            protect_all(connection, [(state, FREQUENCY)], earlier)
            connection.execute("CREATE OR REPLACE TABLE eerste AS FROM disclosure__stand_van_zaken")
        assert connection.execute("SELECT deelnemers_n FROM eerste").fetchone() == (40,)


CELLS = {
    (site, phase, origin): (80 + 3 * number, 30 + number, 32 + number)
    for number, (site, phase, origin) in enumerate(
        (site, phase, origin)
        for site in ("utrecht", "liander", "spoor")
        for phase in ("intake", "opleiding")
        for origin in NAMES[:3]
    )
}


def without_one(phase: str, origin: str, site: str = "utrecht") -> dict:
    """The same people but one, who had neither outcome."""
    n, first, second = CELLS[site, phase, origin]
    return CELLS | {(site, phase, origin): (n - 1, first, second)}


class TestErased:
    """One person is erased, or objects, between two releases over the same deliveries."""

    def two(self, published, after: dict) -> dict[tuple, int | None]:
        first = published.publish(tables.results(CELLS))
        assert None not in first.values(), "everything was told before"
        return published.publish(tables.results(after))

    def test_no_difference_of_one_can_be_formed(self, published):
        self.two(published, without_one("intake", "westers"))
        assert published.found() == []

    def test_without_looking_back_the_outsider_finds_the_one(self, published, monkeypatch):
        monkeypatch.setattr(history, "_need_for_difference", lambda *_: None)
        monkeypatch.setattr(history, "_few_left", lambda *_: False)
        self.two(published, without_one("intake", "westers"))
        assert {one.found.split(": ")[-1] for one in published.found()} >= {"1 people"}

    def test_what_goes_dark_does_not_tell_in_which_group_the_person_was(self, connection, tmp_path):
        """Else who knows that somebody objected would read their origin from what is missing."""
        seen = set()
        for number, (phase, origin) in enumerate(
            [("intake", "westers"), ("intake", "nederlands"), ("opleiding", "niet_westers")]
        ):
            with duckdb.connect() as own:
                publications = Published(own, tmp_path / str(number))
                after = self.two(publications, without_one(phase, origin))
            seen.add(frozenset(after.items()))
            assert {place for place, n in after.items() if n is None} == {
                place for place in after if place[0] in ("utrecht", "alle")
            }
        assert len(seen) == 1

    def test_the_next_release_says_the_same(self, published):
        second = self.two(published, without_one("intake", "westers"))
        assert published.publish(tables.results(without_one("intake", "westers"))) == second

    def test_ten_who_leave_together_hide_nobody(self, published):
        n, first, second = CELLS["utrecht", "intake", "westers"]
        cells = CELLS | {("utrecht", "intake", "westers"): (n - 20, first - 10, second - 10)}
        after = self.two(published, cells)
        assert None not in after.values()
        assert published.found() == []


class TestAnOrganisationLeft:
    """A table that counts its deliveries: an organisation with 75 people objected in between."""

    BEFORE, AFTER = groups(100, 200, 300, 400), groups(80, 195, 270, 380)

    @pytest.fixture(autouse=True)
    def _counts_its_deliveries(self, monkeypatch):
        counting = RESULT.model_copy(update={"deliveries": None, "rests_on": "leveringen"})
        monkeypatch.setattr(f"{__name__}.RESULT", counting)

    def test_a_small_difference_is_hidden_and_the_rest_is_told(self, published):
        published.publish(over("8 leveringen", self.BEFORE))
        after = published.publish(over("7 leveringen", self.AFTER))
        assert "westers" in hidden(after), "five of it were of that organisation"
        assert by_group(after)["totaal"] == 925
        assert published.found() == []

    def test_over_the_same_number_of_deliveries_somebody_may_have_been_erased(self, published):
        published.publish(over("8 leveringen", self.BEFORE))
        after = published.publish(over("8 leveringen", self.AFTER))
        assert set(by_group(after).values()) == {None}


def test_what_was_hidden_is_remembered_over_all_deliveries_and_stays_inside(tmp_path):
    home = tables.home_in(tmp_path)
    for deliveries, small in (("p6-1", 4), ("p6-2", 7), ("p6-1", 3)):
        with duckdb.connect() as connection:
            rows = over(deliveries, groups(small, 20, 60, 70))
            tables.table(connection, "outcomes__result", tables.RESULT, rows)
            made = protect_all(connection, [(RESULT, FREQUENCY)])
            record.keep(home, connection, "bi", made.proof)
    place = "P6 / p6_leren_werken / alle / 2020H2 / herkomst_oud / nederlands / deelnemers"
    found = record.truths(home)
    assert sorted(found["resultaat", place, "N", "p6-1"]) == [3, 4], "an erasure leaves two"
    assert found["resultaat", place, "N", "p6-2"] == [7]
    assert (home.lake / record.HIDDEN).exists()
