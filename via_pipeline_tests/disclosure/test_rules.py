"""Each kind of rule at its borders, by the published table: nothing here asks the rule itself.

Whether a mean may be shown is worked out from the single amounts, written down in the test.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attack import sums as outsider
from attack.cells import cells, shape_of
from attack.publication import Table
from via_pipeline.disclosure.model import (
    Hides,
    Impossible,
    Rule,
    RuleSetError,
    Zeros,
    load_dataset,
    load_datasets,
    load_ruleset,
)
from via_pipeline.disclosure.protect import protect, protect_all
from via_pipeline.disclosure.sums import TableError
from via_pipeline.outcomes import compute
from via_pipeline_tests.disclosure import tables

RESULT = load_dataset("resultaat").model_copy(update={"detail": None})
FREQUENCY = load_ruleset("minimumfrequentie")
AMOUNTS = load_ruleset("grootheden")
INCOME = load_ruleset("cbs_inkomen")


def published(rows, ruleset, dataset=RESULT) -> dict[tuple[str, str], dict]:
    """Group and measure -> the published row."""
    with duckdb.connect() as connection:
        tables.table(connection, "outcomes__result", tables.RESULT, rows)
        found = protect(connection, dataset, ruleset)
        made = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    assert not any(name.startswith("_") for row in made for name in row)
    return {(row["groep"], row["maat"]): row for row in made}


def mean_of(amounts, group: str = "totaal", names: str = "totaal") -> tuple:
    """A row of the mean of ``amounts``, as the room of outcomes would make it."""
    by_size = sorted((abs(Decimal(one)) for one in amounts), reverse=True)
    value = Decimal(sum(map(Decimal, amounts))) / len(amounts)
    largest = (by_size[0], by_size[1] if len(by_size) > 1 else None)
    return tables.mean("alle", names, group, "duur", len(amounts), f"{value:.4f}", largest)


def told(rows, ruleset) -> tuple:
    (row,) = published(rows, ruleset).values()
    return row["waarde"], row["waarde_status"], row["regel"]


class TestDominance:
    """grootheden: the two largest have at most 75% of the sum."""

    # 16 amounts of 1 make 16; 75% of 64 is 48.
    SMALL = (1,) * 16

    def test_exactly_75_per_cent_is_shown_and_one_more_is_not(self):
        assert told([mean_of((30, 18, *self.SMALL))], AMOUNTS)[1:] == (None, None)
        assert told([mean_of((31, 18, *self.SMALL))], AMOUNTS) == (None, "c", "grootheden")

    def test_two_hidden_sums_are_not_dominated_together(self):
        """By itself the second is fine; with the first its largest two have 160 of 210."""
        groups = {
            "a": (100, *(1,) * 10),
            "b": (60, 10, 10, 10, *(1,) * 10),
            "c": (25,) * 30,
            "d": (26,) * 31,
        }
        every = [one for amounts in groups.values() for one in amounts]
        rows = [mean_of(amounts, name, "fase") for name, amounts in groups.items()]
        found = published([*rows, mean_of(every)], AMOUNTS)
        hidden = {group for (group, _), row in found.items() if row["waarde"] is None}
        if "totaal" not in hidden:
            together = sorted((x for name in hidden for x in groups[name]), reverse=True)
            assert 100 * sum(together[:2]) <= 75 * sum(together)
        assert hidden > {"a"}

    def test_the_count_stays(self):
        (row,) = published([mean_of((900, 18, *self.SMALL))], AMOUNTS).values()
        assert (row["n"], row["waarde"]) == (15, None), "18 people, on the middle of 13 to 18"


class TestPPercent:
    """minimumfrequentie, which the pilots follow: the rest is at least 10% of the largest."""

    def test_the_rest_of_ten_per_cent_is_enough_and_less_is_not(self):
        rest = (1,) * 10
        assert told([mean_of((100, 80, *rest))], FREQUENCY)[1:] == (None, None)
        assert told([mean_of((101, 80, *rest))], FREQUENCY) == (None, "c", "minimumfrequentie")

    @given(st.lists(st.integers(1, 400), min_size=10, max_size=14))
    @settings(max_examples=25, deadline=None)
    def test_whoever_is_second_can_never_tell_the_largest_of_a_shown_mean(self, amounts):
        value, _, rule = told([mean_of(amounts)], FREQUENCY)
        largest, second, *_ = sorted(amounts, reverse=True)
        # The second knows the sum and the own amount: the largest is at most the sum without it.
        surplus = Fraction(sum(amounts) - second - largest, largest)
        assert (value is None) == (surplus < Fraction(10, 100)) == (rule is not None)

    def test_a_group_is_not_what_the_others_leave_of_the_total(self):
        """The sum behind the hidden mean does not follow from the total and the other groups."""
        groups = {
            "a": (400, 20, *(1,) * 10),
            "b": (20,) * 12,
            "c": (21,) * 15,
            "d": (25,) * 30,
        }
        every = [one for amounts in groups.values() for one in amounts]
        rows = [mean_of(amounts, name, "fase") for name, amounts in groups.items()]
        found = published([*rows, mean_of(every)], FREQUENCY)
        hidden = {group for (group, _), row in found.items() if row["waarde"] is None}
        assert "a" in hidden and len(hidden) > 1
        assert {row["n"] for row in found.values()} == {12, 15, 30, 69}, "every count is shown"
        assert "totaal" in hidden or len(hidden & set(groups)) > 1

    def test_a_mean_of_which_the_source_tells_no_contributions_is_refused(self):
        row = tables.mean("alle", "totaal", "totaal", "duur", 40, "3.5", (None, None))
        with pytest.raises(TableError, match=r"p_procent.*contributions of resultaat|name their"):
            published([row], FREQUENCY)

    def test_a_source_without_the_columns_is_refused(self):
        dataset = RESULT.model_copy(update={"contributions": ("_elders",)})
        with pytest.raises(TableError, match="_elders"):
            published([mean_of((1,) * 20)], FREQUENCY, dataset)


class TestExtremes:
    """cbs_inkomen: neither smallest nor largest more than 30% of the sum, by absolute size."""

    def test_exactly_30_per_cent_is_shown_and_more_is_not(self):
        rest = (1,) * 140
        assert told([mean_of((60, *rest))], INCOME)[1:] == (None, None)
        assert told([mean_of((61, *rest))], INCOME) == (None, "c", "onthullingsrisico")

    def test_a_large_loss_is_an_extreme_too(self):
        rest = (2,) * 140
        # 280 - 60 = 220, of which 60 is 27%; 280 - 70 = 210, of which 70 is a third.
        assert told([mean_of((-60, *rest))], INCOME)[1:] == (None, None)
        assert told([mean_of((-70, *rest))], INCOME) == (None, "c", "onthullingsrisico")

    def test_amounts_that_cancel_out_are_dominated(self):
        assert told([mean_of((-100, *(1,) * 100))], INCOME)[0] is None

    def test_a_sum_below_zero_is_looked_at_by_its_size(self):
        assert told([mean_of((-1,) * 140)], INCOME)[1:] == (None, None)
        assert told([mean_of((-100, *(-1,) * 140))], INCOME)[1] == "c"

    def test_fewer_than_a_hundred_stay_unreliable(self):
        assert told([mean_of((3,) * 99)], INCOME) == (None, "u", "minimale_noemer")
        assert told([mean_of((3,) * 100)], INCOME)[1] is None


@pytest.mark.parametrize(
    ("people", "shown"),
    [(0, 0), (10, 9), (12, 9), (13, 15), (18, 15), (19, 21)],
)
def test_midpoint_rounding_goes_to_the_middle_and_zero_stays_zero(people, shown):
    rows = [tables.count("alle", "totaal", "totaal", "deelnemers", people)]
    (row,) = published(rows, AMOUNTS).values()
    # By the definition: sixes counted up, less half of six; checked by counting on fingers.
    middle = next((top - 3 for top in range(6, 60, 6) if 0 < people <= top), 0)
    assert row["n"] == shown == middle
    assert row["waarde_status"] is None


def test_midpoint_rounding_makes_a_zero_of_nobody():
    rules = AMOUNTS.model_copy(update={"rules": ()})
    for people in range(1, 30):
        rows = [tables.count("alle", "totaal", "totaal", "deelnemers", people)]
        (row,) = published(rows, rules).values()
        assert row["n"] > 0 and abs(row["n"] - people) <= 3


class TestZeros:
    ROWS = tuple(
        tables.count("alle", "fase", group, "deelnemers", n)
        for group, n in (("a", 0), ("b", 30), ("c", 40), ("totaal", 70))
    )

    def rows(self):
        *groups, total = self.ROWS
        return [*groups, (*total[:4], "totaal", "totaal", *total[6:])]

    def test_a_zero_discloses_unless_the_rule_says_otherwise(self):
        found = published(self.rows(), FREQUENCY)
        assert found["a", "deelnemers"]["n"] is None
        assert sum(row["n"] is None for row in found.values()) >= 2, "and another to protect it"
        harmless = FREQUENCY.rules[0].model_copy(update={"zeros": Zeros.HARMLESS})
        rules = FREQUENCY.model_copy(update={"rules": (harmless, *FREQUENCY.rules[1:])})
        found = published(self.rows(), rules)
        assert [row["n"] for row in found.values()].count(None) == 0
        assert found["a", "deelnemers"]["n"] == 0

    def impossible(self, of: str, **where: str):
        return RESULT.model_copy(
            update={"impossible": (Impossible(where=where, of=of, because="zo gedefinieerd"),)}
        )

    def test_a_count_that_cannot_be_anything_else_is_no_secret(self):
        dataset = self.impossible("n", groep_soort="fase", groep="a")
        found = published(self.rows(), FREQUENCY, dataset)
        row = found["a", "deelnemers"]
        assert (row["n"], row["waarde"], row["waarde_status"], row["regel"]) == (
            *(None, None),
            *("z", None),
        )
        assert [found[group, "deelnemers"]["n"] for group in ("b", "c", "totaal")] == [30, 40, 70]

    def shares(self, small: int = 30):
        """Of phase a nobody can have the outcome; phase b, c and d have it more or less."""
        numbers = (("a", small, 0), ("b", 60, 20), ("c", 70, 30), ("d", 60, 25))
        rows = [tables.share("alle", "fase", group, "baan", n, t) for group, n, t in numbers]
        whole = (sum(n for _, n, _ in numbers), sum(t for *_, t in numbers))
        return [*rows, tables.share("alle", "totaal", "totaal", "baan", *whole)]

    def test_a_share_of_which_nobody_can_be_hides_nothing_and_takes_nothing_along(self):
        without = published(self.shares(), FREQUENCY)
        assert without["a", "baan"]["waarde_status"] == "c"
        assert sum(row["teller"] is None for row in without.values()) >= 2
        found = published(self.shares(), FREQUENCY, self.impossible("teller", groep="a"))
        row = found["a", "baan"]
        assert (row["n"], row["teller"], row["waarde"], row["waarde_status"]) == (
            *(30, None),
            *(None, "z"),
        )
        others = [row for (group, _), row in found.items() if group != "a"]
        assert all(row["teller"] is not None for row in others)

    def test_what_everybody_knows_protects_nothing(self):
        """A group too small is not hidden behind one of which all is known."""
        rows = [
            tables.share("alle", "fase", "a", "baan", 30, 0),
            tables.share("alle", "fase", "b", "baan", 60, 4),
            tables.share("alle", "fase", "c", "baan", 70, 30),
            tables.share("alle", "totaal", "totaal", "baan", 160, 34),
        ]
        found = published(rows, FREQUENCY, self.impossible("teller", groep="a"))
        tellers = {group: row["teller"] for (group, _), row in found.items()}
        assert tellers["b"] is None
        assert tellers["c"] is None or tellers["totaal"] is None

    def test_a_small_group_is_hidden_with_its_impossible_share(self):
        found = published(self.shares(4), FREQUENCY, self.impossible("teller", groep="a"))
        row = found["a", "baan"]
        assert (row["n"], row["teller"], row["waarde_status"]) == (None, None, "c")

    def test_who_cannot_count_are_all_among_those_who_do_not(self):
        """By a rule of the remainder alone: nine who cannot have it are nine without."""
        rules = FREQUENCY.model_copy(update={"rules": (FREQUENCY.rules[2],)})
        for people, is_told in ((9, False), (10, True)):
            found = published(self.shares(people), rules, self.impossible("teller", groep="a"))
            assert (found["a", "baan"]["n"] is not None) is is_told

    def test_the_outsider_reads_not_applicable_as_zero(self):
        dataset = self.impossible("teller", groep="a")
        made = published(self.shares(), FREQUENCY, dataset).values()
        rows = tuple(
            {name: None if value is None else str(value) for name, value in row.items()}
            for row in made
        )
        table = Table("eerste/resultaat.csv", "resultaat", tuple(rows[0]), rows)
        known = outsider.gather([list(cells(table, shape_of(table)))])
        (of_a,) = [
            one
            for one in known.quantities
            if one.what == "T" and " / fase / a / " in f" / {one.address} / "
        ]
        assert (of_a.low, of_a.high) == (0, 0)

    def test_somebody_where_nobody_can_be_is_refused_without_a_number(self):
        dataset = self.impossible("teller", groep="b")
        with pytest.raises(TableError, match="nobody can be") as caught:
            published(self.shares(), FREQUENCY, dataset)
        assert "20" not in str(caught.value)

    def test_a_place_that_is_no_key_column_is_refused(self):
        with pytest.raises(ValueError, match="no key column"):
            type(RESULT).model_validate(
                RESULT.model_dump()
                | {"impossible": [{"where": {"eenheid": "x"}, "of": "n", "because": "x"}]}
            )


class TestThreePercentages:
    """Two of three, or the row: the same data under either."""

    SIZES = (600, 391, 9)

    def found(self, hides: Hides, sizes=SIZES):
        rules = load_ruleset("barometer")
        assert rules.hides is Hides.ROW, "the rule set in force takes the row"
        rows = [
            tables.barometer_row("totaal", "totaal", "oud", name, sum(sizes), size)
            for name, size in zip("abc", sizes, strict=True)
        ]
        with duckdb.connect() as connection:
            tables.table(connection, "diversity__barometer", tables.BAROMETER, rows)
            chosen = (load_dataset("diversiteit"), rules.model_copy(update={"hides": hides}))
            protect_all(connection, [chosen])
            return connection.execute(
                "SELECT categorie, n, aandeel_pct, regel FROM disclosure__diversiteit ORDER BY ALL"
            ).fetchall()

    def test_the_row(self):
        assert {row[1:] for row in self.found(Hides.ROW)} == {(None, None, "herkomstgroep")}

    def test_two_of_three(self):
        found = self.found(Hides.TWO)
        assert {row[1] for row in found} == {1000}
        assert [row[0] for row in found if row[2] is None] == ["b", "c"]
        assert {row[3] for row in found if row[2] is None} == {"herkomstgroep"}

    @pytest.mark.parametrize("hides", list(Hides))
    def test_neither_hides_three_that_may_all_be_shown(self, hides):
        found = self.found(hides, (600, 390, 10))
        assert not any(row[2] is None for row in found)


def test_every_dataset_that_may_hold_means_gives_what_its_rules_look_at():
    for dataset in load_datasets():
        wanted = max(
            (rule.contributions for rule in load_ruleset(dataset.ruleset).rules), default=0
        )
        if dataset.kind:
            assert len(dataset.contributions) >= wanted, dataset.name
    assert set(RESULT.contributions) <= set(compute.COLUMNS)


def test_every_rule_kind_stands_in_a_rule_set_that_ships():
    from via_pipeline.disclosure.model import RULES, RuleKind

    used = {rule.kind for path in RULES.glob("*.yaml") for rule in load_ruleset(path.stem).rules}
    assert used == set(RuleKind)


def test_a_rule_says_which_parameters_it_misses():
    with pytest.raises(ValueError, match=r"\['k', 'n'\]"):
        Rule.model_validate({"id": "a", "kind": "dominance", "n": 2})
    assert issubclass(RuleSetError, ValueError)
