import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from via_pipeline.contracts.model import load_all
from via_pipeline.disclosure import dictionary, run
from via_pipeline.disclosure.model import Breakdown, load_dataset, load_ruleset
from via_pipeline.disclosure.protect import protect
from via_pipeline.disclosure.sums import TableError
from via_pipeline.diversity import barometer, origin
from via_pipeline.intake import run as intake
from via_pipeline.storage import lake
from via_pipeline.storage.duck import work
from via_pipeline_tests.disclosure import tables

# Small sites too: what they may show is a rule of its own.
RESULT = load_dataset("resultaat").model_copy(update={"detail": None})
FREQUENCY = load_ruleset("minimumfrequentie")


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def rows_of(relation) -> list[dict]:
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def protected(connection, rows, ruleset=FREQUENCY, dataset=RESULT) -> list[dict]:
    tables.table(connection, "outcomes__result", tables.RESULT, rows)
    return rows_of(protect(connection, dataset, ruleset))


def by_group(rows, measure="baan") -> dict[str, dict]:
    return {row["groep"]: row for row in rows if row["maat"] == measure}


NUMBERS = st.integers(0, 45).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))
)


@st.composite
def cells(draw):
    sites = ["liander", "spoor", "utrecht"][: draw(st.integers(1, 3))]
    phases = ["intake", "opleiding", "afgerond"][: draw(st.integers(1, 3))]
    origins = ["nederlands", "niet_westers", "westers"][: draw(st.integers(1, 3))]
    return {
        (site, phase, origin): draw(NUMBERS)
        for site in sites
        for phase in phases
        for origin in origins
    }


def key(row: dict) -> tuple:
    return tuple(row[name] for name in RESULT.key)


def wide(published: list[dict], value: str, measure: str) -> bool:
    """Whether a hidden figure has a span of ten: the first and the last of them are asked."""
    hidden = tables.hidden_cells(published, value, measure)
    return all(
        tables.span(published, value, measure, one) >= 10 for one in hidden[:1] + hidden[-1:]
    )


@given(cells(), st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_order_of_rows_never_matters(made, shuffler):
    rows = tables.results(made)
    with duckdb.connect() as connection:
        published = protected(connection, rows)
        shuffler.shuffle(rows)
        assert protected(connection, rows) == published


@given(cells())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_hidden_can_be_worked_out_and_nothing_small_is_shown(made):
    rows = tables.results(made)
    with duckdb.connect() as connection:
        published = protected(connection, rows)
        truth = rows_of(connection.sql("FROM outcomes__result"))
    for row in published:
        if row["n"] is None:
            assert row["teller"] is None and row["waarde"] is None
        else:
            assert row["n"] >= 10
        if row["soort"] == "aandeel":
            assert (row["teller"] is None) == (row["waarde"] is None)
            if row["teller"] is not None:
                assert 10 <= row["teller"] <= row["n"] - 10
        hidden = row["waarde"] is None
        assert (row["waarde_status"] == "c") == hidden == (row["regel"] is not None)
    true = {key(row): row for row in truth}
    for row in published:
        source = true[key(row)]
        assert all(row[name] in (None, source[name]) for name in ("n", "teller", "waarde"))
    for value in ("n", "teller"):
        shares = [row for row in published if value == "n" or row["soort"] == "aandeel"]
        assert tables.recoverable(shares, value) == []
        assert all(wide(shares, value, measure) for measure in {row["maat"] for row in shares})
        known = [row for row in truth if value == "n" or row["soort"] == "aandeel"]
        assert tables.small_unions(shares, known, value, 10) == []
        for site in {site for site, *_ in made}:
            # Who knows the figures of one site does not learn those of another.
            own = [true[key(row)] if row["locatie"] == site else row for row in shares]
            found = {cell[0] for _, cell in tables.recoverable(own, value)}
            assert found <= {"alle"}


def test_the_attacker_of_the_test_above_succeeds_when_one_protecting_cell_is_shown(connection):
    made = {
        ("utrecht", "intake", origin): (n, n // 2, n // 2)
        for origin, n in (("nederlands", 60), ("westers", 6), ("niet_westers", 40))
    }
    published = protected(connection, tables.results(made))
    assert tables.recoverable(published, "n") == []
    for row in published:
        if row["groep"].endswith("niet_westers") and row["n"] is None:
            row["n"] = 40
    assert tables.recoverable(published, "n") != []


def test_one_small_group_takes_the_smallest_other_with_it(connection):
    rows = [
        tables.share("alle", "totaal", "totaal", "baan", 146, 60),
        tables.share("alle", "herkomst_oud", "nederlands", "baan", 100, 40),
        tables.share("alle", "herkomst_oud", "westers", "baan", 6, 3),
        tables.share("alle", "herkomst_oud", "niet_westers", "baan", 40, 17),
    ]
    found = by_group(protected(connection, rows))
    assert {group: row["regel"] for group, row in found.items()} == {
        "totaal": None,
        "nederlands": None,
        "westers": "minimumfrequentie",
        "niet_westers": "minimumfrequentie",
    }
    assert found["nederlands"]["waarde"] == 40
    assert found["nederlands"]["waarde_status"] is None


def test_a_small_numerator_hides_the_share_and_keeps_the_count(connection):
    rows = [
        tables.share("alle", "totaal", "totaal", "baan", 100, 50),
        tables.share("alle", "fase", "intake", "baan", 30, 4),
        tables.share("alle", "fase", "opleiding", "baan", 30, 20),
        tables.share("alle", "fase", "afgerond", "baan", 40, 26),
    ]
    found = by_group(protected(connection, rows))
    assert (found["intake"]["n"], found["intake"]["teller"], found["intake"]["waarde"]) == (
        30,
        None,
        None,
    )
    assert found["opleiding"]["teller"] is None
    # The rule's name does not tell which of the two was too small.
    assert found["opleiding"]["regel"] == found["intake"]["regel"] == "minimumfrequentie"
    assert found["afgerond"]["teller"] == 26


def test_a_share_of_all_or_none_is_hidden_under_a_name_that_does_not_tell_which(connection):
    rows = [
        tables.share("alle", "totaal", "totaal", "baan", 50, 50),
        tables.share("alle", "totaal", "totaal", "stage", 50, 0),
    ]
    found = protected(connection, rows)
    assert {(row["teller"], row["waarde"], row["regel"]) for row in found} == {
        (None, None, "minimumfrequentie")
    }


def test_the_same_people_are_hidden_in_every_measure_about_them(connection):
    # 'deelnemers' has only a small group; for 'baan' another group would be cheaper to add. Were
    # the patterns to differ, each measure would give back what the other one hides.
    rows = []
    for group, n, teller in (("a", 6, 3), ("b", 40, 20), ("c", 50, 11), ("d", 60, 30)):
        rows += [
            tables.share("alle", "fase", group, "baan", n, teller),
            tables.count("alle", "fase", group, "deelnemers", n),
            tables.mean("alle", "fase", group, "ladder", n, "3.5"),
        ]
    rows += [
        tables.share("alle", "totaal", "totaal", "baan", 156, 64),
        tables.count("alle", "totaal", "totaal", "deelnemers", 156),
        tables.mean("alle", "totaal", "totaal", "ladder", 156, "3.5"),
    ]
    published = protected(connection, rows)
    patterns = {
        measure: {g for g, row in by_group(published, measure).items() if row["n"] is None}
        for measure in ("baan", "deelnemers", "ladder")
    }
    assert patterns["baan"] == patterns["deelnemers"] == patterns["ladder"] == {"a", "b"}


def test_a_stage_that_is_the_next_ones_denominator_is_hidden_there_too(connection):
    # Everybody invited is who can be hired: the numerator of the first is the count of the second.
    rows = []
    for group, n, invited, hired in (("x", 80, 40, 20), ("y", 80, 6, 3), ("z", 80, 30, 15)):
        rows.append(tables.share("alle", "nudge", group, "uitgenodigd", n, invited))
        rows.append(tables.share("alle", "nudge", group, "aangenomen", invited, hired))
    rows.append(tables.share("alle", "totaal", "totaal", "uitgenodigd", 240, 76))
    rows.append(tables.share("alle", "totaal", "totaal", "aangenomen", 76, 38))
    published = protected(connection, rows)
    invited, hired = by_group(published, "uitgenodigd"), by_group(published, "aangenomen")
    for group in "xyz":
        assert (invited[group]["teller"] is None) == (hired[group]["n"] is None)
    assert invited["y"]["teller"] is None


def test_two_small_groups_are_not_left_as_one_small_union(connection):
    rows = [
        tables.count("alle", "fase", group, "deelnemers", n)
        for group, n in (("a", 2), ("b", 3), ("c", 40), ("d", 90))
    ] + [tables.count("alle", "totaal", "totaal", "deelnemers", 135)]
    found = by_group(protected(connection, rows), "deelnemers")
    assert {group for group, row in found.items() if row["n"] is None} == {"a", "b", "c"}


def test_few_people_are_not_known_together_by_adding_sums_up_either(connection):
    """Each sum by itself leaves enough; two sums less a third left a few people in two cells."""
    dataset = RESULT.model_copy(
        update={"sites": RESULT.sites.model_copy(update={"know_their_own": False})}
    )
    people = {
        ("spoor", "intake", "nederlands"): 2,
        ("spoor", "intake", "niet_westers"): 10,
        ("liander", "intake", "nederlands"): 0,
        ("liander", "intake", "niet_westers"): 2,
    }
    made = {cell: (n, 0, 0) for cell, n in people.items()}
    rows = [row for row in tables.results(made) if row[6] == "deelnemers"]
    published = protected(connection, rows, dataset=dataset)
    hidden = tables.hidden_cells(published, "n", "deelnemers")
    assert hidden
    for cell in hidden:
        assert tables.span(published, "n", "deelnemers", cell) >= 10


def test_sites_do_not_give_each_other_back(connection):
    rows = [
        tables.count(site, "totaal", "totaal", "deelnemers", n)
        for site, n in (("alle", 98), ("liander", 30), ("spoor", 8), ("utrecht", 60))
    ]
    found = {row["locatie"]: row["regel"] for row in protected(connection, rows)}
    assert found == {
        "alle": None,
        "liander": "minimumfrequentie",
        "spoor": "minimumfrequentie",
        # With two hidden, either site would know the other's.
        "utrecht": "minimumfrequentie",
    }


def test_income_rules_hide_as_unreliable_and_round(connection):
    rows = [
        tables.share("alle", "totaal", "totaal", "baan", 99, 50),
        tables.share("alle", "totaal", "totaal", "stage", 149, 40),
        tables.count("alle", "totaal", "totaal", "deelnemers", 48),
        tables.mean("alle", "totaal", "totaal", "ladder", 99, "3.5"),
    ]
    found = {row["maat"]: row for row in protected(connection, rows, load_ruleset("cbs_inkomen"))}
    assert (found["baan"]["waarde"], found["baan"]["waarde_status"]) == (None, "u")
    assert found["ladder"]["waarde_status"] == "u"
    assert (found["stage"]["n"], found["stage"]["teller"]) == (100, None)
    assert (found["deelnemers"]["waarde"], found["deelnemers"]["waarde_status"]) == (None, "k")


def test_public_figures_pass_with_their_source(connection):
    tables.table(
        connection,
        "context__werkloosheid",
        tables.WERKLOOSHEID,
        [
            ("2020KW03", "Westers", "5.3", "1.6", "CBS", "82809NED", "V"),
            ("2021KW03", "Westers", None, None, "CBS", "82809NED", "V"),
        ],
    )
    found = rows_of(protect(connection, load_dataset("covid_context"), load_ruleset("openbaar")))
    assert [(str(r["werkloosheid_pct"]), r["bron"], r["waarde_status"]) for r in found] == [
        ("5.3", "CBS", None),
        ("None", "CBS", "x"),
    ]
    assert {row["is_synthetisch"] for row in found} == {False}


class TestBarometer:
    def run(self, connection, groups):
        """``groups``: (kenmerk, subgroep) -> three sizes per classification, or None."""
        rows = []
        for (kenmerk, subgroep), sizes in groups.items():
            for indeling in ("oud", "2022"):
                if sizes is None:
                    row = tables.barometer_row(
                        kenmerk, subgroep, indeling, "niet_toegestaan", None, None
                    )
                    rows.append(row)
                    continue
                for name, size in zip("abc", sizes, strict=True):
                    rows.append(
                        tables.barometer_row(kenmerk, subgroep, indeling, name, sum(sizes), size)
                    )
        random.Random(1).shuffle(rows)
        tables.table(connection, "diversity__barometer", tables.BAROMETER, rows)
        # Where nobody has two jobs, the subgroups add up to the whole of this table itself.
        adding_up = Breakdown(names="kenmerk", values="subgroep", whole="totaal", joined_by="×")
        dataset = load_dataset("diversiteit").model_copy(update={"breakdown": adding_up})
        found = rows_of(protect(connection, dataset, load_ruleset("barometer")))
        for row in found:
            assert (row["n"] is None) == (row["teller"] is None) == (row["aandeel_pct"] is None)
        return {
            (row["kenmerk"], row["subgroep"]): (row["aandeel_pct"], row["regel"])
            for row in found
            if row["categorie"] in ("c", "niet_toegestaan")
        }

    def test_250_is_enough_and_249_is_not(self, connection):
        whole = ("totaal", "totaal")
        assert self.run(connection, {whole: (200, 30, 20)})[whole] == (8, None)
        assert self.run(connection, {whole: (200, 30, 19)})[whole] == (None, "minimaal_250")

    def test_one_small_origin_group_hides_all_three(self, connection):
        self.run(connection, {("totaal", "totaal"): (600, 391, 9)})
        found = connection.sql(
            "SELECT DISTINCT n, teller, aandeel_pct, waarde_status, regel "
            "FROM disclosure__diversiteit ORDER BY regel"
        ).fetchall()
        assert {row[:4] for row in found} == {(None, None, None, "c")}

    def of_two_classifications(self, connection, *, only: bool = True) -> list[dict]:
        """Published rows of (sub)groups that both classifications count, of two days.

        Per (sub)group the sizes in the old one; the last number is how many were born abroad to two
        parents born here, whom the new one counts elsewhere.
        """
        groups = {
            ("totaal", "totaal"): (900, 300, 200, 7),
            ("onderdeel", "noord"): (500, 150, 100, 1),
            ("onderdeel", "zuid"): (400, 150, 100, 6),
            ("functieniveau", "1"): (500, 160, 110, 4),
            ("functieniveau", "2"): None,
        }
        rows = []
        for day in ("2022-08-31", "2022-09-01"):
            for (kenmerk, subgroep), sizes in groups.items():
                for indeling, names in origin.GROUPS.items():
                    place = (kenmerk, subgroep, indeling)
                    if sizes is None:
                        rows.append(
                            tables.barometer_row(*place, barometer.NOT_ALLOWED, None, None, day)
                        )
                        continue
                    here, west, elsewhere, moved = sizes
                    counted = (
                        (here, west, elsewhere)
                        if indeling == "oud"
                        else (here - moved, west - 40, elsewhere + 40 + moved)
                    )
                    for name, size in zip(names, counted, strict=True):
                        rows.append(tables.barometer_row(*place, name, sum(sizes[:3]), size, day))
        random.Random(2).shuffle(rows)
        tables.table(connection, "diversity__barometer", tables.BAROMETER, rows)
        dataset = load_dataset("diversiteit")
        if not only:
            dataset = dataset.model_copy(update={"only": None})
        return rows_of(protect(connection, dataset, load_ruleset("barometer")))

    def differences(self, published: list[dict]) -> dict[tuple, set[int]]:
        """What an outsider gets by taking one classification's category from the other's."""
        groups = defaultdict(list)
        for row in published:
            place = ("organisatie", "peildatum", "kenmerk", "subgroep")
            groups[tuple(str(row[name]) for name in place)].append(row)
        return {
            group: {
                abs(one["teller"] - other["teller"])
                for one, other in combinations(rows, 2)
                if one["indeling"] != other["indeling"]
                and None not in (one["teller"], other["teller"])
            }
            for group, rows in groups.items()
        }

    def test_no_difference_between_classifications_can_be_formed(self, connection):
        published = self.of_two_classifications(connection)
        found = self.differences(published)
        assert len(found) == 10
        assert not any(found.values())
        assert any(row["teller"] is not None for row in published)

    def test_the_attack_on_both_classifications_finds_the_few(self, connection):
        """Seven of the whole organisation were born abroad to two parents born here."""
        found = self.differences(self.of_two_classifications(connection, only=False))
        for day in ("2022-08-31", "2022-09-01"):
            assert 7 in found["Voorbeeld", day, "totaal", "totaal"]

    def test_a_subgroup_is_told_in_the_classification_of_its_day(self, connection):
        published = self.of_two_classifications(connection)
        told = defaultdict(set)
        for row in published:
            place = (str(row["peildatum"]), row["kenmerk"], row["subgroep"])
            told[place].add((row["indeling"], row["categorie"]))
        for (day, _, subgroup), rows in told.items():
            indeling = "2022" if day == "2022-09-01" else "oud"
            withheld = subgroup == "2"
            names = [barometer.NOT_ALLOWED] if withheld else origin.GROUPS[indeling]
            assert rows == {(indeling, name) for name in names}, (day, subgroup)
        assert len(told) == 10

    def test_a_day_that_is_not_known_is_told_in_one_classification_too(self, connection):
        rows = [
            tables.barometer_row("totaal", "totaal", indeling, name, 1000, size, None)
            for indeling, names in origin.GROUPS.items()
            for name, size in zip(names, (600, 300, 100), strict=True)
        ]
        tables.table(connection, "diversity__barometer", tables.BAROMETER, rows)
        found = rows_of(protect(connection, load_dataset("diversiteit"), load_ruleset("barometer")))
        assert [row["indeling"] for row in found] == ["oud"] * 3

    def test_a_small_subgroup_takes_another_with_it(self, connection):
        found = self.run(
            connection,
            {
                ("totaal", "totaal"): (800, 200, 100),
                ("schaal", "1"): (320, 60, 50),
                ("schaal", "2"): (280, 130, 45),
                ("schaal", "3"): (200, 10, 5),
            },
        )
        assert found["schaal", "3"][0] is None
        assert found["schaal", "1"] == (None, "herkomstgroep")
        assert found["schaal", "2"][0] is not None

    def test_a_subgroup_that_was_never_computed_is_no_difference_either(self, connection):
        found = self.run(
            connection,
            {
                ("totaal", "totaal"): (800, 200, 100),
                ("schaal", "1"): (320, 60, 50),
                ("schaal", "2"): (280, 130, 45),
                ("schaal", "3"): None,
            },
        )
        assert found["schaal", "3"] == (None, "minimaal_250")
        assert found["schaal", "1"] == (None, "herkomstgroep")
        assert found["schaal", "2"][0] is not None


def test_reach_is_protected_and_no_delivery_is_not_a_secret(connection):
    rows = [
        tables.stand_row("P6", "alle", 3, 98),
        tables.stand_row("P6", "spoor", 1, 8),
        tables.stand_row("P6", "liander", 1, 30),
        tables.stand_row("P6", "utrecht", 1, 60),
        tables.stand_row("P1", "alle", 0, 0),
    ]
    tables.table(connection, "pilots__stand", tables.STAND, rows)
    found = rows_of(protect(connection, load_dataset("stand_van_zaken"), FREQUENCY))
    assert {
        (r["pilot_id"], r["locatie"]): (r["deelnemers_n"], r["waarde_status"]) for r in found
    } == {
        ("P1", "alle"): (None, "x"),
        ("P6", "alle"): (98, None),
        ("P6", "liander"): (None, "c"),
        ("P6", "spoor"): (None, "c"),
        ("P6", "utrecht"): (None, "c"),
    }


def test_a_column_without_description_is_not_published(connection):
    columns = tables.WERKLOOSHEID + ", persoon_id VARCHAR"
    tables.table(connection, "context__werkloosheid", columns, [])
    with pytest.raises(TableError, match="persoon_id"):
        protect(connection, load_dataset("covid_context"), load_ruleset("openbaar"))


def test_two_rows_of_one_key_are_refused_without_naming_them(connection):
    rows = [tables.count("spoor", "totaal", "totaal", "deelnemers", 33)] * 2
    with pytest.raises(TableError, match="two rows share the key") as caught:
        protected(connection, rows)
    assert "spoor" not in str(caught.value) and "33" not in str(caught.value)


def test_every_published_dataset_has_words_for_table_and_columns():
    for name in dictionary.tables():
        assert dictionary.title(name) and dictionary.description(name)
        assert list(dictionary.columns(name))[-2:] == ["waarde_status", "regel"]
        assert all(text.strip() for text in dictionary.columns(name).values())
        assert load_dataset(name).source


def test_reach_is_about_organisations_and_never_counts_people_or_one_employer(tmp_path):
    home = tables.home_in(tmp_path)
    tables.example(home)
    run.protect(home)
    with work() as connection:
        lake.view(connection, home.lake, "disclosure__bereik")
        found = connection.sql("SELECT locatie, soort, stand, n FROM disclosure__bereik ORDER BY n")
        assert found.fetchall() == [
            ("alle", "werkgevers", "geleverd", 3),
            ("alle", "werkgevers", "gepland", 20),
        ]


def test_a_register_rejected_in_the_first_run_is_told_by_its_file_and_what_to_do(tmp_path):
    home = tables.home_in(tmp_path)
    tables.example(home)
    (home.lake / "register__maatregel" / "_manifest.json").unlink()
    with pytest.raises(run.NothingTakenIn, match="no delivery of maatregel") as caught:
        run.protect(home)
    assert "vervolgstap" in str(caught.value) and "niets vervangen" in str(caught.value)
    folder = home.data / "register"
    folder.mkdir(parents=True)
    (folder / "maatregel.csv").write_text("kolom\nwaarde\n", encoding="utf-8")
    (contract,) = [one for one in load_all() if one.source == "register"]
    now = datetime.now(tz=UTC) + timedelta(minutes=5)
    intake.take_in(home, contract, run_id="run-1", now=now)
    with pytest.raises(run.NothingTakenIn) as caught:
        run.protect(home)
    told = str(caught.value)
    assert "maatregel (register) was rejected" in told and "via check" in told
    (home.lake / "outcomes__result" / "_manifest.json").unlink()
    with pytest.raises(run.NothingTakenIn, match=r"outcomes__result.*via broken"):
        run.protect(home)
