"""No number of a query becomes a floating one on Spark.

Where a decimal meets a text that nobody cast (``d = '0.00005'``, ``d IN ('1', '7')``), DuckDB makes
the text that decimal, rounded, and Spark makes both a DOUBLE: another figure, without a word. The
types are Spark's to tell, when it has analysed the query. No type that a query may have is a
floating one, so any cast to one is Spark's own, and refused.

Belongs here: looking at the analysed plan. Does not belong here: running it (``spark``), what the
words of a query tell (``words``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from via_pipeline.engine.session import CONFIDENTIAL, REDACTION, EngineError
from via_pipeline.engine.words import NotPortable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_FLOATING = re.compile(r"\b(double|float)\b")
_CAST = re.compile(r"\bas ([^()]*\b(?:double|float)\b)")
_ANALYSED = re.compile(r"== Analyzed Logical Plan ==\n(.*)== Optimized Logical Plan ==", re.DOTALL)
_CUT = re.compile(r"\.\.\. \d+ more fields")


def refuse(spark: SparkSession, frame: DataFrame, where: str) -> None:
    """Nothing, where ``frame`` (not run yet) has no cast to DOUBLE or FLOAT; ``where`` names it.

    Raises:
        NotPortable: it has one.
        EngineError: the server does not tell its plan.
    """
    found = _of_tree(frame) if getattr(frame, "_jdf", None) is not None else _of_text(spark, frame)
    if found:
        raise NotPortable(
            f"{where}: a decimal beside a text, or another value that Spark takes for a floating "
            "number, is not known to mean the same; cast it"
        )


def _of_tree(frame: DataFrame) -> bool:
    java: Any = frame._jdf
    plan = json.loads(java.queryExecution().analyzed().toJSON())
    return any(
        str(one.get("class", "")).endswith("Cast")
        and _FLOATING.search(json.dumps(one.get("dataType")))
        for one in _objects(plan)
    )


def _objects(found: Any) -> Iterator[dict[str, Any]]:
    if isinstance(found, dict):
        yield found
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from _objects(one)


def _of_text(spark: SparkSession, frame: DataFrame) -> bool:
    """The same for Spark Connect, whose clients get the plan as text; a literal may look like one.

    The server blackens its texts; not this one, which goes nowhere else.
    """
    client: Any = frame
    spark.conf.set(REDACTION, "(?!)")
    try:
        text = client._explain_string(extended=True)
    finally:
        spark.conf.set(REDACTION, CONFIDENTIAL[REDACTION])
    analysed = _ANALYSED.search(text)
    if analysed is None or _CUT.search(analysed[1]):
        raise EngineError("the Spark Connect server does not tell the whole plan of a query")
    return _CAST.search(analysed[1]) is not None
