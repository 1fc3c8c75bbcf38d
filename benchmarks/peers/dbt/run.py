"""dbt on DuckDB, run by Dagster: models that read, type, judge and split; tests on what was made.

    python benchmarks/peers/dbt/run.py WORK.json OUT

The idiom of dagster-dbt: one ``@dbt_assets`` over the project, ``dbt build`` streamed as Dagster's
events, tests as asset checks. A source's files are read together, as dbt people do.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

PROJECT = Path(__file__).parent


def main(work: Path, out: Path) -> None:
    """Do the work; dbt's own files go to a folder of this run."""
    order = json.loads(work.read_text(encoding="utf-8"))
    block = bytes.fromhex(order["key"]).ljust(64, b"\0")
    given = {
        "deliveries": order["deliveries"],
        "codes": order["codes"],
        "ipad": bytes(byte ^ 0x36 for byte in block).hex(),
        "opad": bytes(byte ^ 0x5C for byte in block).hex(),
    }
    for name in ("conformed/p7_ww", "conformed/p4_barometer", "quarantine/p7_ww",
                 "quarantine/p4_barometer", "outcomes"):  # fmt: skip
        (out / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch) / "project"
        shutil.copytree(PROJECT, project)
        # The variables are long (every path): in the project, not on the command line.
        settings = project / "dbt_project.yml"
        settings.write_text(
            settings.read_text(encoding="utf-8") + "vars: " + json.dumps(given), encoding="utf-8"
        )
        os.environ |= {
            "BENCH_OUT": str(out.absolute()),
            "DBT_PROFILES_DIR": str(project),
            "DO_NOT_TRACK": "1",
        }
        dbt = Path(sys.executable).with_name("dbt")
        subprocess.run(  # noqa: S603 - dbt of this environment
            [dbt, "parse", "--quiet"], cwd=project, check=True
        )
        build(project, dbt)
    (out / "bench.duckdb").unlink()


def build(project: Path, dbt: Path) -> None:
    """``dbt build`` as one run of Dagster."""

    @dbt_assets(manifest=project / "target" / "manifest.json")
    def everything(context: dg.AssetExecutionContext, dbt: DbtCliResource):
        yield from dbt.cli(["build"], context=context).stream()

    resource = DbtCliResource(project_dir=str(project), dbt_executable=str(dbt))
    if not dg.materialize([everything], resources={"dbt": resource}).success:
        raise SystemExit("dbt build failed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
