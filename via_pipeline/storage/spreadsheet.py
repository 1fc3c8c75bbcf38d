"""Text that a spreadsheet program would run: how it is kept from that in what we write.

Belongs here: the one rule for a CSV, in Python and in SQL, and what xlsxwriter takes for markup.
Does not belong here: XLSX and ODS otherwise, which say of each cell that it is text. Source: OWASP,
"CSV Injection".
"""

from __future__ import annotations

from collections.abc import Iterable

from via_pipeline.storage.duck import among, quoted

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Signs at the beginning of a text by which a spreadsheet takes it for a formula."""


def harmless(text: str) -> str:
    """``text`` with an apostrophe in front where it begins like a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def unmarked(text: str) -> str:
    """``text`` such that xlsxwriter writes it as it is.

    What begins with ``<r>`` and ends with ``</r>`` it takes for markup of its own, of a text in
    several fonts, and puts in the sheet without escaping it. A blank at the end makes it a text.
    """
    return text + " " if text.startswith("<r>") and text.endswith("</r>") else text


def harmless_columns(columns: Iterable[tuple[str, str]]) -> str:
    """A select list of ``columns`` (name, DuckDB type) in which every text is ``harmless``.

    Numbers are left alone: a minus sign in front of one is no formula.
    """
    return ", ".join(
        f"CASE WHEN {among(f'left({quoted(name)}, 1)', FORMULA)} "
        f"THEN '''' || {quoted(name)} ELSE {quoted(name)} END AS {quoted(name)}"
        if kind == "VARCHAR"
        else quoted(name)
        for name, kind in columns
    )
