"""What both engines are asked, on the table ``woorden`` of ``worlds``: together every listed word.

``test_spark`` compares the answers, ``test_dialect`` holds these texts against the list.
"""

from __future__ import annotations

from via_pipeline.contracts.model import load
from via_pipeline.diversity import counts
from via_pipeline.outcomes import compute, model

SOURCES = ("p7_ww", "p4_barometer")
"""Sources whose outcomes both engines count."""

VALUES = {
    "interval": "a + INTERVAL 6 MONTH < b",
    # Before the year 1 and after 9999 a day is written in other ways.
    "interval_text": "CASE WHEN year(a) BETWEEN 2 AND 9998 THEN CAST(a - INTERVAL 1 DAY AS "
    "VARCHAR) END",
    "years_later": "a + INTERVAL '1' YEAR >= b",
    "days": "date_diff('day', a, b) + 1",
    "days_between": "CAST(a - b AS BIGINT)",
    "years": "date_sub('year', a, b)",
    "years_of_moments": "date_sub('year', CAST(a + INTERVAL 1 DAY AS DATE), b)",
    "parts": "year(a) * 10000 + month(a) * 100 + day(a)",
    "date_text": "CAST(a AS VARCHAR)",
    "between": "a BETWEEN DATE '1999-01-01' AND b",
    "decimal_text": "CAST(d AS VARCHAR)",
    "other_decimal_text": "CAST(e AS VARCHAR)",
    "whole": "CAST(d AS BIGINT)",
    "cast_of_cast": "CAST(CAST(d AS DECIMAL(18,2)) AS BIGINT)",
    "cast_of_cast_of_cast": "CAST(CAST(CAST(d AS DECIMAL(18,1)) AS BIGINT) AS HUGEINT)",
    "small": "CAST(CAST(h AS INT) + 1 AS VARCHAR)",
    "units": "CAST(CAST((d) AS DECIMAL(18,4)) * 10000 AS HUGEINT)",
    "hundreds": "CAST(e AS DECIMAL(18,4))",
    "many_decimals": "CAST(h AS DECIMAL(38,20)) * 2",
    "every_decimal": "CAST(CAST(h AS DECIMAL(20,18)) * CAST(0.123456789012345678 AS "
    "DECIMAL(18,18)) AS VARCHAR)",
    "bool_text": "CAST(p AS VARCHAR)",
    "bool_number": "CAST(p AS BIGINT)",
    "truth": "CAST(h AS BOOLEAN) AND CAST('t' AS BOOLEAN)",
    "three_values": "CASE WHEN (p AND q) THEN 1 WHEN NOT (p AND q) THEN 0 END",
    "or_null": "p OR q IS NULL",
    "in_null": "s IN ('a', t)",
    "not_in": "s NOT IN ('a', '')",
    "pairs": "coalesce((s, t) NOT IN (('a', ''), ('', ' ')), true)",
    "compare": "s < t",
    "at_most": "i <= j",
    "at_least": "d >= e",
    "not_equal": "s <> t",
    "more": "a > b",
    "joined": "concat_ws(chr(31), s, t)",
    "joined_numbers": "concat_ws('/', i, d, a, p, CAST(e AS VARCHAR))",
    "between_truths": "p BETWEEN (i < j) AND (d = e OR q)",
    "nullif_truths": "nullif(p, i = j)",
    "nullif_or": "nullif(p OR q, i < j AND q)",
    "text_whole": "i IN ('1', '-1') OR j >= '2' OR h = '1'",
    "text_day": "a >= '2000-02-29' AND b <> '1582-10-14'",
    "text_truth": "p = 'true'",
    "two_scales": "d BETWEEN e AND 2.25 OR e IN (d, 0.5, i)",
    "nullif": "coalesce(nullif(s, ''), t, 'leeg')",
    "if": "if(p, s, t)",
    "key": "m['periode']",
    "sums": "i - j + 2 * nr",
    "minus": "-i - -d",
    "absolute": "abs(i)",
    "sign": "'${spark.app.name}'",
    "backslash": r"'a\b\n\\'",
    "md5": "md5_number(s) = md5_number(concat_ws('', t, CAST(CAST(d AS BIGINT) AS VARCHAR)))",
    "hash": "hash(s) = hash(t)",
    "hash_of_null": "hash(s) = hash(nullif(t, t))",
}
"""Values of one row."""

GROUPED = """
SELECT g, h, grouping(g) AS kind, count(*) AS n, count(s) AS texts, count(DISTINCT t) AS kinds,
    count(*) FILTER (WHERE p) AS yes, sum(i) AS total, CAST(sum(j) AS HUGEINT) AS whole,
    CAST(sum(d) AS DECIMAL(38,4)) AS amount, max(a) AS last, min(s) AS least, bool_or(q) AS any_q,
    string_agg(DISTINCT s, ' ' ORDER BY s) AS listed, max(abs(j), 2) AS largest,
    max(d, 2) AS amounts
FROM woorden GROUP BY GROUPING SETS ((g), (h), (g, h)) ORDER BY n"""

QUERIES = {
    "distinct": "SELECT DISTINCT g, h FROM woorden",
    "pairs": "SELECT g, count(DISTINCT (h, s)) AS n FROM woorden GROUP BY g",
    "sum of what is distinct": "SELECT g, sum(DISTINCT h) AS x FROM woorden GROUP BY g",
    "by hash": "SELECT min(s) AS s, count(*) AS n FROM woorden GROUP BY hash(s)",
    "joined by hash": "SELECT x.nr, y.s FROM woorden x JOIN (SELECT s, hash(s) AS h, min(nr) AS nr "
    "FROM woorden GROUP BY s) y ON y.h = hash(x.s)",
    "having": "SELECT g FROM woorden GROUP BY g HAVING count(*) > 50",
    "by place": "SELECT g, count(*) AS n FROM woorden GROUP BY 1",
    "by all": "SELECT coalesce(g, '-') AS g, count(*) AS n FROM woorden GROUP BY ALL ORDER BY ALL",
    "largest of no value": "SELECT r.g, max(r.d, 2) AS x FROM (SELECT * FROM woorden WHERE "
    "nr >= 395) r GROUP BY r.g",
    "first of a group": "SELECT nr, row_number() OVER (PARTITION BY g ORDER BY a DESC NULLS LAST, "
    "s, nr) AS x FROM woorden",
    "the one before": "SELECT nr, lag(i) OVER (PARTITION BY g ORDER BY nr) AS x, "
    "lag(h, 2, 0) OVER (ORDER BY nr) AS y FROM woorden",
    "running sums": "SELECT nr, sum(h) OVER (PARTITION BY g ORDER BY nr) AS x, count(*) OVER "
    "(PARTITION BY h) AS n, max(s) OVER (PARTITION BY g ORDER BY nr NULLS FIRST) AS y FROM woorden",
    "with": "WITH x AS MATERIALIZED (SELECT g, h FROM woorden), y AS (SELECT * FROM x) "
    "SELECT y.* FROM y",
    "union": "SELECT g FROM woorden UNION SELECT s FROM woorden",
    "union of several types": "SELECT g, h, d, a, NULL AS p FROM woorden UNION ALL "
    "SELECT NULL, d, i, NULL, p FROM woorden",
    "union of union in a with": "WITH x AS (SELECT s, nr FROM woorden), y AS (SELECT s FROM x "
    "UNION SELECT t FROM woorden UNION ALL SELECT g FROM woorden) "
    "SELECT s, count(*) AS n FROM y GROUP BY s",
    "union of a with": "WITH x AS (SELECT s FROM woorden) SELECT s FROM x UNION ALL "
    "SELECT t FROM woorden ORDER BY s",
    "using": "SELECT nr, x.g, y.h FROM (SELECT g, nr FROM woorden WHERE nr < 100) x FULL JOIN "
    "(SELECT h, nr FROM woorden WHERE nr > 50) y USING (nr)",
    "using and a star": "SELECT x.*, y.h FROM (SELECT g, nr FROM woorden) x LEFT JOIN "
    "(SELECT h, nr FROM woorden WHERE nr > 50) y USING (nr)",
    "semi": "SELECT * FROM (SELECT g, nr, s FROM woorden) x SEMI JOIN "
    "(SELECT t AS s, nr FROM woorden) y USING (nr, s)",
    "anti": "SELECT x.* FROM (SELECT g, nr, s FROM woorden) x ANTI JOIN "
    "(SELECT t AS s, nr FROM woorden) y USING (s, nr)",
    "on": "SELECT x.nr, y.nr AS other FROM woorden x JOIN woorden y ON x.s = y.t AND x.nr < y.nr",
    "every pair": "SELECT x.g, y.g AS other FROM (SELECT DISTINCT g FROM woorden) x CROSS JOIN "
    "(SELECT DISTINCT g FROM woorden) y",
    "among": "SELECT nr FROM woorden WHERE i IN (SELECT j FROM woorden)",
    "not among": "SELECT nr FROM woorden WHERE s NOT IN (SELECT t FROM woorden WHERE nr < 5 AND "
    "t IS NOT NULL)",
    "one value": "SELECT nr, (SELECT max(nr) FROM woorden) - nr AS x FROM woorden",
    "unnested": "SELECT x.c AS c, x.v AS v FROM (SELECT unnest(CASE WHEN p THEN [{'c': s, 'v': 1}] "
    "WHEN q THEN [{'c': s, 'v': 2}, {'c': t, 'v': NULL}] END) AS x FROM woorden)",
    "in other types": "SELECT year(a) AS jaar, 1 AS een, NULL AS niets, sum(h) AS som, d - e AS "
    "verschil, nr * 1.5 AS half, coalesce(d, i) AS deel FROM woorden WHERE nr < 400 GROUP BY ALL",
    "no rows": "SELECT nr, g, m FROM leeg",
    "a count of no rows": "SELECT count(*) AS n, sum(i) AS x FROM leeg",
    "every sign": f"SELECT {', '.join(f'chr({n}) AS c{n}' for n in range(256))}",
}
"""Whole questions, in any order of rows unless they say one."""


def every() -> list[str]:
    """All that is compared by ``test_spark``, as SQL."""
    values = ", ".join(f"{sql} AS {name}" for name, sql in VALUES.items())
    return [
        f"SELECT {values} FROM woorden",
        GROUPED,
        *QUERIES.values(),
        *(compute.groups(model.load(one), load(one)) for one in SOURCES),
        counts.counts(),
        counts.moves(),
    ]
