"""Import the starter dashboard into a real Superset and ask every chart for its data.

    python compat/superset_try.py kit/superset/via.zip

Belongs here: what runs in Superset's own environment (``make superset``). SUPERSET_CONFIG_PATH and
SUPERSET_HOME point at a scratch folder, and its database was made with ``superset db upgrade``.
Exit code 1: the import fails, a chart gives an error, or one that should show rows shows none.
"""

from __future__ import annotations

import json
import sys

from superset.app import create_app


def main(archive: str) -> int:
    """Print a line per chart: its rows, or what is wrong."""
    with create_app().app_context():
        return _tried(archive)


def _tried(archive: str) -> int:
    from zipfile import ZipFile

    from flask import g
    from superset import db, security_manager
    from superset.commands.chart.data.get_data_command import ChartDataCommand
    from superset.commands.dashboard.importers.dispatcher import ImportDashboardsCommand
    from superset.commands.importers.v1.utils import get_contents_from_bundle
    from superset.common.query_context_factory import QueryContextFactory
    from superset.models.dashboard import Dashboard

    g.user = security_manager.find_user("admin")
    with ZipFile(archive) as packed:
        ImportDashboardsCommand(get_contents_from_bundle(packed), overwrite=True).run()
    dashboard = db.session.query(Dashboard).filter_by(slug="via").one()
    wrong = 0
    for chart in sorted(dashboard.slices, key=lambda one: one.slice_name):
        params = json.loads(chart.params)
        filters = " AND ".join(
            f"({one['sqlExpression']})" for one in params.get("adhoc_filters", [])
        )
        columns = params.get("all_columns") or [params["x_axis"], *params["groupby"]]
        context = QueryContextFactory().create(
            datasource={"id": chart.datasource_id, "type": "table"},
            queries=[
                {
                    "columns": columns,
                    "metrics": params.get("metrics"),
                    "extras": {"where": filters},
                    "row_limit": params["row_limit"],
                }
            ],
            result_type="full",
            result_format="json",
            force=True,
        )
        (answer,) = ChartDataCommand(context).run()["queries"]
        wrong += bool(answer["error"]) or not answer["rowcount"]
        print(f"{chart.slice_name}: {answer['error'] or answer['rowcount']}")
    return 1 if wrong or not dashboard.slices else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
