"""A release as a whole: ties across datasets, what was published before, and the proof."""

import os
import signal

import duckdb
import pytest

from via_pipeline.disclosure import release, run, solver
from via_pipeline.disclosure.engine.search import search
from via_pipeline.disclosure.model import load_dataset, load_ruleset
from via_pipeline.disclosure.proof import NotSafe
from via_pipeline.disclosure.protect import protect_all
from via_pipeline.disclosure.solver import SolverStopped
from via_pipeline_tests.disclosure import tables

FREQUENCY = load_ruleset("minimumfrequentie")
RESULT = load_dataset("resultaat")
NAMES = ("nederlands", "westers", "niet_westers", "onbekend")


@pytest.fixture(autouse=True)
def nothing_answered():
    solver.forget()


@pytest.fixture
def connection():
    with duckdb.connect() as found:
        yield found


def groups(*sizes, deliveries="p6-1"):
    rows = [
        tables.count("alle", "herkomst_oud", name, "deelnemers", size)
        for name, size in zip(NAMES, sizes, strict=True)
    ]
    rows.append(tables.count("alle", "totaal", "totaal", "deelnemers", sum(sizes)))
    return [(*row[:16], deliveries, *row[17:]) for row in rows]


def released(connection, rows, earlier=()):
    """Group -> what is shown of its count; and the release."""
    tables.table(connection, "outcomes__result", tables.RESULT, rows)
    made = protect_all(connection, [(RESULT, FREQUENCY)], earlier)
    found = connection.execute("SELECT groep, n FROM disclosure__resultaat").fetchall()
    return dict(found), made


def published(connection, name):
    """What was just made, kept as an earlier publication."""
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS FROM disclosure__resultaat")
    return {"resultaat": [name]}


def hidden(shown):
    return {name for name, n in shown.items() if n is None}


def test_an_unchanged_figure_keeps_its_status(connection):
    # By themselves the first would hide 4 and 20; dearer company was hidden once, and stays so.
    shown, _ = released(connection, groups(4, 20, 60, 70))
    assert hidden(shown) == {"nederlands", "westers"}
    before = published(connection, "eerste")
    connection.execute(
        "UPDATE eerste SET n = 20, waarde = 20, waarde_status = NULL, regel = NULL "
        "WHERE groep = 'westers'"
    )
    connection.execute(
        "UPDATE eerste SET n = NULL, waarde = NULL, waarde_status = 'c' "
        "WHERE groep = 'niet_westers'"
    )
    again, _ = released(connection, groups(4, 20, 60, 70), [before])
    assert hidden(again) == {"nederlands", "niet_westers"}


@pytest.mark.parametrize(("more", "is_told"), [(0, True), (2, False), (9, False), (10, True)])
def test_a_figure_that_differs_by_few_people_from_what_was_shown_is_hidden(
    connection, more, is_told
):
    released(connection, groups(30, 40, 60, 70))
    before = published(connection, "eerste")
    later = groups(30 + more, 40, 60, 70, deliveries="p6-1 p6-2")
    shown, _ = released(connection, later, [before])
    assert (shown["nederlands"] is not None) is is_told
    # The total differs by the same people.
    assert (shown["totaal"] is not None) is is_told


def test_a_pattern_that_gives_a_figure_away_is_made_coarser_or_refused_without_a_value(
    connection, monkeypatch
):
    real = release.hide

    def leaky(*arguments):
        found = real(*arguments)
        found.names = set(found.primary)
        return found

    monkeypatch.setattr(release, "hide", leaky)
    shown, made = released(connection, groups(4, 20, 60, 70))
    assert set(shown.values()) == {None}, "less detail: all that hangs together is hidden"
    assert all(line.is_veilig for line in made.proof.lines)
    monkeypatch.setattr(release, "coarser", lambda *_: set())
    with pytest.raises(NotSafe, match="resultaat") as told:
        released(connection, groups(4, 20, 60, 70))
    assert "niets vervangen" in str(told.value) and "nederlands" not in str(told.value)


def test_the_summary_counts_and_every_interval_is_safe(connection):
    _, made = released(connection, groups(4, 20, 60, 70))
    summary = made.proof.summary["resultaat"]
    assert (summary["cellen"], summary["primair"], summary["aanvullend"]) == (5, 1, 1)
    assert summary["intervallen"] == len(made.proof.lines) == 2
    assert {(line.laagste, line.hoogste) for line in made.proof.lines} == {(1, 23)}


@pytest.mark.parametrize(("people", "is_told"), [(100, True), (97, False), (90, True)])
def test_the_same_people_in_two_datasets_are_tied(connection, people, is_told):
    """A comparison counts three people fewer than the result that it rests on."""
    row = tables.count("alle", "fase", "met", "uitgenodigd", 100)
    result = ("P3", *row[1:16], "p3-0123456789abcdef", *row[17:])
    tables.table(connection, "outcomes__result", tables.RESULT, [result])
    compared = tables.comparison("totaal", "totaal", (people, 50), (200, 80), measure="uitgenodigd")
    schatting = load_dataset("schatting")
    tables.table(connection, schatting.source, tables.SCHATTING, [compared])
    protect_all(connection, [(RESULT, FREQUENCY), (schatting, FREQUENCY)])
    shown = connection.execute(
        "SELECT r.n, s.n_interventie FROM disclosure__resultaat r, disclosure__schatting s"
    ).fetchall()
    assert (None not in shown[0]) is is_told


@pytest.mark.parametrize(("width", "goes_dark"), [(1, {"westers"}), (10, {"westers", "onbekend"})])
def test_what_the_rule_set_promises_is_kept_and_told(connection, width, goes_dark):
    """Four and seven make eleven at most: ten apart takes one figure more. The table tells how wide
    every hidden figure is kept."""
    rules = FREQUENCY.model_copy(update={"width": width, "rules": FREQUENCY.rules[:1]})
    tables.table(connection, "outcomes__result", tables.RESULT, groups(4, 6, 60, 10))
    summary = load_dataset("beveiliging")
    made = protect_all(connection, [(RESULT, rules), (summary, load_ruleset("openbaar"))])
    shown = dict(connection.execute("SELECT groep, n FROM disclosure__resultaat").fetchall())
    assert hidden(shown) == {"nederlands"} | goes_dark
    told = connection.execute("SELECT dataset, regelset, breedte FROM disclosure__beveiliging")
    assert told.fetchall() == [("resultaat", "Minimumfrequentie", width)]
    spans = [line.hoogste - line.laagste for line in made.proof.lines if line.grootheid == "N"]
    assert min(spans) >= width


def test_a_wider_rule_waits_for_what_went_out_under_a_narrower_one(connection):
    """Four and six were hidden, and their sum is out: nothing new can keep them ten apart."""
    narrow = FREQUENCY.model_copy(update={"width": 3})
    chosen = [(RESULT, narrow), (load_dataset("beveiliging"), load_ruleset("openbaar"))]
    tables.table(connection, "outcomes__result", tables.RESULT, groups(4, 6, 60, 70))
    protect_all(connection, chosen)
    shown = dict(connection.execute("SELECT groep, n FROM disclosure__resultaat").fetchall())
    assert hidden(shown) == {"nederlands", "westers"}
    before = published(connection, "eerste")
    chosen[0] = (RESULT, FREQUENCY)
    for earlier, width in (([before], 1), ([], 10)):
        made = protect_all(connection, chosen, earlier)
        told = connection.execute("SELECT breedte FROM disclosure__beveiliging").fetchall()
        assert told == [(width,)]
        assert made.narrowed == (("resultaat",) if earlier else ())
        again = dict(connection.execute("SELECT groep, n FROM disclosure__resultaat").fetchall())
        assert (hidden(again) == hidden(shown)) is bool(earlier)


def test_what_is_hidden_to_no_end_is_shown_and_takes_nothing_along(connection, monkeypatch):
    """No rule asks for the 30, and the total less the others gives it: hiding it helps nobody."""
    real = release.hide

    def hide(joint, *past):
        found = real(joint, *past)
        found.names |= {name for name in joint.figures if "westers" in name and name[-1] == "N"}
        return found

    monkeypatch.setattr(release, "hide", hide)
    shown, _ = released(connection, groups(20, 30, 40, 50))
    assert hidden(shown) == set()
    # With a small one beside it the 30 has an end, and stays hidden.
    shown, _ = released(connection, groups(4, 30, 40, 50))
    assert hidden(shown) == {"nederlands", "westers"}


# What the solver's process does instead of searching or proving. Importable by name.


def is_killed(*_) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def takes_all_memory(*_) -> int:
    return len(bytearray(solver.MEMORY))


def tells_its_settings(*_) -> None:
    ours = ("VIA_", "DAGSTER_", "PG", "AWS_")
    settings = [name for name in os.environ if name.startswith(ours)]
    raise ValueError(f"{os.getpid()} {settings}")


def test_a_large_release_is_searched_and_proven_in_a_process_without_our_settings(
    connection, monkeypatch
):
    shown, made = released(connection, groups(4, 20, 60, 70))
    monkeypatch.setattr(solver, "APART_FROM", 1)
    for name in ("VIA_SECRET", "DAGSTER_PG_URL", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "a key")
    again, apart = released(connection, groups(4, 20, 60, 70))
    assert (again, apart.proof, apart.coarser) == (shown, made.proof, ())
    for name in ("search", "pieces"):
        with monkeypatch.context() as other:
            other.setattr(solver, name, tells_its_settings)
            with pytest.raises(ValueError, match=r"^\d+ \[\]$") as told:
                released(connection, groups(4, 20, 60, 70))
            assert str(os.getpid()) not in str(told.value)


def test_a_run_asks_no_question_twice_and_a_changed_figure_is_another_question(
    connection, monkeypatch
):
    monkeypatch.setattr(solver, "APART_FROM", 1)
    asked, ask = [], solver.Apart.ask
    monkeypatch.setattr(
        solver.Apart,
        "ask",
        lambda self, function, *given, seconds: (
            asked.append(function.__name__) or ask(self, function, *given, seconds=seconds)
        ),
    )
    shown, made = released(connection, groups(4, 20, 60, 70))
    assert asked == ["search", "pieces"]
    again, remembered = released(connection, groups(4, 20, 60, 70))
    assert asked == ["search", "pieces", "pieces"], "which pieces there are is found every time"
    assert (again, remembered.proof) == (shown, made.proof)
    other, anew = released(connection, groups(9, 20, 60, 70))
    assert asked[3:] == ["search", "pieces"]
    solver.forget()
    assert released(connection, groups(9, 20, 60, 70))[1].proof == anew.proof
    monkeypatch.setattr(solver, "EFFORT", -1)
    assert released(connection, groups(9, 20, 60, 70))[0] != other, "less work is another question"


def test_answers_that_are_forgotten_are_asked_for_again(connection, monkeypatch):
    monkeypatch.setattr(solver, "APART_FROM", 1)
    monkeypatch.setattr(solver, "_MANY", 1)
    shown, made = released(connection, groups(4, 20, 60, 70))
    again, anew = released(connection, groups(4, 20, 60, 70))
    assert (again, anew.proof) == (shown, made.proof)
    assert len(solver._answers) == 1


@pytest.mark.parametrize(
    ("does", "limit", "why"),
    [
        (is_killed, {}, "ended from outside"),
        (takes_all_memory, {}, "out of the memory"),
        (search, {"SECONDS": 0.01}, "within 0.01 seconds"),
    ],
)
def test_a_solver_that_is_stopped_stops_the_release_and_says_what_to_do(
    connection, monkeypatch, does, limit, why
):
    monkeypatch.setattr(solver, "APART_FROM", 1)
    monkeypatch.setattr(solver, "search", does)
    for name, value in limit.items():
        monkeypatch.setattr(solver, name, value)
    with pytest.raises(SolverStopped, match=why) as told:
        released(connection, groups(4, 20, 60, 70))
    assert "resultaat (5 figures" in str(told.value)
    assert "niets vervangen" in str(told.value) and "nederlands" not in str(told.value)
    there = [name for (name,) in connection.execute("SHOW TABLES").fetchall()]
    assert not [name for name in there if name.startswith("disclosure__")]


def test_a_proof_that_is_stopped_leaves_the_tables_of_yesterday(tmp_path, monkeypatch):
    home = tables.home_in(tmp_path)
    tables.example(home)
    run.protect(home)
    before = {path: path.read_bytes() for path in sorted(home.lake.rglob("*")) if path.is_file()}
    monkeypatch.setattr(solver, "APART_FROM", 1)
    monkeypatch.setattr(solver, "pieces", is_killed)
    with pytest.raises(SolverStopped, match="prove"):
        run.protect(home)
    after = {path: path.read_bytes() for path in sorted(home.lake.rglob("*")) if path.is_file()}
    assert after == before


def test_out_of_work_the_release_has_less_detail_and_tells_it(connection, monkeypatch):
    summary = (load_dataset("beveiliging"), load_ruleset("openbaar"))
    tables.table(connection, "outcomes__result", tables.RESULT, groups(4, 20, 60, 70))
    found = []
    for effort in (solver.EFFORT, -1):
        monkeypatch.setattr(solver, "EFFORT", effort)
        made = protect_all(connection, [(RESULT, FREQUENCY), summary])
        told = connection.execute("SELECT is_grover, verborgen FROM disclosure__beveiliging")
        found.append((made.coarser, *told.fetchall()))
        assert all(line.is_veilig for line in made.proof.lines)
    assert found == [((), (False, 2)), (("resultaat",), (True, 5))]


def test_from_which_size_a_site_is_broken_down_is_told(connection):
    rows = [
        tables.count(site, names, group, "deelnemers", n)
        for site, n in (("alle", 300), ("utrecht", 249), ("spoor", 51))
        for names, group, share in (
            ("totaal", "totaal", 1.0),
            ("fase", "intake", 0.4),
            ("fase", "opleiding", 0.6),
        )
        for n in (round(n * share),)
    ]
    tables.table(connection, "outcomes__result", tables.RESULT, rows)
    chosen = [(RESULT, FREQUENCY), (load_dataset("beveiliging"), load_ruleset("openbaar"))]
    protect_all(connection, chosen)
    told = connection.execute("SELECT uitgesplitst_vanaf FROM disclosure__beveiliging").fetchall()
    assert told == [(RESULT.detail.minimum,)]
    sizes = connection.execute(
        "SELECT DISTINCT locatie FROM disclosure__resultaat WHERE groep <> 'totaal'"
    ).fetchall()
    assert sizes == [("alle",)]
