"""What changed since the edition before: found cell by cell, put down to what caused it."""

import json
import shutil

import pytest

from via_pipeline.letters import changes, snapshot
from via_pipeline.letters.changes import WHOLE_ROW, Kind, Reason
from via_pipeline.letters.snapshot import PackageError, Rows, Snapshot
from via_pipeline_tests.letters import packages

COLUMNS = ("maat", "waarde", "status", "leveringen", "waarde_status", "regel", "cel")


def rows(*told, columns=COLUMNS, key=("maat",)):
    found = {}
    for values in told:
        row = dict.fromkeys(columns, "") | values
        row["cel"] = row["maat"] * 3
        found[tuple(row[name] for name in key)] = row
    return Rows(key, columns, found)


def origin(*deliveries, day="2019-11-12", **more):
    """Provenance with deliveries told as ``id: period``."""
    return {
        "leesdatum": day,
        "leveringen": [
            {"levering": name, "bron": "p5", "sleutel": {"periode": period}}
            for one in deliveries
            for name, period in [one.split(": ")]
        ],
        "code_sha256": "a",
        "code_versie": "1",
        "maten": [{"bestand": "p5.yaml", "sha256": "m1"}],
    } | more


def differences(old, new, old_origin, new_origin, correction=None):
    return changes.compare(
        Snapshot("tweede", {"t": old}, old_origin),
        Snapshot("derde", {"t": new}, new_origin),
        correction,
    )


def only(found):
    (one,) = found
    return one


SHOWN = {"maat": "a", "waarde": "1.0", "leveringen": "d1"}
HIDDEN = {"maat": "a", "waarde": "", "leveringen": "d1", "waarde_status": "c", "regel": "min"}


def test_nothing_differs_in_what_is_the_same():
    assert differences(rows(SHOWN), rows(SHOWN), origin("d1: 1"), origin("d1: 1")) == []


def test_a_revised_delivery_is_named_with_the_one_that_it_replaces():
    new = SHOWN | {"waarde": "2.0", "leveringen": "d2"}
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 2019"), origin("d2: 2019")))
    assert (one.kind, one.column, one.old, one.new) == (Kind.CHANGED, "waarde", "1.0", "2.0")
    assert one.reason is Reason.REVISED
    assert one.note == "Herziene levering: d2 in plaats van d1."


def test_a_delivery_of_another_period_is_a_new_one():
    new = SHOWN | {"waarde": "2.0", "leveringen": "d1 d2"}
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d1: 1", "d2: 2")))
    assert (one.reason, one.note) == (Reason.DELIVERED, "Nieuwe levering: d2.")


def test_a_delivery_that_no_longer_counts():
    old = SHOWN | {"leveringen": "d1 d2"}
    new = SHOWN | {"waarde": "2.0"}
    one = only(differences(rows(old), rows(new), origin("d1: 1", "d2: 2"), origin("d1: 1")))
    assert (one.reason, one.note) == (Reason.WITHDRAWN, "Niet meer in gebruik: d2.")


def test_rows_that_come_and_go_are_told_as_rows():
    new = {"maat": "b", "waarde": "9", "leveringen": "d2"}
    gone, came = sorted(
        differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d2: 2")),
        key=lambda one: one.row,
    )
    assert (gone.kind, gone.column, gone.reason) == (Kind.GONE, WHOLE_ROW, Reason.WITHDRAWN)
    assert (came.kind, came.column, came.reason) == (Kind.NEW, WHOLE_ROW, Reason.DELIVERED)
    assert (came.old, came.new) == ("", "")


def test_a_cell_that_is_hidden_in_both_editions_is_in_neither():
    """Whatever was delivered in between: nothing tells that the figure behind it moved."""
    new = HIDDEN | {"leveringen": "d2", "regel": "aanvullend"}
    assert differences(rows(HIDDEN), rows(new), origin("d1: 1"), origin("d2: 1")) == []


def test_protection_that_changed_by_itself_is_told_as_such():
    found = differences(rows(SHOWN), rows(HIDDEN), origin("d1: 1"), origin("d1: 1"))
    assert {(one.column, one.old, one.new) for one in found} == {
        ("waarde", "1.0", ""),
        ("waarde_status", "", "c"),
    }
    assert {one.reason for one in found} == {Reason.DISCLOSURE}
    assert {(one.old_status, one.new_status) for one in found} == {("", "c")}


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"maten": [{"bestand": "p5.yaml", "sha256": "m2"}]}, "maten p5.yaml"),
        ({"code_sha256": "b"}, "programmatuur (versie 1)"),
        ({"contracten": [{"bron": "p5", "sha256": "c"}]}, "contract p5"),
        ({"analyseplannen": [{"bestand": "p5.yaml", "sha256": "c"}]}, "analyseplan p5.yaml"),
    ],
)
def test_another_way_of_working_is_the_reason_where_deliveries_are_the_same(more, word):
    new = SHOWN | {"waarde": "2.0"}
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d1: 1", **more)))
    assert (one.reason, one.note) == (Reason.METHOD, f"Gewijzigd: {word}.")


def test_the_note_of_a_correction_is_the_reason_where_nothing_else_is():
    new = SHOWN | {"waarde": "2.0"}
    note = "De eenheid was verkeerd."
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d1: 1"), note))
    assert (one.reason, one.note) == (Reason.CORRECTION, note)
    revised = SHOWN | {"waarde": "2.0", "leveringen": "d2"}
    one = only(differences(rows(SHOWN), rows(revised), origin("d1: 1"), origin("d2: 1"), note))
    assert one.reason is Reason.REVISED


def test_what_nothing_explains_is_not_explained():
    new = SHOWN | {"waarde": "2.0"}
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d1: 1")))
    assert one.reason is Reason.UNKNOWN


def test_what_people_keep_changes_by_the_register():
    new = SHOWN | {"status": "definitief", "leveringen": "d2"}
    one = only(differences(rows(SHOWN), rows(new), origin("d1: 1"), origin("d2: 1")))
    assert (one.column, one.reason) == ("status", Reason.REGISTER)
    fact = {"maat": "b", "waarde": "iets"}
    one = only(differences(rows(), rows(fact), origin(), origin()))
    assert (one.kind, one.reason) == (Kind.NEW, Reason.REGISTER)


def test_a_reading_of_after_the_last_edition_is_a_new_reading():
    columns = ("leesdatum", *COLUMNS)
    new = SHOWN | {"leesdatum": "2020-10-15"}
    one = only(
        differences(
            rows(columns=columns, key=("leesdatum", "maat")),
            rows(new, columns=columns, key=("leesdatum", "maat")),
            origin("d1: 1"),
            origin("d1: 1", day="2020-11-09"),
        )
    )
    assert one.reason is Reason.READING


def test_a_table_that_only_one_edition_has_counts_as_empty_in_the_other():
    new = Snapshot("derde", {"t": rows(SHOWN)}, origin("d1: 1"))
    old = Snapshot("tweede", {}, origin())
    assert [one.kind for one in changes.compare(old, new)] == [Kind.NEW]
    assert [one.kind for one in changes.compare(new, old)] == [Kind.GONE]


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A package, and one like it that is compared with a snapshot in which one figure differs."""
    folder = tmp_path_factory.mktemp("twee")
    home = packages.home_in(folder / "huis")
    first = packages.make(home, folder / "tweede")
    before = snapshot.of_package(first.folder)
    changed = next(
        row
        for row in before.tables["voorlopige_resultaten"].rows.values()
        if row["waarde"] == "330.0000"
    )
    changed["waarde"] = "329.0000"
    second = packages.make(home, folder / "derde", before=before, correction="Een telfout.")
    return first, second, changed


def test_a_package_tells_its_changes_in_a_table_and_in_dutch(two):
    _, second, changed = two
    resource = next(r for r in second.descriptor["resources"] if r["name"] == "wijzigingen")
    header, found = packages.read_csv(second, resource)
    (row,) = [dict(zip(header, values, strict=True)) for values in found]
    assert row["cel"] == changed["cel"]
    assert (row["kolom"], row["oud"], row["nieuw"]) == ("waarde", "329.0000", "330.0000")
    assert (row["reden"], row["toelichting"]) == ("correctie", "Een telfout.")
    said = (second.folder / "WIJZIGINGEN.md").read_text(encoding="utf-8")
    assert "vergeleken met `derde`" in said and "Een telfout." in said
    assert "| Voorlopige resultaten | 0 | 0 | 1 | 1 |" in said


def test_a_first_edition_has_nothing_to_compare_with(two):
    first, _, _ = two
    assert "Dit is de eerste editie" in (first.folder / "WIJZIGINGEN.md").read_text("utf-8")


def test_a_snapshot_from_a_package_is_that_from_memory(two):
    first, _, _ = two
    read = snapshot.of_package(first.folder)
    again = snapshot.of_package(first.folder)
    assert changes.compare(read, again) == []
    assert read.release == "derde" and set(read.tables) == set(first.rows)


@pytest.mark.parametrize("name", ["herkomst.json", "datapackage.json", "bereik.csv"])
def test_a_package_that_is_not_whole_is_refused_by_the_name_of_the_file(two, tmp_path, name):
    first, _, _ = two
    folder = shutil.copytree(first.folder, tmp_path / "kapot")
    (folder / name).unlink()
    with pytest.raises(PackageError, match=name):
        snapshot.of_package(folder)
    (folder / name).write_bytes(b"\xff{")
    with pytest.raises(PackageError, match=name):
        snapshot.of_package(folder)


def test_the_changes_of_the_samples_add_up(sample_run):
    """From the third letter to the last, as a person would count them from both CSVs."""
    letters = sample_run.home.letters
    before, after = (snapshot.of_package(letters / name) for name in ("derde", "slot"))
    told = json.loads((letters / "slot" / "datapackage.json").read_text("utf-8"))
    columns, found = snapshot.load_csv(letters / "slot" / "wijzigingen.csv")
    listed = [dict(zip(columns, row, strict=True)) for row in found]
    assert told["uitgave"] == "slot" and len(listed) > 1000
    for name, table in after.tables.items():
        old = before.tables[name].rows
        own = [row for row in listed if row["tabel"] == name]
        assert sum(r["wat"] == "nieuw" for r in own) == len(table.rows.keys() - old.keys())
        assert sum(r["wat"] == "vervallen" for r in own) == len(old.keys() - table.rows.keys())
        cells = sum(
            old[key][column] != row[column]
            for key, row in table.rows.items()
            if key in old
            for column in set(table.columns) - {"leveringen", "regel", "cel"}
        )
        assert sum(r["wat"] == "gewijzigd" for r in own) == cells, name
    reasons = {row["reden"] for row in listed}
    assert {"herziene_levering", "nieuwe_levering", "register", "nieuwe_leesdatum"} <= reasons
    assert "onbekend" not in reasons and "methode" not in reasons
    revised = {row["toelichting"] for row in listed if row["reden"] == "herziene_levering"}
    assert any("p8_begeleiding" in note for note in revised)
