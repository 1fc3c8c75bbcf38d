"""What readers of a mart see beside its codes: names of groups and levels, versions, the class of a
count.

Belongs here: those words as SQL, shared by all marts. Does not belong here: any rule.
"""

from __future__ import annotations

from pathlib import Path

from via_pipeline.contracts import codelists
from via_pipeline.diversity.origin import GROUP_LABELS, VERSION
from via_pipeline.storage.duck import literal


def labels() -> str:
    """SQL VALUES (categorie, categorie_label)."""
    return ", ".join(f"({literal(code)}, {literal(name)})" for code, name in GROUP_LABELS.items())


def versions() -> str:
    """SQL VALUES (indeling, indeling_versie)."""
    return ", ".join(f"({literal(code)}, {literal(name)})" for code, name in VERSION.items())


def levels() -> dict[str, str]:
    """Function levels and their names, from the lowest to the top."""
    found = codelists.load("functieniveau", Path())
    return {code: found.labels[code] for code in sorted(found.labels)}


def level_labels() -> str:
    """SQL VALUES (kenmerk, subgroep, subgroep_label) of the function levels."""
    return ", ".join(
        f"('functieniveau', {literal(code)}, {literal(name)})" for code, name in levels().items()
    )


def n_class(n: str) -> str:
    """SQL for the class of a count that a share rests on."""
    return (
        f"CASE WHEN {n} < 250 THEN '<250' WHEN {n} < 500 THEN '250-499' WHEN {n} < 1000 THEN "
        f"'500-999' WHEN {n} < 5000 THEN '1000-4999' WHEN {n} >= 5000 THEN '5000+' END"
    )
