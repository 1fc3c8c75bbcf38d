"""The connection kit: what each program gets is right for the release that is in force."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath, PureWindowsPath
from xml.etree import ElementTree as xml

import pytest
import yaml
from typer.testing import CliRunner

from via_pipeline.serving import content
from via_pipeline.serving.kit import write as kit
from via_pipeline.serving.publish import FILE

SHARE = r"\\server\via\latest"


@pytest.fixture(scope="module")
def here(published, tmp_path_factory):
    """The kit for readers on this machine."""
    folder = tmp_path_factory.mktemp("here")
    kit.write(published.latest / FILE, kit.place(str(published.latest)), folder)
    return folder


@pytest.fixture(scope="module")
def there(published, tmp_path_factory):
    """The kit for readers who see it on a Windows share."""
    folder = tmp_path_factory.mktemp("there")
    kit.write(published.latest / FILE, kit.place(SHARE), folder)
    return folder


def test_a_place_is_of_its_own_system():
    assert isinstance(kit.place(SHARE), PureWindowsPath)
    assert isinstance(kit.place("D:\\via"), PureWindowsPath)
    assert isinstance(kit.place("/srv/via"), PurePosixPath)
    for half in ("via/latest", r"via\latest", "C:via", ""):
        with pytest.raises(ValueError, match="whole path"):
            kit.place(half)


def test_power_bi_gets_the_folder_and_every_column_its_type(there):
    said = json.loads((there / "powerbi/via.pbids").read_text("utf-8"))
    (connection,) = said["connections"]
    assert connection["details"]["address"]["path"] == rf"{SHARE}\parquet"
    for program, kind in (("powerbi", "parquet"), ("excel", "csv")):
        query = (there / program / "via.pq").read_text("utf-8")
        assert f'Map = "{SHARE}\\{kind}\\"' in query
        for table, columns in content.allowed().items():
            (typed,) = re.findall(rf'Lees\("{table}", \{{(.*)\}}\)', query)
            assert re.findall(r'\{"(\w+)", (?:type \w+|Int64\.Type)\}', typed) == columns
    types = re.search(r'Lees\("resultaat".*', query).group()
    assert '{"n", Int64.Type}' in types
    assert '{"waarde", type number}' in types
    assert '{"peildatum", type date}' in types


def test_tableau_gets_types_and_words_of_every_table(there):
    for table, columns in content.allowed().items():
        source = xml.parse(there / "tableau" / f"{table}.tds").getroot()
        found = source.find(".//connection[@class='textscan']")
        assert found.get("directory") == PureWindowsPath(SHARE, "csv").as_posix()
        assert found.get("filename") == f"{table}.csv"
        assert [column.get("name") for column in source.findall(".//columns/column")] == columns
        words = [run.text for run in source.findall("column/desc/formatted-text/run")]
        assert words == list(content.words(table)[1].values())


def test_the_python_script_reads_the_release(here):
    listed = _ran([sys.executable, here / "lees.py"])
    for table in content.allowed():
        assert table in listed or table == "publicatie"
    assert "waarde_status" in _ran([sys.executable, here / "lees.py", "resultaat"])


@pytest.mark.skipif(not shutil.which("Rscript"), reason="R is not installed (Debian: r-base-core)")
def test_the_r_script_reads_the_release(here, published):
    told = _ran(["Rscript", here / "lees.R", "resultaat"])
    assert told.startswith("resultaat 108 rijen")
    assert re.search(r"\$ waarde *: num", told)
    assert re.search(r"\$ peildatum *: Date", told)
    assert re.search(r"\$ is_synthetisch *: logi", told)


def test_the_dashboard_names_only_tables_and_columns_that_are_there(here):
    parts = _parts(here)
    columns = {
        part["uuid"]: {column["column_name"] for column in part["columns"]}
        for name, part in parts.items()
        if name.startswith("via/datasets/")
    }
    charts = {part["uuid"]: part for name, part in parts.items() if name.startswith("via/charts/")}
    assert charts
    for chart in charts.values():
        params = chart["params"]
        named = {*params.get("all_columns", []), *params.get("groupby", [])}
        named |= {params["x_axis"]} if "x_axis" in params else set()
        texts = [one["sqlExpression"] for one in params.get("adhoc_filters", [])]
        texts += [one["sqlExpression"] for one in params.get("metrics", [])]
        for text in texts:
            plain = re.sub(r"'[^']*'", "", text)
            named |= set(re.findall(r"\b[a-z_]+\b", plain)) - {"max"}
        assert named <= columns[chart["dataset_uuid"]], chart["slice_name"]
    position = parts["via/dashboards/via.yaml"]["position"]
    shown = {one["meta"]["uuid"] for one in position.values() if _is_chart(one)}
    assert shown == set(charts)
    assert parts["via/databases/VIA.yaml"]["sqlalchemy_uri"].endswith("?access_mode=read_only")


def test_the_dashboard_says_that_data_are_synthetic(here):
    position = _parts(here)["via/dashboards/via.yaml"]["position"]
    assert "synthetisch" in position["MARKDOWN-notice"]["meta"]["code"]
    assert "synthetisch" in (here / "LEESMIJ.md").read_text("utf-8")


def test_the_same_release_and_place_give_the_same_bytes(published, here, tmp_path):
    kit.write(published.latest / FILE, kit.place(str(published.latest)), tmp_path)
    files = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.*"))
    assert all((here / file).read_bytes() == (tmp_path / file).read_bytes() for file in files)


def test_the_command(published, tmp_path, monkeypatch):
    from via_pipeline.commands.serve import app

    monkeypatch.setenv("VIA_HOME", str(published.root))
    done = CliRunner().invoke(app, ["kit", str(tmp_path / "kit"), "--at", SHARE])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "kit" / "LEESMIJ.md").exists()
    assert CliRunner().invoke(app, ["kit", str(tmp_path), "--at", "half/way"]).exit_code == 2
    monkeypatch.setenv("VIA_HOME", str(tmp_path / "empty"))
    empty = CliRunner().invoke(app, ["kit", str(tmp_path / "none")])
    assert empty.exit_code == 1
    assert not (tmp_path / "none").exists()


def _ran(command) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _parts(folder) -> dict:
    with zipfile.ZipFile(io.BytesIO((folder / "superset/via.zip").read_bytes())) as archive:
        return {name: yaml.safe_load(archive.read(name)) for name in archive.namelist()}


def _is_chart(item) -> bool:
    return isinstance(item, dict) and item["type"] == "CHART"
