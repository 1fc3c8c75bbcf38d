"""Where heavy transformations run: in DuckDB on this machine, or on a Spark cluster.

A heavy transformation looks at every person: the groups of outcomes, the counts and moves of
diversity. It is written once, as DuckDB's SQL; ``VIA_ENGINE`` says who runs it. DuckDB gets the
text as it is; for Spark ``dialect`` puts it in Spark's words, out of a closed list of words that
mean the same on both, and refuses every other. Rules of a contract are Great Expectations' own
and run on Spark as they are (``quality.engines``).

Belongs here: the choice, the dialect, the session. Does not belong here: what is counted. Imports
``storage`` only. pyspark and sqlglot are imported inside functions: who runs on DuckDB needs
neither. See docs/decisions/0033-one-sql-two-engines.md.
"""
