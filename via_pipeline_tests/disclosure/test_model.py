import pytest

from via_pipeline.disclosure.model import (
    RULES,
    RuleSetError,
    Status,
    load_datasets,
    load_ruleset,
)


def test_every_rule_set_is_valid_and_names_its_source():
    names = sorted(path.stem for path in RULES.glob("*.yaml"))
    assert names == ["barometer", "cbs_inkomen", "minimumfrequentie", "openbaar"]
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
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path, rule):
    head = "name: t\ntitle: T\ndescription: d\nsource: s\nrules:\n"
    (tmp_path / "t.yaml").write_text(f"{head}  - {rule}\n", encoding="utf-8")
    with pytest.raises(RuleSetError, match=r"t\.yaml"):
        load_ruleset("t", tmp_path)


def test_a_rule_set_under_another_name_is_refused(tmp_path):
    (tmp_path / "t.yaml").write_text(
        "name: u\ntitle: T\ndescription: d\nsource: s\nrules: []\n", encoding="utf-8"
    )
    with pytest.raises(RuleSetError, match="named u"):
        load_ruleset("t", tmp_path)
