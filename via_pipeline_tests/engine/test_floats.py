"""A plan of a Spark Connect server comes as text: what is looked for in it, and what is not enough.

The texts are what a server of Spark 4.0.5 gave.
"""

from __future__ import annotations

from typing import Any

import pytest

from via_pipeline.engine import floats
from via_pipeline.engine.session import CONFIDENTIAL, REDACTION, EngineError
from via_pipeline.engine.words import NotPortable

PLAN = """== Parsed Logical Plan ==
'Aggregate ['count(1) AS n#5]
+- 'Filter {asked}
   +- 'UnresolvedRelation [v], [], false

== Analyzed Logical Plan ==
n: bigint
Aggregate [count(1) AS n#5L]
+- Filter {found}
   +- LocalRelation [nr#0L, d#1]

== Optimized Logical Plan ==
Aggregate [count(1) AS n#5L]

== Physical Plan ==
LocalTableScan [n#5L]
"""
GOOD = PLAN.format(asked="('d = 1)", found="(d#1 = cast(cast(1 as decimal(1,0)) as decimal(18,4)))")
BAD = PLAN.format(asked="('d = 1)", found="(cast(d#1 as double) = cast(1 as double))")
NESTED = PLAN.format(asked="('d = x)", found="(cast(d#1 as array<double>) = x#2)")
ASKED_ONLY = PLAN.format(asked="cast('d as double)", found="(d#1 = 1)")


class Server:
    """Stands for session and frame: the settings that it was given, and its plan."""

    _jdf = None

    def __init__(self, plan: str) -> None:
        self.plan, self.conf, self.settings = plan, self, {REDACTION: ".+"}

    def set(self, name: str, value: str) -> None:
        self.settings[name] = value

    def _explain_string(self, extended: bool) -> str:
        return self.plan if extended and self.settings[REDACTION] == "(?!)" else "*(redacted)"


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (GOOD, None),
        (ASKED_ONLY, None),
        (BAD, NotPortable),
        (NESTED, NotPortable),
        ("*********(redacted)", EngineError),
        (GOOD.replace("nr#0L", "nr#0L, ... 231 more fields"), EngineError),
    ],
)
def test_a_plan_in_text_is_looked_at_whole(plan: str, error: type[Exception] | None) -> None:
    server: Any = Server(plan)
    if error is None:
        floats.refuse(server, server, "een maat")
    else:
        with pytest.raises(error, match=r"een maat|whole plan"):
            floats.refuse(server, server, "een maat")
    assert server.settings[REDACTION] == CONFIDENTIAL[REDACTION]
