"""Expressions out of the listed words, grown by hypothesis: well typed, and small enough that no
number overflows (where an engine gives an error there is no value to compare)."""

from __future__ import annotations

from hypothesis import strategies as st

from via_pipeline.storage.duck import literal

DEPTH = 3
COLUMNS = 20
"""Expressions a question: Spark needs a second for one as for twenty."""

_TEXTS = ("", "a", "A", "é", "ß", "it's", '"', r"\n", "${x}", "0", "日")
_DAYS = ("0001-01-01", "1582-10-14", "1999-12-31", "2000-02-29", "2019-08-31", "9999-12-31")
_LEAVES = {
    "whole": ("nr", "i", "j", "h", "0", "1", "7", "NULL::BIGINT"),
    # No NULL::DECIMAL: DuckDB forgets its type in a sum, and then the rows of Spark are refused.
    "decimal": ("d", "e", "0.5", "2.25"),
    "text": ("s", "t", "g", "m['periode']", *(literal(text) for text in _TEXTS)),
    "day": ("a", "b", *(f"DATE '{day}'" for day in _DAYS)),
    "truth": ("p", "q", "true", "false"),
}
_IN_TEXT = {
    "whole in text": ("'0'", "'1'", "'-7'"),
    "day in text": tuple(f"'{day}'" for day in _DAYS),
}
"""What a literal in quotes becomes beside another kind."""
_SIGNS = ("=", "<>", "<", "<=", ">", ">=")
_FORMS: dict[str, list[tuple[str, ...]]] = {
    "whole": [
        ("({} + {})", "whole", "whole"),
        ("({} - {})", "whole", "whole"),
        ("({} * 3)", "whole"),
        ("(- {})", "whole"),
        ("abs({})", "whole"),
        ("CAST({} AS BIGINT)", "decimal"),
        ("CAST(CAST({} AS DECIMAL(18,2)) AS BIGINT)", "decimal"),
        ("CAST(CAST({} AS HUGEINT) AS BIGINT)", "decimal"),
        ("CAST({} AS BIGINT)", "truth"),
        ("year({})", "day"),
        ("month({})", "day"),
        ("day({})", "day"),
        ("date_diff('day', {}, {})", "day", "day"),
        ("date_sub('year', {}, {})", "day", "day"),
        ("CAST({} - {} AS BIGINT)", "day", "day"),
    ],
    "decimal": [
        ("({} + {})", "decimal", "decimal"),
        ("({} - {})", "decimal", "decimal"),
        ("(- {})", "decimal"),
        ("abs({})", "decimal"),
        ("CAST({} AS DECIMAL(18,4))", "decimal"),
        ("CAST({} AS DECIMAL(20,1))", "decimal"),
        ("CAST(CAST({} AS DECIMAL(20,1)) AS DECIMAL(18,0))", "decimal"),
        ("CAST({} AS DECIMAL(18,4))", "whole"),
        ("(CAST({} AS DECIMAL(18,4)) * 3)", "decimal"),
    ],
    "text": [
        *(("CAST({} AS VARCHAR)", kind) for kind in _LEAVES),
        ("concat_ws('/', {}, {})", "text", "text"),
        ("concat_ws(chr(31), {}, {}, {})", "text", "whole", "day"),
    ],
    # After the year 9999 a day is written in other ways.
    "day": [
        ("CASE WHEN year({0}) < 9999 THEN CAST({0} + INTERVAL 1 MONTH AS DATE) END", "day"),
    ],
    "truth": [
        *((f"({{}} {sign} {{}})", kind, kind) for kind in _LEAVES for sign in _SIGNS),
        *(("({} IS NULL)", kind) for kind in _LEAVES),
        *(("({} IN ({}, {}))", kind, kind, kind) for kind in _LEAVES),
        *(("({} BETWEEN {} AND {})", kind, kind, kind) for kind in _LEAVES),
        ("({} AND {})", "truth", "truth"),
        ("({} OR {})", "truth", "truth"),
        ("(NOT {})", "truth"),
        ("({} + INTERVAL 6 MONTH < {})", "day", "day"),
        ("({} - INTERVAL 1 YEAR >= {} - INTERVAL 3 DAY)", "day", "day"),
        ("(({}, {}) IN (('a', ''), ('', 'a')))", "text", "text"),
        ("(md5_number({}) = md5_number({}))", "text", "text"),
        *(("(hash({}) = hash({}))", kind, kind) for kind in _LEAVES),
        # Kinds that meet: a decimal beside a text is refused (``floats``), the others are not.
        *((f"({{}} {sign} {{}})", "decimal", "whole") for sign in _SIGNS),
        *((f"({{}} {sign} {{}})", "whole", "whole in text") for sign in _SIGNS),
        *((f"({{}} {sign} {{}})", "day", "day in text") for sign in _SIGNS),
        ("({} IN ({}, {}))", "decimal", "whole", "decimal"),
        ("({} IN ({}, {}))", "whole", "whole in text", "whole"),
        ("({} BETWEEN {} AND {})", "decimal", "whole", "decimal"),
        ("({} BETWEEN {} AND {})", "whole", "decimal", "whole in text"),
        ("({} BETWEEN {} AND {})", "day", "day in text", "day"),
    ],
}
"""Per type of value how one is made, and of what types."""

for _kind, _forms in _FORMS.items():
    _forms += [
        ("CASE WHEN {} THEN {} ELSE {} END", "truth", _kind, _kind),
        ("CASE WHEN {} THEN {} END", "truth", _kind),
        ("coalesce({}, {})", _kind, _kind),
        ("nullif({}, {})", _kind, _kind),
        ("if({}, {}, {})", "truth", _kind, _kind),
    ]


@st.composite
def columns(draw: st.DrawFn) -> list[str]:
    """So many expressions over the columns of ``woorden``."""
    return [_grown(draw, draw(st.sampled_from(sorted(_FORMS))), DEPTH) for _ in range(COLUMNS)]


def _grown(draw: st.DrawFn, kind: str, depth: int) -> str:
    if kind in _IN_TEXT:
        return str(draw(st.sampled_from(_IN_TEXT[kind])))
    if depth == 0 or (depth < DEPTH and draw(st.booleans())):
        return str(draw(st.sampled_from(_LEAVES[kind])))
    form, *kinds = draw(st.sampled_from(_FORMS[kind]))
    return form.format(*(_grown(draw, one, depth - 1) for one in kinds))
