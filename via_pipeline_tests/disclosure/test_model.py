import pytest

from via_pipeline.context import werkloosheid
from via_pipeline.disclosure import dictionary
from via_pipeline.disclosure.model import (
    RULES,
    RuleSetError,
    Status,
    load_dataset,
    load_datasets,
    load_ruleset,
)
from via_pipeline.diversity import barometer, benchmark, ladder, linkage, trend
from via_pipeline.outcomes import compute, effects, reach
from via_pipeline.pilots import stand


def test_every_rule_set_is_valid_and_names_its_source():
    names = sorted(path.stem for path in RULES.glob("*.yaml"))
    assert names == [
        *("barometer", "barometer_groepen", "cbs_inkomen", "grootheden"),
        *("minimumfrequentie", "openbaar", "organisaties"),
    ]
    assert all(load_ruleset(name).source for name in names)


def test_every_dataset_follows_a_rule_set_that_exists():
    assert {dataset.ruleset for dataset in load_datasets()} <= {p.stem for p in RULES.glob("*")}


def test_only_declared_statuses_exist():
    assert {str(status) for status in Status} == set("zxcku")


@pytest.mark.parametrize(
    "rule",
    [
        "{id: a, kind: minimum_count, published_as: a}",
        "{id: a, kind: minimum_whole, minimum: 5, published_as: a}",
        "{id: a, kind: minimum_count, minimum: 5, within: [x], published_as: a}",
        "{id: a, kind: no_such_rule, minimum: 5, published_as: a}",
        "{id: a, kind: minimum_count, minimum: -1, published_as: a}",
        "{id: a, kind: minimum_numerator, minimum: 5, zeros: harmless}",
        "{id: a, kind: minimum_count, minimum: 5, zeros: sometimes}",
        "{id: a, kind: dominance, n: 2}",
        "{id: a, kind: dominance, n: 2, k: 100}",
        "{id: a, kind: dominance, n: 2, k: 75, minimum: 3}",
        "{id: a, kind: p_percent}",
        "{id: a, kind: p_percent, p: 10, n: 1}",
        "{id: a, kind: whole_group, p: 10}",
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path, rule):
    head = "name: t\ntitle: T\ndescription: d\nsource: s\npublished_as: v\nrules:\n"
    (tmp_path / "t.yaml").write_text(f"{head}  - {rule}\n", encoding="utf-8")
    with pytest.raises(RuleSetError, match=r"t\.yaml"):
        load_ruleset("t", tmp_path)


def test_a_rule_set_under_another_name_is_refused(tmp_path):
    (tmp_path / "t.yaml").write_text(
        "name: u\ntitle: T\ndescription: d\nsource: s\npublished_as: v\nrules: []\n",
        encoding="utf-8",
    )
    with pytest.raises(RuleSetError, match="named u"):
        load_ruleset("t", tmp_path)


def test_what_adds_up_to_what_is_told_in_the_words_of_the_rooms_that_compute_it():
    # Were a label to change there and not here, no total would be found and nothing protected.
    results, diversity = load_dataset("resultaat"), load_dataset("diversiteit")
    ladder_, flows = load_dataset("ladder"), load_dataset("doorstroom")
    assert results.breakdown and ladder_.breakdown and flows.breakdown
    assert results.sites and diversity.withheld
    assert (results.breakdown.whole, results.breakdown.joined_by) == (compute.TOTAL, compute.JOINED)
    assert results.sites.whole == compute.WHOLE
    assert ladder_.breakdown.whole == flows.breakdown.whole == barometer.TOTAL
    assert ladder_.withheld and flows.withheld
    for dataset in (diversity, ladder_, flows):
        assert dataset.withheld.code == barometer.NOT_ALLOWED
    # Subgroups are employees: of each characteristic they add up to the whole of the ladder.
    whole = {link.at["kenmerk"] for link in ladder_.links if link.to == "diversiteit"}
    tied = {link.when["kenmerk"] for link in diversity.links if link.to == "ladder"}
    assert whole | tied == set(barometer.SUBGROUPS)
    state = load_dataset("stand_van_zaken").sites
    assert state and state.whole == stand.WHOLE


@pytest.mark.parametrize(
    ("dataset", "room"),
    [
        ("resultaat", compute),
        ("diversiteit", barometer),
        ("ladder", ladder),
        ("ontwikkeling", trend),
        ("vergelijking_benchmark", benchmark),
        ("koppeling", linkage),
        ("covid_context", werkloosheid),
        ("bereik", reach),
    ],
)
def test_keys_and_columns_are_those_of_the_rooms(dataset, room):
    assert load_dataset(dataset).key == getattr(room, "COMPARISON_KEY", room.KEY)
    described = [
        name for name in dictionary.columns(dataset) if name not in ("waarde_status", "regel")
    ]
    # What begins with _ is the lake's own.
    columns = [
        name for name in room.COLUMNS if not name.startswith("_") and name != "waarde_status"
    ]
    assert [name for name in described if name in columns] == columns
    assert set(described) - set(room.COLUMNS) <= {"is_synthetisch"}


def test_comparisons_are_described_and_hidden_as_their_room_makes_them():
    dataset = load_dataset("schatting")
    assert dataset.key == effects.KEY
    assert dataset.breakdown and dataset.breakdown.whole == effects.TOTAL
    published = [name for name in effects.PUBLISHABLE_COLUMNS if not name.startswith("_")]
    assert [*dictionary.columns("schatting")] == [
        *(name for name in published if name != "waarde_status"),
        *("waarde_status", "regel"),
    ]
    # Every column that holds a figure of people, or is worked out from one, goes dark with it.
    figures = {n for n, kind in effects.PUBLISHABLE_COLUMNS.items() if kind.startswith("DECIMAL")}
    counts = {name for name in published if name.startswith("n_")}
    assert set(dataset.numbers) == figures | counts | {"reden", "zin"}
    helpers = {name for name in effects.PUBLISHABLE_COLUMNS if name.startswith("_")}
    assert {arm.numerator for arm in dataset.arms} == helpers
