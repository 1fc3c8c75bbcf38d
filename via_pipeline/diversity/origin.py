"""A person's origin, in the classification to 2022 and in that of 2022, from three birth countries.

Belongs here: the two rules, each once as SQL (what runs) and once as a Python function (what it is
checked against). Does not belong here: mapping one classification to the other. That cannot be
done: people born abroad to two parents born in the Netherlands, and people from Indonesia, Japan,
North America and Oceania, change group, and only their birth countries show it.

A country's class comes from ``reference__land`` (``indeling_oud``, ``indeling_2022``). A country
that is missing or not in that list has no class.

The rule to 2022 (CBS, https://www.cbs.nl/nl-nl/nieuws/2015/17/
nederland-eet-onvoldoende-groente-fruit-en-vis/afkomst): with two parents born in the Netherlands a
person has a Dutch background, wherever born. With a parent born abroad, someone born abroad has
their own country's class; someone born in the Netherlands has the mother's if she was born abroad,
else the father's. CBS says nothing there of missing countries; here the group is *onbekend* unless
every way of filling in what is missing gives the same group.

The rule of 2022 (CBS, https://www.cbs.nl/nl-nl/onze-diensten/methoden/begrippen/herkomstland):
someone born abroad has the class of their own country. Of someone born in the Netherlands the
mother's country decides; the father's does where she was born in the Netherlands or her country is
not known.

In the classification of 2022 CBS tells migrants (born abroad) from their children (born in the
Netherlands, with a parent born abroad); ``migration`` does so from the same three countries. The
Barometer does not show it (finer origin would tell too much at 250 employees), so no mart has it.
(https://www.cbs.nl/nl-nl/longread/statistische-trends/2022/nieuwe-indeling-bevolking-naar-herkomst/
4-de-nieuwe-indeling-naar-geboren-in-nederland-en-herkomstland)
"""

from __future__ import annotations

from typing import Literal

from via_pipeline.storage.duck import quoted

Classification = Literal["oud", "2022"]

UNKNOWN = "onbekend"
_HERE = "nederland"

GROUPS: dict[Classification, tuple[str, ...]] = {
    "oud": ("nederlands", "westers", "niet_westers"),
    "2022": ("nederland", "europa", "buiten_europa"),
}
"""The three groups of each classification, in the order in which CBS shows them."""

GROUP_LABELS: dict[str, str] = {
    "nederlands": "Nederlandse achtergrond",
    "westers": "Westerse migratieachtergrond",
    "niet_westers": "Niet-westerse migratieachtergrond",
    "nederland": "Nederland",
    "europa": "Europa (exclusief Nederland)",
    "buiten_europa": "Buiten-Europa",
    UNKNOWN: "Herkomst onbekend",
}
"""What each group is called, as CBS writes it."""

VERSION: dict[Classification, str] = {"oud": "CBS, tot september 2022", "2022": "CBS, 2022"}
"""The version of each classification, for readers of a mart."""

IN_USE_FROM = "2022-09-01"
"""The Barometer is made in the classification of 2022 for requests from September 2022 on
(https://www.cbs.nl/nl-nl/faq/culturele-diversiteit/operationalisering/
het-cbs-gaat-stoppen-met-de-indeling-westers-niet-westers-wat-betekent-dat-voor-de-barometer-)."""

MIGRATION = ("nederlandse_herkomst", "kind_van_migranten", "migrant")
"""Born in the Netherlands to two parents born there; with a parent born abroad; born abroad."""

CLASS_COLUMN: dict[Classification, str] = {"oud": "indeling_oud", "2022": "indeling_2022"}
"""The column of ``reference__land`` with a country's class."""


def old_group(person: str | None, mother: str | None, father: str | None) -> str:
    """The group to 2022, from the classes of three birth countries (None: not known).

    Classes are ``nederland``, ``westers``, ``niet_westers``. Written from the definition: it tries
    every way to fill in what is missing. Returns one of ``GROUPS['oud']`` or ``onbekend``.
    """
    every = (_HERE, "westers", "niet_westers")
    found = {
        _old_complete(own, his_mother, his_father)
        for own in ([person] if person else every)
        for his_mother in ([mother] if mother else every)
        for his_father in ([father] if father else every)
    }
    return found.pop() if len(found) == 1 else UNKNOWN


def new_group(person: str | None, mother: str | None, father: str | None) -> str:
    """The group of 2022, from the classes of three birth countries (None: not known).

    Classes are ``nederland``, ``europa``, ``buiten_europa``. Returns one of ``GROUPS['2022']`` or
    ``onbekend``.
    """
    if person is None:
        return UNKNOWN
    if person != _HERE:
        return person
    decisive = mother if mother not in (None, _HERE) else father
    return decisive or UNKNOWN


def migration(person: str | None, mother: str | None, father: str | None) -> str:
    """Migrant, child of migrant(s) or neither, from the classes of 2022 of three birth countries.

    One of ``MIGRATION``, or ``onbekend`` (None: country not known). Someone born abroad to two
    parents born in the Netherlands is a migrant. One parent born abroad suffices for a child of
    migrant(s), also where the other's country is not known.
    """
    if person is None:
        return UNKNOWN
    if person != _HERE:
        return "migrant"
    parents = (mother, father)
    if any(parent not in (None, _HERE) for parent in parents):
        return "kind_van_migranten"
    return UNKNOWN if None in parents else "nederlandse_herkomst"


def migration_sql(person: str, mother: str, father: str) -> str:
    """SQL for ``migration``, from SQL for the classes of 2022 (NULL: not known)."""
    return (
        f"CASE WHEN {person} <> '{_HERE}' THEN 'migrant' "
        f"WHEN {person} = '{_HERE}' AND ({mother} <> '{_HERE}' OR {father} <> '{_HERE}') "
        "THEN 'kind_van_migranten' "
        f"WHEN {person} = '{_HERE}' AND {mother} = '{_HERE}' AND {father} = '{_HERE}' "
        f"THEN 'nederlandse_herkomst' ELSE '{UNKNOWN}' END"
    )


def in_use(peildatum: str) -> str:
    """SQL for the classification that CBS used for the Barometer on a day (NULL: the old one)."""
    return f"CASE WHEN {peildatum} >= DATE '{IN_USE_FROM}' THEN '2022' ELSE 'oud' END"


def group_sql(classification: Classification, person: str, mother: str, father: str) -> str:
    """SQL for a group, from SQL for the classes of the three birth countries (NULL: not known)."""
    return (_old_sql if classification == "oud" else _new_sql)(person, mother, father)


def with_origin(relation: str, person: str, mother: str, father: str) -> str:
    """SQL: every row of ``relation`` with ``herkomst_oud`` and ``herkomst_2022``.

    ``relation`` is a table's name or a query in brackets; ``person``, ``mother`` and ``father``
    name its columns with country codes. ``reference__land`` must be readable.
    """
    groups = ", ".join(
        group_sql(name, *(f"{who}.{column}" for who in ("eigen", "moeder", "vader")))
        + f" AS herkomst_{name}"
        for name, column in CLASS_COLUMN.items()
    )
    joins = "\n".join(
        f"LEFT JOIN reference__land {who} ON {who}.code = r.{quoted(column)}"
        for who, column in (("eigen", person), ("moeder", mother), ("vader", father))
    )
    return f"SELECT r.*, {groups} FROM {relation} r\n{joins}"


def _old_complete(person: str, mother: str, father: str) -> str:
    if mother == father == _HERE:
        return "nederlands"
    if person != _HERE:
        return person
    return mother if mother != _HERE else father


def _old_sql(person: str, mother: str, father: str) -> str:
    return (
        f"CASE WHEN {mother} = '{_HERE}' AND {father} = '{_HERE}' THEN 'nederlands' "
        f"WHEN {person} <> '{_HERE}' AND ({mother} <> '{_HERE}' OR {father} <> '{_HERE}') "
        f"THEN {person} "
        f"WHEN {person} = '{_HERE}' AND {mother} <> '{_HERE}' THEN {mother} "
        f"WHEN {person} = '{_HERE}' AND {mother} = '{_HERE}' AND {father} <> '{_HERE}' "
        f"THEN {father} ELSE '{UNKNOWN}' END"
    )


def _new_sql(person: str, mother: str, father: str) -> str:
    return (
        f"CASE WHEN {person} <> '{_HERE}' THEN {person} "
        f"WHEN {person} = '{_HERE}' AND {mother} <> '{_HERE}' THEN {mother} "
        f"WHEN {person} = '{_HERE}' AND {father} IS NOT NULL THEN {father} "
        f"ELSE '{UNKNOWN}' END"
    )
