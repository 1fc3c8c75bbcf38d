"""What may be kept of a cell that does not hold what was agreed.

A name in a column of codes, a birth date in a column of numbers, a BSN in a remark: what stands in
the wrong place may identify, whatever its column's class says. So a cell that has not the agreed
form is kept as its shape only (``~xxxxxx``, ``~00-00-0000``): enough for the rule to fail and for
the partner to be told what kind of thing stood there, in that row. Belongs here: that rule, as SQL.
Does not belong here: free text (``coarse.py``), names of files and columns (``names.py``).
"""

from __future__ import annotations

from collections.abc import Mapping

from via_pipeline.contracts.codelists import CodeList
from via_pipeline.contracts.model import Column
from via_pipeline.intake import bsn
from via_pipeline.storage.duck import among, literal, quoted

SHAPE = "~"
_MAX_SHAPE = 20
_LONG_NUMBER = 6
_LIKE_A_CODE = 0.92
# Too short to name anybody; a partner's new code is worth telling.
_SHORT_CODE = "[0-9]{1,4}|[A-Za-z0-9]{1,3}"
MASKED = "(verwijderd: bsn)"
_BETWEEN_DIGITS = r".\s\x{00A0}\x{2013}-"  # In a character class: dots, blanks, hyphens.
_GAP = f"[{_BETWEEN_DIGITS}]{{0,3}}"
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_SPLIT = f"[{_BETWEEN_DIGITS}]{{1,3}}"
_YEARS_OR_DATE = "|".join(
    _SPLIT.join(parts) for parts in ((_YEAR, _YEAR), (_DAY, _MONTH, _YEAR), (_YEAR, _MONTH, _DAY))
)


def kept(column: Column, codelists: Mapping[str, CodeList], has_form: str | None = None) -> str:
    """SQL of what is kept of the trimmed text of ``column``; NULL where it is NULL.

    ``has_form`` is SQL of whether the text matches the column's pattern, where that is known. From
    free text a BSN is taken out; a whole cell that is one says so; any other cell that has not the
    agreed form is kept as its shape.
    """
    name = quoted(column.name)
    if column.is_text and column.codelist is None and column.pattern is None:
        return _without_bsn_within(name)
    agreed = _agreed(column, codelists, has_form)
    stray = f"length({name}) BETWEEN 8 AND 9 AND {bsn.is_valid(name)}"
    return (
        f"CASE WHEN {name} IS NULL OR ({agreed}) THEN {name} "
        f"WHEN {stray} THEN {literal(MASKED)} ELSE {shape(name)} END"
    )


def shape(text: str) -> str:
    """SQL of the shape of ``text``: every digit a 0, every letter an x, at most 20 signs."""
    digits = f"regexp_replace({text}, '[0-9]', '0', 'g')"
    letters = f"regexp_replace({digits}, '[\\p{{L}}\\p{{M}}]', 'x', 'g')"
    return f"{literal(SHAPE)} || left({letters}, {_MAX_SHAPE})"


def without_shape(text: str) -> str:
    """SQL of ``text`` with the mark of a shape taken off, so that its kind can be told."""
    return f"ltrim({text}, {literal(SHAPE)})"


def may_tell(text: str, codes: Mapping[str, str]) -> str:
    """A strange code as it may be repeated in a message."""
    is_short = len(text) <= 3 or (len(text) <= 4 and text.isdigit())
    return text if text in codes or is_short else "(niet weergegeven)"


def _agreed(column: Column, codelists: Mapping[str, CodeList], has_form: str | None) -> str:
    name = quoted(column.name)
    parts = []
    if column.pattern:
        parts.append(has_form or f"regexp_full_match({name}, {literal(column.pattern)})")
    if column.codelist is not None:
        known = codelists[column.codelist.name].values
        codes = ", ".join(literal(code) for code in known) or "''"
        parts.append(
            f"{among(name, known)} OR regexp_full_match({name}, {literal(_SHORT_CODE)}) OR "
            f"list_max(list_transform([{codes}], lambda code: "
            f"jaro_winkler_similarity({name}, code))) >= {_LIKE_A_CODE}"
        )
    is_small = column.maximum is not None and column.maximum < 10 ** (_LONG_NUMBER - 1)
    if not column.is_text and is_small:
        # A number far beyond the column's own is another column's: a BSN, a personnel number.
        parts.append(f"NOT regexp_matches({name}, '^-?[0-9]{{{_LONG_NUMBER},}}')")
    return " AND ".join(f"({part})" for part in parts) or "true"


def _without_bsn_within(text: str) -> str:
    """SQL of ``text`` with every BSN in it masked, however its digits are grouped.

    Only a number that passes the eleven test is a BSN: other numbers of eight or nine digits
    (``Kamerstuk 29544-1081``) stay, and so do two years or a date with signs between the parts.
    """
    # Every sign but digits and what may stand between them becomes a bar: then \b is the end of a
    # number. Every place is tried, as one number may stand before another ("12 123 456 782").
    other = literal(f"[^0-9{_BETWEEN_DIGITS}]")
    bare = f"'|' || regexp_replace({text}, {other}, '|', 'g')"
    forms = [rf"^[^0-9]([0-9](?:{_GAP}[0-9]){{{more}}})\b" for more in (8, 7)]
    found = ", ".join(
        f"list_transform(range(1, length({text}) + 1), lambda plaats: "
        f"regexp_extract(substr({bare}, plaats, 40), {literal(form)}, 1))"
        for form in forms
    )
    digits = "regexp_replace(getal, '[^0-9]', '', 'g')"
    numbers = (
        f"list_filter(list_concat({found}), lambda getal: {bsn.is_valid(digits)} "
        f"AND NOT regexp_full_match(getal, {literal(_YEARS_OR_DATE)}))"
    )
    masked = (
        f"list_reduce(list_prepend({text}, {numbers}), "
        f"lambda rest, getal: replace(rest, getal, {literal(MASKED)}))"
    )
    suspect = f"regexp_matches({text}, {literal(f'[0-9](?:{_GAP}[0-9]){{7}}')})"
    return f"CASE WHEN {suspect} THEN {masked} ELSE {text} END"
