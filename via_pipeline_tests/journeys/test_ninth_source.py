"""A ninth source is a contract, a measures file and a folder with a defs.yaml: no Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from via_pipeline.storage.home import Home
from via_pipeline_tests.journeys import house

NINTH = "p9_proef"
_RUN = f"""
import dagster as dg
from via_pipeline.defs.assemble import build_defs
from via_pipeline.storage import duck, lake
from via_pipeline.storage.home import Home

definitions = build_defs()
names = [spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()]
wanted = dg.AssetSelection.assets("outcomes__result").upstream()
job = dg.define_asset_job("proef", selection=wanted)
job = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("proef")
result = job.execute_in_process(raise_on_error=True)
checks = [found.check_name for found in result.get_asset_check_evaluations()
          if found.asset_key.to_user_string() == "pilots__{NINTH}_medewerker"]
home = Home.from_env()
with duck.work() as connection:
    lake.view(connection, home.lake, "outcomes__result")
    rows = connection.execute(
        "SELECT count(*) FROM outcomes__result WHERE bron = '{NINTH}'").fetchone()[0]
print("ASSETS", sorted(name for name in names if "{NINTH}" in name))
print("CHECKS", len(checks))
print("ROWS", rows)
"""


def _python_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))


def test_a_ninth_source_needs_no_python(tmp_path: Path) -> None:
    project = tmp_path / "project"
    package = project / "via_pipeline"
    # With what is compiled: the copies keep their sources' times.
    shutil.copytree(house.PROJECT / "via_pipeline", package)
    for name in ("pyproject.toml", "dagster.yaml", "workspace.yaml"):
        shutil.copy(house.PROJECT / name, project)
    for name in ("register", "reference"):
        shutil.copytree(house.PROJECT / "data" / name, project / "data" / name)
    before = _python_files(package)

    sources = package / "contracts" / "sources"
    contract = (sources / "p5_behoud.odcs.yaml").read_text(encoding="utf-8")
    contract = contract.replace("p5_behoud", NINTH).replace("via-p5-behoud", "via-p9-proef")
    contract = contract.replace("pilots__p5_medewerker", f"pilots__{NINTH}_medewerker")
    contract = re.sub(r"value: P5\b", "value: P9", contract)
    (sources / f"{NINTH}.odcs.yaml").write_text(contract, encoding="utf-8")
    measures = package / "outcomes" / "measures"
    text = (measures / "p5_behoud.yaml").read_text(encoding="utf-8")
    text = text.replace("p5_behoud", NINTH).replace("pilot_id: P5", "pilot_id: P9")
    text = text.replace("pilots__p5_medewerker", f"pilots__{NINTH}_medewerker")
    (measures / f"{NINTH}.yaml").write_text(text, encoding="utf-8")
    folder = package / "defs" / NINTH
    folder.mkdir()
    (folder / "defs.yaml").write_text(
        "type: via_pipeline.defs.components.partner_source.PartnerSource\n"
        f"attributes:\n  source: {NINTH}\n",
        encoding="utf-8",
    )
    deliveries = house.PROJECT / "data" / "landing" / "p5_behoud"
    file = sorted(deliveries.rglob("p5_behoud_A_2018*.csv"))[0]
    landing = project / "data" / "landing" / NINTH / "2019-02-18"
    landing.mkdir(parents=True)
    shutil.copy(file, landing / file.name.replace("p5_behoud", NINTH))

    home = Home(tmp_path / "home", project / "data")
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        cwd=project,
        env=house.environment(home) | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line[:1].isupper())
    for name in ("landing", "intake", "quality", "outcomes"):
        assert f"'{name}__{NINTH}'" in told["ASSETS"]
    assert f"'pilots__{NINTH}_medewerker'" in told["ASSETS"]
    assert int(told["CHECKS"]) > 20
    assert int(told["ROWS"]) > 0
    assert _python_files(package) == before
