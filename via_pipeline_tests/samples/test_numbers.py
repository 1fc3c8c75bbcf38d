"""Numbers pass the checks of an outside library and are given once."""

from __future__ import annotations

import numpy as np
import pytest
from stdnum.nl import bsn as bsn_check
from stdnum.nl import onderwijsnummer as onderwijsnummer_check

from via_pipeline.samples.generate import rows
from via_pipeline.samples.numbers import (
    BSN_CAPACITY,
    ONDERWIJSNUMMER_CAPACITY,
    RangeExhausted,
    bsn,
    onderwijsnummer,
    postcodes,
)
from via_pipeline.samples.schedule import SHIPPED

ENDS_AND_BETWEEN = np.unique(
    np.concatenate([np.arange(3000), np.linspace(0, BSN_CAPACITY - 1, 3000).astype(np.int64)])
)


def test_bsn_pass_the_eleven_test_and_are_different() -> None:
    numbers = bsn(ENDS_AND_BETWEEN).to_pylist()
    assert all(len(number) == 9 and bsn_check.is_valid(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)


def test_neighbouring_bsn_are_different_all_along_the_range() -> None:
    for start in range(0, BSN_CAPACITY - 50_000, BSN_CAPACITY // 7):
        numbers = bsn(np.arange(start, start + 50_000)).to_pylist()
        assert len(set(numbers)) == len(numbers)


def test_onderwijsnummers_are_valid_where_the_official_series_goes() -> None:
    numbers = onderwijsnummer(np.linspace(0, 499_999, 3000).astype(np.int64)).to_pylist()
    assert all(onderwijsnummer_check.is_valid(number) for number in numbers)
    last = onderwijsnummer(np.asarray([ONDERWIJSNUMMER_CAPACITY - 1])).to_pylist()
    assert last[0].startswith("1") and len(last[0]) == 9


def test_beyond_the_range_is_said_not_wrapped() -> None:
    with pytest.raises(RangeExhausted, match="choose a smaller"):
        bsn(np.asarray([BSN_CAPACITY]))
    with pytest.raises(RangeExhausted):
        onderwijsnummer(np.asarray([ONDERWIJSNUMMER_CAPACITY]))


def test_postcodes_are_different() -> None:
    codes = postcodes(np.arange(300_000)).to_pylist()
    assert len(set(codes)) == len(codes)
    assert not any(code.endswith(("SA", "SD", "SS")) for code in codes)


def test_every_bsn_in_the_shipped_set_is_valid_and_from_the_range_but_for_the_planted() -> None:
    seen = 0
    for sample in SHIPPED:
        if not sample.source.startswith(("p6", "p7", "p8")):
            continue
        planted = {fault.text for fault in sample.faults if fault.column == "bsn"}
        for pieces in rows(sample).values():
            for piece in pieces:
                for number in piece["bsn"].to_pylist():
                    seen += 1
                    if number not in planted:
                        assert bsn_check.is_valid(number)
                        assert number.startswith(("9998", "9999"))
    assert seen > 7000


def test_people_of_different_pilots_and_periods_are_different() -> None:
    """P7 spells, P8 persons and P6 participants have no number in common."""
    per_group: dict[str, set[str]] = {}
    for sample in SHIPPED:
        if sample.source.startswith(("p6", "p8")) or sample.source == "p7_ww":
            tables = rows(sample)
            first = next(iter(tables))
            group = sample.file.split("_2020")[0] if sample.source.startswith("p6") else sample.file
            planted = {fault.text for fault in sample.faults}
            numbers = {n for piece in tables[first] for n in piece["bsn"].to_pylist()}
            per_group.setdefault(group, set()).update(numbers - planted)
    groups = list(per_group.values())
    assert len(groups) >= 10
    assert sum(map(len, groups)) == len(set().union(*groups))
