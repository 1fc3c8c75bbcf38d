"""Checks of the figures: symbols beside them, too small, whole, and whether they add up.

Belongs here: what a reader with a calculator can see in one table. It reads the rule sets for their
limits, and shares no code with the protection: it looks at texts in a file. Does not belong here:
what follows from several figures together (``disclosure`` proves that).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache

from via_pipeline.disclosure.model import Dataset, RuleKind, RuleSet, load_ruleset
from via_pipeline.disclosure.model import Status as Symbol
from via_pipeline.disclosure.protect import STATUS
from via_pipeline.letters.release.screening.outcome import Outcome, some, told
from via_pipeline.letters.release.screening.package import Package, Table

SHARE = "aandeel"
_COUNTS = ("n", "teller", "aantal", "bronhouders")
_ROUNDING = Decimal("0.0001")
# A figure of these is not there: another symbol may stand beside a figure (k beside a zero).
_WITHOUT = {Symbol.NOT_APPLICABLE, Symbol.UNAVAILABLE, Symbol.CONFIDENTIAL}


def checks(package: Package) -> Iterator[Outcome]:
    """Every check of these families."""
    known = [
        (table, table.dataset)
        for table in package.tables
        if table.dataset is not None and not lost(table, table.dataset)
    ]
    yield from told(
        "cijfer__dataset_bekend",
        (
            (table.file, f"kleine cellen zijn niet na te gaan: {problem}")
            for table in package.tables
            if (problem := _unknown(table))
        ),
        "Neem de tabel op in letters/contents.yaml, met de kolommen van haar dataset.",
    )
    yield from told(
        "cijfer__geheel",
        (
            (table.file, f"{name}: een aantal dat niet heel of kleiner dan nul is ({count} rijen)")
            for table in package.tables
            for name in count_columns(table)
            if (count := sum(bool(r[name]) and not r[name].isdecimal() for r in table.records))
        ),
        "Aantallen zijn hele getallen vanaf nul.",
    )
    yield from told(
        "symbool__zonder_cijfer",
        (
            (table.file, f"{count} rijen met een symbool en toch een cijfer")
            for table, dataset in known
            if (count := sum(_is_hidden_and_told(record, dataset) for record in table.records))
        ),
        "Ernstig: het cijfer hoort verborgen te zijn. Dien dit pakket niet in; meld het.",
    )
    yield from told(
        "symbool__bij_leeg",
        (
            (table.file, f"{count} rijen zonder cijfer en zonder reden")
            for table, dataset in known
            if (count := sum(_is_empty_untold(record, dataset) for record in table.records))
        ),
        "Een ontbrekend cijfer heeft altijd een waarde_status.",
    )
    yield from told(
        "minimum__getoond",
        (
            (table.file, f"{name}: {count} getoonde cijfers onder de grens van {minimum}")
            for table, dataset in known
            for name, minimum, count in _too_small(table, dataset)
        ),
        "Ernstig: dit mag niet naar buiten. Dien dit pakket niet in; meld het.",
    )
    yield from told(
        "som__locaties",
        (
            (table.file, f"locaties tellen niet op tot het geheel: {some(wrong)}")
            for table, dataset in known
            if (wrong := sites(table, dataset).wrong)
        ),
        "Zoek uit welke locatie dubbel of niet telt.",
    )
    yield from told(
        "som__groepen",
        (
            (table.file, f"groepen zijn samen meer dan het totaal: {some(wrong)}")
            for table, dataset in known
            if (wrong := groups(table, dataset).wrong)
        ),
        "Zoek uit wie in twee groepen telt.",
    )
    yield from told(
        "som__delen",
        (
            (table.file, f"delen tellen niet op tot n: {some(wrong)}")
            for table, dataset in known
            if (wrong := parts(table, dataset).wrong)
        ),
        "De categorieën horen samen n te zijn.",
    )
    yield from told(
        "som__aandeel",
        (
            (table.file, f"{count} percentages zijn niet teller gedeeld door n")
            for table, dataset in known
            if (count := sum(_is_another_share(record, dataset) for record in table.records))
        ),
        "Reken het percentage na; het hoort bij teller en n in dezelfde rij.",
    )


class Sums:
    """How many sums could be checked in a table, and where one is wrong (the key, without figures).

    A sum with a hidden part cannot be checked; that is what hiding is for.
    """

    def __init__(self) -> None:
        self.checked = 0
        self.wrong: list[str] = []

    def add(
        self,
        where: tuple[str, ...],
        total: int | None,
        found: list[int | None],
        may_exceed: bool = False,
    ) -> None:
        """Hold the parts to their total; ``may_exceed``: not everybody is in a part."""
        if total is None or not found or any(part is None for part in found):
            return
        self.checked += 1
        together = sum(part or 0 for part in found)
        if together > total or (together < total and not may_exceed):
            self.wrong.append(" / ".join(filter(None, where)))


def sites(table: Table, dataset: Dataset) -> Sums:
    """The sums of sites: what the rows of sites are together, against the row of the whole.

    The whole may have more (who is at no known site), never less. Only of figures with a numerator:
    of persons counted apart the whole may be less, since one person can be at two sites.
    """
    sums = Sums()
    if dataset.sites is None or dataset.numerator is None:
        return sums
    column, whole = dataset.sites.column, dataset.sites.whole
    for rest, records in _blocks(table, dataset, column):
        for figure in _counted(dataset):
            values = {record[column]: _whole(record[figure]) for record in records}
            if whole in values:
                parts = [value for name, value in values.items() if name != whole]
                sums.add((*rest, figure), values[whole], parts, may_exceed=True)
    return sums


def groups(table: Table, dataset: Dataset) -> Sums:
    """The sums of groups, against the total and, for crossings, against either side.

    Who has no known group is in the total and in no group: the total may be more, never less.
    """
    sums = Sums()
    down = dataset.breakdown
    if down is None or dataset.count is None:
        return sums
    for rest, records in _blocks(table, dataset, down.names, down.values):
        for figure in _counted(dataset):
            cells = {(r[down.names], r[down.values]): _whole(r[figure]) for r in records}
            for (kind, group), total in cells.items():
                for finer in {name for name, _ in cells}:
                    members = _members(cells, kind, group, finer, down.whole, down.joined_by)
                    sums.add((*rest, kind, group, finer, figure), total, members, may_exceed=True)
    return sums


def parts(table: Table, dataset: Dataset) -> Sums:
    """The sums of categories: together they are the denominator."""
    sums = Sums()
    column = dataset.parts_of_n
    if column is None or dataset.count is None or dataset.numerator is None:
        return sums
    for rest, records in _blocks(table, dataset, column):
        if len(records) > 1:
            shares = [_whole(record[dataset.numerator]) for record in records]
            sums.add(rest, _whole(records[0][dataset.count]), shares)
    return sums


def _blocks(
    table: Table, dataset: Dataset, *apart: str
) -> Iterator[tuple[tuple[str, ...], list[Mapping[str, str]]]]:
    """Rows that have the same key but for the columns ``apart``, and that key."""
    found: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
    for record in table.records:
        found[tuple(record[name] for name in dataset.key if name not in apart)].append(record)
    yield from found.items()


def _counted(dataset: Dataset) -> list[str]:
    return [name for name in (dataset.count, dataset.numerator) if name]


def _members(
    cells: Mapping[tuple[str, str], int | None],
    kind: str,
    group: str,
    finer: str,
    whole: str,
    joint: str,
) -> list[int | None]:
    """The cells of ``finer`` (one characteristic more than ``kind``) that lie within the group."""
    if finer in (kind, whole):
        return []
    if kind == whole:
        return (
            [value for (name, _), value in cells.items() if name == finer]
            if (joint not in finer)
            else []
        )
    names, wanted = finer.split(joint), kind.split(joint)
    if len(names) != len(wanted) + 1 or not set(wanted) < set(names):
        return []
    places = [names.index(name) for name in wanted]
    return [
        value
        for (name, label), value in cells.items()
        if name == finer and [label.split(joint)[place] for place in places] == group.split(joint)
    ]


def count_columns(table: Table) -> list[str]:
    """The columns of a table that hold whole numbers of people, organisations or jobs.

    A class of numbers (``n_klasse``: 1000-4999) is words, not a number.
    """
    counted = {dataset.count, dataset.numerator} if (dataset := table.dataset) else set()
    counted |= {arm.count for arm in dataset.arms} if dataset else set()
    return [
        name
        for name in table.header
        if not name.endswith("_klasse")
        and (name in counted or name in _COUNTS or name.startswith("n_") or name.endswith("_n"))
    ]


def lost(table: Table, dataset: Dataset) -> list[str]:
    """Columns that the dataset's rules are about and the file does not have."""
    return [name for name in (*dataset.key, *dataset.numbers) if name not in table.header]


def _unknown(table: Table) -> str:
    if table.dataset is None:
        # A table of words (a code list, what changed) has no figures of people to be held to rules.
        has_figures = STATUS in table.header or bool(count_columns(table))
        return "onbekend welke regels gelden" if has_figures else ""
    missing = lost(table, table.dataset)
    return f"kolommen ontbreken: {some(missing)}" if missing else ""


def _is_hidden_and_told(record: Mapping[str, str], dataset: Dataset) -> bool:
    status = record.get(STATUS)
    if status not in _WITHOUT:
        return False
    figure = dataset.value or dataset.count
    names = dataset.numbers if status == Symbol.CONFIDENTIAL else [figure]
    # Of a share that may not be told, its denominator may be.
    return any(
        record.get(name)
        for name in names
        if name is not None and (name == figure or name != dataset.count)
    )


def _is_empty_untold(record: Mapping[str, str], dataset: Dataset) -> bool:
    figure = dataset.value or dataset.count
    return figure is not None and record.get(figure) == "" and not record.get(STATUS)


@cache
def _rules(name: str) -> RuleSet:
    return load_ruleset(name)


def _too_small(table: Table, dataset: Dataset) -> Iterator[tuple[str, int, int]]:
    rules = _rules(dataset.ruleset)
    least = rules.minimum(RuleKind.COUNT)
    for name in filter(None, (dataset.count, *(arm.count for arm in dataset.arms))):
        small = sum(_is_below(record.get(name, ""), least) for record in table.records)
        if small:
            yield name, least, small
    if dataset.count and dataset.numerator:
        for kind in (RuleKind.NUMERATOR, RuleKind.REMAINDER):
            least = rules.minimum(kind)
            small = sum(
                value is not None and value < least
                for record in table.records
                for value in [_part(record, dataset, kind)]
            )
            if small:
                yield dataset.numerator, least, small


def _part(record: Mapping[str, str], dataset: Dataset, kind: RuleKind) -> int | None:
    count, part = _whole(record[dataset.count or ""]), _whole(record[dataset.numerator or ""])
    if count is None or part is None:
        return None
    return part if kind is RuleKind.NUMERATOR else count - part


def _is_another_share(record: Mapping[str, str], dataset: Dataset) -> bool:
    if not (dataset.count and dataset.numerator and dataset.value):
        return False
    if dataset.kind and record[dataset.kind] != SHARE:
        return False
    count, part = _whole(record[dataset.count]), _whole(record[dataset.numerator])
    try:
        said = Decimal(record[dataset.value])
    except InvalidOperation:
        return False
    return bool(count) and part is not None and abs(said - Decimal(100 * part) / count) > _ROUNDING


def _is_below(text: str, least: int) -> bool:
    value = _whole(text)
    return value is not None and value < least


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
