"""``via cijfer``: an address in, everything about the figure out; in words when there is none."""

import csv
import json
from dataclasses import replace
from datetime import date

import pytest
from typer.testing import CliRunner

from via_pipeline.cli import app
from via_pipeline.intake.ledger import Ledger
from via_pipeline.letters import snapshot
from via_pipeline_tests.journeys import house
from via_pipeline_tests.letters import packages

pytestmark = pytest.mark.filterwarnings("ignore")


def rows(ran, edition, table):
    path = ran.home.letters / edition / f"{table}.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def asked(ran, *arguments):
    told = house.via(ran.home, "cijfer", *arguments)
    return told


def told(ran, address):
    answer = asked(ran, address, "--json")
    assert answer.code == 0, answer.output
    return json.loads(answer.output)


def share(ran):
    return next(
        row
        for row in rows(ran, "derde", "voorlopige_resultaten")
        if row["soort"] == "aandeel" and row["waarde"]
    )


def test_a_share_tells_value_formula_n_deliveries_run_and_contract(sample_run):
    row = share(sample_run)
    address = f"derde/voorlopige_resultaten/{row['cel']}"
    found = told(sample_run, address)
    assert found["adres"] == address and found["uitgave"] == "derde"
    assert (found["waarde"], found["n"]) == (row["waarde"], {"n": row["n"]})
    assert found["formule"].startswith("100 × teller ÷ n")
    assert found["definitie"]
    assert found["status"] == "voorlopig" and found["claim"] == "beschrijvend"
    assert found["synthetisch"] is True
    assert float(row["waarde"]) == pytest.approx(100 * int(row["teller"]) / int(row["n"]), abs=5e-5)
    assert found["maten"]["bestand"] == f"{row['bron']}.yaml" and len(found["code_sha256"]) == 64
    known = {one.delivery_id: one for one in Ledger(sample_run.home.ledger).rows()}
    assert {one["levering"] for one in found["leveringen"]} == set(row["leveringen"].split())
    for one in found["leveringen"]:
        seen = known[one["levering"]]
        assert one["sha256"] == seen.sha256 and one["status"] == seen.status.value
        assert one["run"] == seen.run_id and one["contract_versie"] == seen.contract_version
    # The run that made the package: a run of Dagster, told by nothing in the package itself.
    assert found["run"] and found["run"] not in {one["run"] for one in found["leveringen"]}
    folder = sample_run.home.letters / "derde"
    assert not any(found["run"].encode() in path.read_bytes() for path in folder.glob("*.json"))


def test_a_column_of_the_row_has_an_address_of_its_own(sample_run):
    row = share(sample_run)
    found = told(sample_run, f"derde/voorlopige_resultaten/{row['cel']}/teller")
    assert found["kolom"] == "teller" and found["waarde"] == row["teller"]
    assert found["formule"].startswith("Aantal waarnemingen waarvoor dit geldt")


def test_a_hidden_figure_tells_why_and_nothing_else(sample_run):
    row = next(
        row
        for row in rows(sample_run, "derde", "voorlopige_resultaten")
        if row["waarde_status"] == "c"
    )
    found = told(sample_run, f"derde/voorlopige_resultaten/{row['cel']}")
    assert (found["waarde"], found["waarde_status"]) == (None, "c")
    assert found["betekenis"].startswith("Vertrouwelijk")
    said = asked(sample_run, f"derde/voorlopige_resultaten/{row['cel']}").output
    assert "geen cijfer" in said and "Vertrouwelijk" in said


def test_a_comparison_tells_its_plan_by_hash_and_its_method_in_words(sample_run):
    row = next(row for row in rows(sample_run, "slot", "vergelijkingen") if row["schatting"])
    found = told(sample_run, f"slot/vergelijkingen/{row['cel']}")
    assert found["analyseplan"]["plan_hash"] == row["plan_hash"]
    assert found["n"] == {
        "n_interventie": row["n_interventie"],
        "n_vergelijking": row["n_vergelijking"],
    }
    assert len(found["formule"]) > 40


def test_a_fact_of_the_register_names_the_register(sample_run):
    row = rows(sample_run, "derde", "vervolgstappen")[0]
    found = told(sample_run, f"derde/vervolgstappen/{row['cel']}")
    assert found["waarde"] is None and found["kolom"] is None
    assert {one["bron"] for one in found["leveringen"]} == {"register", "reference"}


def test_every_figure_of_an_edition_has_a_formula(sample_run):
    from via_pipeline.letters import address, lookup

    for table in ("vergelijkingen", "culturele_diversiteit", "bereik", "leveringskwaliteit"):
        for row in rows(sample_run, "slot", table)[:3]:
            where = address.parse(f"slot/{table}/{row['cel']}")
            assert lookup.find(sample_run.home, where).formule


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("derde/voorlopige_resultaten/000000000000", 1, "geen cel '000000000000' (no such cell)"),
        ("derde/onzin/000000000000", 1, "geen tabel 'onzin'"),
        ("vierde/bereik/000000000000", 1, "uitgave 'vierde' is hier niet; wel: derde, eerste"),
        ("derde.7/bereik/000000000000", 1, "deze map is 'derde'"),
        ("zomaar iets", 2, "is geen adres"),
    ],
)
def test_what_is_not_there_is_told_in_words(sample_run, address, code, words):
    found = asked(sample_run, address)
    assert found.code == code, found.output
    assert words in " ".join(found.output.replace("│", " ").split())


def test_an_unknown_column_names_those_there_are(sample_run):
    row = share(sample_run)
    found = asked(sample_run, f"derde/voorlopige_resultaten/{row['cel']}/onzin")
    assert found.code == 1 and "waarde_status" in found.output


def test_a_package_elsewhere_is_asked_by_its_folder(sample_run, tmp_path):
    import shutil

    folder = shutil.copytree(sample_run.home.letters / "derde", tmp_path / "bewaard")
    row = share(sample_run)
    address = f"derde/voorlopige_resultaten/{row['cel']}"
    found = asked(sample_run, address, "--package", str(folder), "--json")
    assert json.loads(found.output)["waarde"] == row["waarde"]
    (folder / "herkomst.json").unlink()
    broken = asked(sample_run, address, "--package", str(folder))
    assert broken.code == 1 and "herkomst.json" in broken.output


def test_a_published_edition_is_found_by_itself_and_says_which_revision(tmp_path):
    """Published twice: an address means the release that it names, and the newest is told."""
    import shutil

    from via_pipeline.disclosure.run import protect
    from via_pipeline.letters.release import freeze, gate
    from via_pipeline.storage import lake
    from via_pipeline.storage.duck import work
    from via_pipeline_tests.letters_release import house as desk

    home = packages.home_in(tmp_path / "gemaakt")
    edition = replace(packages.EDITION, reading_date=date(2021, 11, 17))
    origin = packages.ORIGIN | {"leesdatum": "2021-11-17", "onthullingsregels": []}
    made = packages.make(home, tmp_path / "pakket", edition, origin)
    cell = next(
        row["cel"] for row in snapshot.of_package(made.folder).tables["bereik"].rows.values()
    )
    first = shutil.copytree(made.folder, home.letters / "derde")
    desk.published(home)
    with work() as connection:
        lake.view(connection, home.lake, "outcomes__bereik")
        later = "SELECT * REPLACE (CASE n WHEN 3 THEN 5 ELSE n END AS n) FROM outcomes__bereik"
        lake.replace_table(home.lake, "outcomes__bereik", connection, later)
    protect(home)
    second = packages.make(home, tmp_path / "tweede", replace(edition, revision=1), origin)
    shutil.rmtree(first)
    gate.revise(home, "derde", "Een telfout.", desk.AUTHOR, desk.at(20))
    shutil.copytree(second.folder, home.letters / "derde")
    desk.published(home, start=30)
    shutil.rmtree(home.letters / "derde")

    def told(*arguments):
        place = {"VIA_HOME": str(home.root), "VIA_DATA": str(home.data)}
        found = CliRunner().invoke(app, ["cijfer", *arguments], env=place)
        assert found.exit_code == 0, found.output
        return found.stdout

    def asked(address):
        return json.loads(told(address, "--json"))

    old, new = asked(f"derde/bereik/{cell}"), asked(f"derde.1/bereik/{cell}")
    assert (old["waarde"], new["waarde"]) == ("3", "5")
    assert old["pakket"]["gelezen_uit"].startswith("derde (revisie 1, gepubliceerd op 2020-11-10")
    assert old["pakket"]["nieuwste"].startswith("derde.1 (revisie 2")
    assert old["pakket"]["daar"] == f"derde.1/bereik/{cell}: 5"
    assert "nieuwste" not in new["pakket"]
    assert "Nieuwste      derde.1 (revisie 2" in told(f"derde/bereik/{cell}")
    path = freeze.folder_of(home, "derde", 1) / "bereik.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + b" ")
    assert "via verify" in asked(f"derde/bereik/{cell}")["pakket"]["let_op"]
    gate.withdraw(home, "derde", "Toch niet goed.", desk.AUTHOR, desk.at(60))
    assert asked(f"derde.1/bereik/{cell}")["pakket"]["ingetrokken"] == "Toch niet goed."
