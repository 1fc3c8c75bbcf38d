"""The documentation builds without a warning, fetches nothing, and what it says to add works."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from docs import follow_tutorial, make_licences
from via_pipeline.contracts import codelists, model, rules
from via_pipeline.contracts.model import Severity
from via_pipeline.defs.editions import editions
from via_pipeline.disclosure.model import load_ruleset
from via_pipeline.outcomes import exploration, plan
from via_pipeline.outcomes import model as measures
from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys.house import PROJECT

DOCS = PROJECT / "docs"


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class _Asks(HTMLParser):
    """What a browser fetches by itself for a page: not what a reader may follow."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("script", "img", "iframe", "source", "video"):
            self.asked.append(found.get("src") or "")
        elif tag == "link" and found.get("rel") != "canonical":
            self.asked.append(found.get("href") or "")


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        asks = _Asks()
        asks.feed(page.read_text(encoding="utf-8"))
        assert asks.asked, page.name
        assert [one for one in asks.asked if re.match(r"(https?:)?//", one)] == [], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text("utf-8"))


def test_every_page_and_every_decision_is_in_the_menu(site: Path) -> None:
    menu = (site / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        where = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert f'href="{where}"' in menu, where
    assert not list(site.rglob("*.py"))


def test_licences_are_those_of_the_lock() -> None:
    """`make licences` writes the page again."""
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", make_licences.PAGE.read_text(), re.M)
    locked = make_licences.pins(make_licences.LOCK.read_text())
    assert [
        (name, version) for name, version, _ in rows if name not in ("package", "---")
    ] == locked
    stated = {name: licence for name, _, licence in rows}
    assert stated["duckdb"] and stated["dagster"].startswith("Apache")
    assert not [name for name, licence in stated.items() if licence in ("UNKNOWN", "not stated")]


# --- what the how-tos say --------------------------------------------------------------------


def test_the_rule_of_the_page_becomes_a_rule(tmp_path: Path) -> None:
    for path in model.SOURCES.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    contract = tmp_path / "p5_behoud.odcs.yaml"
    content = yaml.safe_load(contract.read_text(encoding="utf-8"))
    (added, ruleset) = blocks("add-a-rule.md", "yaml")
    content["schema"][0]["quality"] += yaml.safe_load(added)
    contract.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False))

    found = model.load("p5_behoud", tmp_path)
    table = found.tables[0]
    lists = {
        name: codelists.load(name, PROJECT / "data" / "reference")
        for name in rules.needs_codelists(table)
    }
    made = {rule.id: rule for rule in rules.rules_of(found, table, lists)}
    assert made["deeltijdfactor__nul_met_vertrek"].severity == Severity.REJECT_ROW

    path = tmp_path / "strenger.yaml"
    path.write_text(ruleset)
    assert load_ruleset("strenger", tmp_path).published_as == "minimumfrequentie"


def test_the_outcome_of_the_page_becomes_a_measure(tmp_path: Path) -> None:
    (measure, question) = blocks("add-an-outcome.md", "yaml")
    content = yaml.safe_load((measures.MEASURES / "p5_behoud.yaml").read_text(encoding="utf-8"))
    content["measures"] += yaml.safe_load(measure)
    (tmp_path / "p5_behoud.yaml").write_text(yaml.safe_dump(content, allow_unicode=True))
    found = measures.load("p5_behoud", tmp_path).measures[-1]
    assert (found.id, found.kind) == ("klein_contract", measures.Kind.SHARE)

    (tmp_path / exploration.FOLDER).mkdir()
    (tmp_path / exploration.FOLDER / "p5_alle_vraag.yaml").write_text(question)
    locked = plan.load(PROJECT / "via_pipeline" / "outcomes" / "plans" / "p5_alle.yaml")
    (asked,) = exploration.of(locked, tmp_path)
    assert asked.asked_on > locked.locked_on


def test_the_row_of_the_page_becomes_an_edition(tmp_path: Path) -> None:
    home = Home(tmp_path / "via", tmp_path / "data")
    register = shutil.copytree(PROJECT / "data" / "register", home.data / "register")
    row, text = blocks("add-an-edition.md", "text")
    with (register / "brief.csv").open("a", encoding="utf-8") as handle:
        handle.write(row)
    found = {edition.name: edition.reading_date for edition in editions(home)}
    assert found["voorjaar"] == date(2022, 6, 30)
    header = (register / "brief.csv").read_text(encoding="utf-8").splitlines()[0]
    _keeps_to("brief", dict(zip(header.split(";"), row.strip().split(";"), strict=True)), "editie")
    _keeps_to("status", yaml.safe_load(text.split("---")[1]), "brief")


def _keeps_to(table: str, values: dict[str, str], names_the_edition: str) -> None:
    """As the contract has it, but for the edition's name, which the page says to add there."""
    for column in model.load("register").table(table).columns:
        if column.name == "tekst":
            continue
        value = values.get(column.name, "")
        assert value or not column.required, column.name
        if value and column.pattern and column.name != names_the_edition:
            assert re.fullmatch(column.pattern, value), column.name


# --- the tutorial's follower -----------------------------------------------------------------


def test_the_tutorial_is_found_step_by_step() -> None:
    steps = follow_tutorial.steps(follow_tutorial.PAGE.read_text(encoding="utf-8"))
    assert steps[0].commands.startswith("make install")
    assert sum(bool(step.expected) for step in steps) >= 8


def test_a_failing_command_and_a_missing_line_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same shell for all steps; the first that is wrong is named."""
    good = "```sh\nexport HALF=a\n```\n```sh\necho $HALF b 12\n```\n```text\na b …2\n```\n"
    for page, code, words in (
        (good, 0, "2 steps, 1 lines"),
        (good.replace("b …2", "c"), 1, "not said: 'a c'"),
        (good.replace("echo", "false; echo"), 1, "step 2: ended with exit code 1"),
    ):
        assert follow_tutorial._judge(follow_tutorial.steps(page), tmp_path, tmp_path) == code
        assert words in capsys.readouterr().out


def test_lines_are_wanted_in_their_order() -> None:
    step = follow_tutorial.Step("", ["een", "twee"])
    assert follow_tutorial.missing(step, "een\ntwee\n") == []
    assert follow_tutorial.missing(step, "twee\neen\n") == ["twee"]
