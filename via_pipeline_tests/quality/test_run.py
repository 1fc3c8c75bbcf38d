from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.ledger import Ledger
from via_pipeline.intake.records import Finding, StagedDelivery
from via_pipeline.intake.status import Status
from via_pipeline.quality import engines, page, report, run, together
from via_pipeline.quality.results import Verdict, path_of, read_result
from via_pipeline.quality.run import judge, results_in_force
from via_pipeline.storage.home import Home
from via_pipeline_tests.quality import examples

P5 = examples.p5()
TABLE = P5.tables[0]
PANDAS, DUCKDB = 10**9, 0


def _read(path: Path) -> list[dict[str, object]]:
    with duckdb.connect() as connection:
        relation = connection.execute(f"SELECT * FROM read_parquet('{path}')")
        names = [item[0] for item in relation.description]
        return [dict(zip(names, row, strict=True)) for row in relation.fetchall()]


def _accepted(home: Home, delivery_id: str) -> Path:
    return home.lake / "accepted" / TABLE.lake_table / f"{delivery_id}.parquet"


def _quarantine(home: Home, delivery_id: str) -> Path:
    return home.quarantine / TABLE.lake_table / f"{delivery_id}.parquet"


def _bytes(home: Home) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for folder in (home.lake / "accepted", home.quarantine, home.reports)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("threshold", [PANDAS, DUCKDB], ids=["pandas", "duckdb"])
def test_the_rows_part_ways_and_none_is_lost(tmp_path: Path, threshold: int) -> None:
    home = examples.home(tmp_path)
    changes = {
        5: {"regel__uit_dienst__na_in_dienst": 0},
        7: {"leeftijdsklasse": "stokoud", "personeelsnummer__fout": "vorm"},
    }
    examples.stage(home, P5, "p5_behoud-1", changes=changes, count=40, malformed=(50,))
    (result,) = judge(home, P5, run_id="run-1", threshold_rows=threshold)
    assert result.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    (count,) = result.counts
    assert (count.rows_in, count.accepted, count.quarantined) == (41, 38, 3)
    accepted = _read(_accepted(home, "p5_behoud-1"))
    assert [row["_row"] for row in accepted] == [n for n in range(2, 42) if n not in (5, 7)]
    assert list(accepted[0]) == list(TABLE.conformed_types)
    aside = {row["_row"]: row for row in _read(_quarantine(home, "p5_behoud-1"))}
    assert list(aside) == [5, 7, 50]
    assert aside[5]["_regels"] == ["uit_dienst__na_in_dienst"]
    assert aside[7]["_regels"] == ["personeelsnummer__vorm", "leeftijdsklasse__codelijst"]
    assert "De datum uit dienst ligt vóór de datum in dienst." in str(aside[5]["_uitleg"])
    assert (aside[50]["jaar"], aside[50]["_delivery"]) == (None, "p5_behoud-1")
    assert not [n for n in aside[5] if n.startswith("regel__") or n.endswith("__fout")]
    (row,) = Ledger(home.ledger).rows("p5_behoud")
    assert row.status is Status.ACCEPTED_WITH_WARNINGS
    assert (row.rows_in, row.rows_accepted, row.rows_quarantined) == (41, 38, 3)


def test_both_engines_leave_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for threshold in (PANDAS, DUCKDB):
        (tmp_path / str(threshold)).mkdir()
        home = examples.home(tmp_path / str(threshold))
        examples.stage(home, P5, "p5_behoud-1", changes={4: {"jaar": None, "jaar__tekst": None}})
        judge(home, P5, run_id=f"run-{threshold}", threshold_rows=threshold)
        found.append(_bytes(home))
    assert found[0] == found[1]
    assert len(found[0]) == 6  # accepted, quarantine, JSON, page, index, report


def test_a_rejected_file_changes_nothing_downstream(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    changes = {4: {"regel__jaar__hoort_bij_levering": 0}}
    examples.stage(home, P5, "p5_behoud-1", changes=changes)
    (result,) = judge(home, P5, run_id="run-1")
    assert result.verdict is Verdict.REJECTED
    assert not (home.lake / "accepted").exists()
    assert len(_read(_quarantine(home, "p5_behoud-1"))) == 20
    assert Ledger(home.ledger).current("p5_behoud") == []


def test_an_unreadable_file_is_judged_too(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    finding = Finding("bestand__zip", Severity.REJECT_FILE, "De ZIP is kapot.", "a.zip")
    examples.stage(home, P5, "p5_behoud-1", rows=[], findings=(finding,), is_staged=False)
    (result,) = judge(home, P5, run_id="run-1")
    assert result.reasons == ("De ZIP is kapot.",)
    assert [item.rule for item in result.rules if not item.passed] == ["bestand__zip"]
    assert page.path_of(home.reports, "p5_behoud-1").exists()


def test_a_missing_column_is_reported_with_everything_else(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    names = tuple(column.name for column in TABLE.delivered_columns)
    changes = {4: {"leeftijdsklasse": "stokoud"}}
    examples.stage(home, P5, "p5_behoud-1", changes=changes, header=names[:-1])
    (result,) = judge(home, P5, run_id="run-1")
    broken = {item.rule for item in result.rules if not item.passed}
    assert broken == {"tabel__kolommen", "leeftijdsklasse__codelijst"}
    assert result.verdict is Verdict.REJECTED


def test_a_row_that_intake_found_unfit_is_set_aside(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    findings = tuple(
        Finding("cel__te_groot", Severity.REJECT_ROW, "De cel is te groot.", "a.csv",
                "medewerker", row, "jaar")
        for row in (6, 999)
    )  # fmt: skip
    examples.stage(home, P5, "p5_behoud-1", findings=findings)
    (result,) = judge(home, P5, run_id="run-1")
    assert (result.counts[0].accepted, result.counts[0].quarantined) == (19, 1)
    assert [row["_regels"] for row in _read(_quarantine(home, "p5_behoud-1"))] == [
        ["cel__te_groot"]
    ]


def test_nothing_new_is_no_work_and_no_great_expectations(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1")
    assert len(judge(home, P5, run_id="run-1")) == 1
    before = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    code = (
        "import sys; from pathlib import Path; from via_pipeline.storage.home import Home; "
        "from via_pipeline.contracts import model; from via_pipeline.quality.run import judge; "
        "home = Home(Path(sys.argv[1]), Path(sys.argv[2])); "
        "assert judge(home, model.load('p5_behoud'), run_id='run-2') == []; "
        "assert 'great_expectations' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(home.root), str(home.data)],
        check=True,
        cwd=Path(__file__).parents[2],
    )
    after = {path: path.stat().st_mtime_ns for path in home.root.rglob("*") if path.is_file()}
    changed = {path.name for path in after if before.get(path) != after[path]}
    assert changed <= {"judge-p5_behoud.lock", "ledger.sqlite"}


def test_judging_again_gives_the_same_bytes(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1", changes={4: {"jaar": None, "jaar__tekst": None}})
    judge(home, P5, run_id="run-1")
    before = _bytes(home)
    path_of(home.reports, "p5_behoud-1").unlink()
    assert len(judge(home, P5, run_id="run-2")) == 1
    assert _bytes(home) == before


def test_one_failure_stops_no_other_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = examples.home(tmp_path)
    for name, letter in (("p5_behoud-1", "A"), ("p5_behoud-2", "B")):
        examples.stage(home, P5, name, key=(("periode", "2019"), ("werkgever", letter)))
    real = run._judge_one

    def fail(home: Home, contract: object, staged: StagedDelivery, *rest: object) -> object:
        if staged.delivery_id == "p5_behoud-1":
            raise MemoryError("KANARIE-817263")
        return real(home, contract, staged, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(run, "_judge_one", fail)
    bad, good = judge(home, P5, run_id="run-1")
    assert (bad.rules[0].rule, bad.rules[0].error) == (run.JUDGED, "MemoryError")
    assert "817263" not in json.dumps(bad.reasons)
    assert good.verdict is Verdict.ACCEPTED
    assert [row.verdict for row in Ledger(home.ledger).rows("p5_behoud")] == [None, "accepted"]
    assert [item.verdict for item in results_in_force(home, P5)] == ["rejected", "accepted"]
    monkeypatch.setattr(run, "_judge_one", real)
    (again,) = judge(home, P5, run_id="run-2")
    assert again.verdict is Verdict.ACCEPTED


def test_a_hiccup_under_great_expectations_rejects_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GX calls a rule failed when the disk does not answer: that is not the partner's fault."""
    home = examples.home(tmp_path)
    record = examples.stage(home, P5, "p5_behoud-1")
    monkeypatch.setattr(together, "MOST_VALUES", 0)  # so that every rule is asked inside DuckDB
    staged_file = home.lake / str(record.tables[0].parquet)
    away = staged_file.with_suffix(".weg")
    real = engines._validate

    def unreadable(*given: Any, python_regex: bool) -> Any:
        if python_regex:
            return real(*given, python_regex=python_regex)
        staged_file.rename(away)
        try:
            return real(*given, python_regex=python_regex)
        finally:
            away.rename(staged_file)

    with monkeypatch.context() as patched:
        patched.setattr(engines, "_validate", unreadable)
        (bad,) = judge(home, P5, run_id="run-1", threshold_rows=DUCKDB)
    assert [item.rule for item in bad.rules] == [run.JUDGED]
    assert "dat ligt aan het platform" in bad.reasons[0]
    rule, _, error = str(bad.rules[0].error).partition(": ")
    assert rule in {one.id for one in run.rules_by_table(P5, home.data / "reference")[TABLE.name]}
    assert error.endswith(("Error", "Exception"))
    assert [row.verdict for row in Ledger(home.ledger).rows("p5_behoud")] == [None]
    (again,) = judge(home, P5, run_id="run-2", threshold_rows=DUCKDB)
    assert again.verdict is Verdict.ACCEPTED
    assert [row.verdict for row in Ledger(home.ledger).rows("p5_behoud")] == ["accepted"]


def test_a_hiccup_while_judging_again_leaves_the_verdict_with_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1")
    judge(home, P5, run_id="run-1")
    (row,) = Ledger(home.ledger).rows("p5_behoud")
    kept = path_of(home.reports, row.delivery_id).read_bytes()

    def broken(*_: Any, **__: Any) -> Any:
        raise OSError("weg")

    with monkeypatch.context() as patched:
        patched.setattr(engines, "_validate", broken)
        (bad,) = judge(home, P5, run_id="run-2", again=[row.delivery_id])
    assert [item.rule for item in bad.rules] == [run.JUDGED]
    assert path_of(home.reports, row.delivery_id).read_bytes() == kept
    assert [one.verdict for one in Ledger(home.ledger).rows("p5_behoud")] == ["accepted"]


def test_however_many_are_judged_at_once_the_bytes_and_the_order_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("VIA_DUCKDB_THREADS", threads)
        (tmp_path / threads).mkdir()
        home = examples.home(tmp_path / threads)
        for number, letter in enumerate("ABCDEF"):
            changes = {number: {"jaar": None, "jaar__tekst": None}} if number % 2 else {}
            examples.stage(
                home, P5, f"p5_behoud-{letter}", changes=changes,
                key=(("periode", "2019"), ("werkgever", letter)),
            )  # fmt: skip
        real = run._judge_one
        meeting = threading.Barrier(int(threads), timeout=60)
        met: list[str] = []

        def judged(
            home: Home, contract: object, staged: StagedDelivery, *rest: object,
            real: Any = real, meeting: threading.Barrier = meeting, met: list[str] = met,
        ) -> object:  # fmt: skip
            met.append(staged.delivery_id)
            meeting.wait()
            return real(home, contract, staged, *rest)

        with monkeypatch.context() as patched:
            patched.setattr(run, "_judge_one", judged)
            results = judge(home, P5, run_id="run-1")
        assert [one.delivery_id for one in results] == [f"p5_behoud-{one}" for one in "ABCDEF"]
        assert len(met) == 6
        found.append((results, _bytes(home)))
    assert found[0] == found[1]


def test_a_lost_row_is_noticed_and_nothing_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from via_pipeline.quality import quarantine

    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1", changes={4: {"leeftijdsklasse": "stokoud"}})
    monkeypatch.setattr(quarantine, "write_quarantine", lambda *_: 0)
    (result,) = judge(home, P5, run_id="run-1")
    assert result.verdict is Verdict.REJECTED
    assert "fout van het platform" in result.reasons[0]
    assert Ledger(home.ledger).current("p5_behoud") == []


def test_the_newest_file_of_a_key_is_the_one_to_look_at(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    bad = {4: {"regel__jaar__hoort_bij_levering": 0}}
    examples.stage(home, P5, "p5_behoud-1")
    examples.stage(home, P5, "p5_behoud-2", received=date(2020, 4, 1), changes=bad)
    other = (("periode", "2019"), ("werkgever", "B"))
    examples.stage(home, P5, "p5_behoud-3", received=date(2020, 2, 1), key=other)
    judge(home, P5, run_id="run-1")
    assert [(item.delivery_id, item.verdict) for item in results_in_force(home, P5)] == [
        ("p5_behoud-3", "accepted"),
        ("p5_behoud-2", "rejected"),
    ]
    assert {row.delivery_id for row in Ledger(home.ledger).current("p5_behoud")} == {
        "p5_behoud-1",
        "p5_behoud-3",
    }


def test_an_unrecognised_file_counts_until_a_recognised_one_comes(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    finding = Finding("bestand__naam", Severity.REJECT_FILE, "Onbekende naam.", "x.csv")
    examples.stage(home, P5, "p5_behoud-9", key=None, findings=(finding,), is_staged=False,
                   rows=[], file_name="x.csv")  # fmt: skip
    judge(home, P5, run_id="run-1")
    assert [item.delivery_id for item in results_in_force(home, P5)] == ["p5_behoud-9"]
    examples.stage(home, P5, "p5_behoud-1", received=date(2020, 4, 1))
    judge(home, P5, run_id="run-2")
    assert [item.delivery_id for item in results_in_force(home, P5)] == ["p5_behoud-1"]


def test_of_large_tables_only_values_come_into_pandas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = examples.home(tmp_path)
    examples.stage(home, P5, "p5_behoud-1", count=30, changes={4: {"leeftijdsklasse": "oud"}})
    made: list[tuple[int, str]] = []
    frame = engines.frame

    def told(*arguments: Any) -> Any:
        found = frame(*arguments)
        made.append((len(found), found.to_json(default_handler=str)))
        return found

    monkeypatch.setattr(engines, "frame", told)
    monkeypatch.setattr(together, "MOST_VALUES", 20)
    (result,) = judge(home, P5, run_id="run-1", threshold_rows=29)
    assert result.counts[0].quarantined == 1
    assert made and max(rows for rows, _ in made) <= 20
    persons = {row["persoon_id"] for row in _read(_accepted(home, "p5_behoud-1"))}
    assert len(persons) == 29
    assert not any(str(person) in text for person in persons for _, text in made)


def test_no_identifying_value_is_anywhere(tmp_path: Path) -> None:
    home = examples.home(tmp_path)
    record = examples.stage(home, P5, "p5_behoud-1", changes={4: {"leeftijdsklasse": "KANARIE"}})
    judge(home, P5, run_id="run-1")
    for path in home.reports.rglob("*"):
        if path.is_file():
            assert b"KANARIE" not in path.read_bytes(), path
    assert report.path_of(home.reports, record).exists()
    assert "KANARIE" not in str(read_result(home.reports, "p5_behoud-1"))
