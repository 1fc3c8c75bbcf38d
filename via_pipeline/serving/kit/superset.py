"""A starter dashboard for Apache Superset, as the archive that Superset itself exports.

Belongs here: the archive's format. Does not belong here: which charts there are
(``superset.yaml``).

Written for Superset 4.1 to 6.1; ``make superset`` imports it into a real one and asks every chart
for its data. Identifiers are derived from names (UUID version 5), so importing again replaces what
is there, and the same tables give the same bytes.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from functools import cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

import yaml

from via_pipeline.disclosure import dictionary
from via_pipeline.serving.kit.clients import plain

if TYPE_CHECKING:
    from via_pipeline.serving.kit.write import Table

_CHARTS = Path(__file__).with_suffix(".yaml")
_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "via_pipeline/superset")
_ROOT = "via/"
_VERSION = "1.0.0"
# A release never changes and has no clock: the day that ZIP begins with.
_DAY = (1980, 1, 1, 0, 0, 0)
_WIDTH = 12


def export(file: PurePath, tables: list[Table]) -> bytes:
    """The archive: one database, a dataset per table, the charts, one dashboard.

    ``file`` is the published DuckDB file as Superset sees it.
    """
    described = _described()
    parts = {
        "metadata.yaml": {"version": _VERSION, "type": "Dashboard", "timestamp": _stamp()},
        "databases/VIA.yaml": _database(file),
    }
    parts |= {f"datasets/VIA/{table.name}.yaml": _dataset(table) for table in tables}
    parts |= {f"charts/{chart['key']}.yaml": _chart(chart) for chart in described["charts"]}
    parts["dashboards/via.yaml"] = _dashboard(described)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in sorted(parts.items()):
            text = yaml.safe_dump(part, allow_unicode=True, sort_keys=False)
            archive.writestr(zipfile.ZipInfo(_ROOT + name, _DAY), text)
    return packed.getvalue()


@cache
def _described() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(_CHARTS.read_text(encoding="utf-8"))
    return found


def _uuid(name: str) -> str:
    return str(uuid.uuid5(_SPACE, name))


def _stamp() -> str:
    return "{:04}-{:02}-{:02}T00:00:00+00:00".format(*_DAY[:3])


def _database(file: PurePath) -> dict[str, Any]:
    return {
        "database_name": "VIA",
        "sqlalchemy_uri": f"duckdb:///{file.as_posix()}?access_mode=read_only",
        "cache_timeout": 0,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "extra": {},
        "uuid": _uuid("database"),
        "version": _VERSION,
    }


def _dataset(table: Table) -> dict[str, Any]:
    return {
        "table_name": table.name,
        "main_dttm_col": None,
        "description": table.words,
        "schema": "main",
        "sql": None,
        "uuid": _uuid(f"dataset {table.name}"),
        "metrics": [
            {
                "metric_name": "rijen",
                "verbose_name": "Aantal rijen",
                "metric_type": "count",
                "expression": "count(*)",
            }
        ],
        "columns": [
            {
                "column_name": column.name,
                "is_dttm": column.kind == "DATE",
                "is_active": True,
                "type": plain(column.kind),
                "groupby": True,
                "filterable": True,
                "description": column.words,
            }
            for column in table.columns
        ],
        "version": _VERSION,
        "database_uuid": _uuid("database"),
    }


def _chart(chart: dict[str, Any]) -> dict[str, Any]:
    return {
        "slice_name": chart["title"],
        "description": chart["description"],
        "viz_type": chart["viz_type"],
        "params": {"viz_type": chart["viz_type"]} | chart["params"],
        "cache_timeout": None,
        "uuid": _uuid(f"chart {chart['key']}"),
        "version": _VERSION,
        "dataset_uuid": _uuid(f"dataset {chart['dataset']}"),
    }


def _dashboard(described: dict[str, Any]) -> dict[str, Any]:
    charts = {chart["key"]: chart for chart in described["charts"]}
    # Numbers of the house that it came from; an import gives others, but wants to see some.
    numbers = {key: number for number, key in enumerate(charts, start=1)}
    rows = {f"ROW-{place}": keys for place, keys in enumerate(described["rows"], start=1)}
    position: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "GRID_ID": {
            "id": "GRID_ID",
            "type": "GRID",
            "parents": ["ROOT_ID"],
            "children": ["MARKDOWN-notice", *rows],
        },
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": described["title"]}},
        "MARKDOWN-notice": {
            "id": "MARKDOWN-notice",
            "type": "MARKDOWN",
            "parents": ["ROOT_ID", "GRID_ID"],
            "children": [],
            "meta": {
                "code": f"{described['intro']} {dictionary.synthetic_notice()}",
                "width": _WIDTH,
                "height": 16,
            },
        },
    }
    for row, keys in rows.items():
        parents = ["ROOT_ID", "GRID_ID"]
        position[row] = {
            "id": row,
            "type": "ROW",
            "parents": parents,
            "children": [f"CHART-{key}" for key in keys],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for key in keys:
            position[f"CHART-{key}"] = {
                "id": f"CHART-{key}",
                "type": "CHART",
                "parents": [*parents, row],
                "children": [],
                "meta": {
                    "uuid": _uuid(f"chart {key}"),
                    "chartId": numbers[key],
                    "sliceName": charts[key]["title"],
                    "width": _WIDTH // len(keys),
                    "height": 50,
                },
            }
    return {
        "dashboard_title": described["title"],
        "description": described["intro"],
        "css": "",
        "slug": "via",
        "uuid": _uuid("dashboard"),
        "position": position,
        "metadata": {"color_scheme": "supersetColors", "refresh_frequency": 0},
        "version": _VERSION,
    }
