"""Numbers and addresses that pass every check and were given to nobody by us.

Belongs here: BSN and onderwijsnummer with valid check digits, postcodes. They are counted from the
ends of their ranges, never looked up: BSN downward from 999999998 (scale 1 stays within 9998 and
9999), onderwijsnummers upward from 100000000. Whether any of them was ever issued to a living
person is not knowable to us; they carry no data of anyone. The eleven test: domain notes, 4.3.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from via_pipeline.samples.cells import codes, whole
from via_pipeline.samples.draw import Ints

BSN_CAPACITY = 40_000_000
ONDERWIJSNUMMER_CAPACITY = 5_000_000
ONDERWIJSNUMMER_REMAINDER = 5
_WEIGHTS = range(9, 1, -1)
# No F, I, O, Q, U and Y: PostNL does not hand these out.
_LETTERS = "ABCDEGHJKLMNPRSTVWXZ"
_PAIRS = [one + two for one in _LETTERS for two in _LETTERS if one + two not in ("SA", "SD", "SS")]


class RangeExhausted(ValueError):
    """The scale asks for more people than the range of numbers holds."""


def bsn(index: Ints) -> pa.Array:
    """The BSN of person ``index`` (from 0): valid by the eleven test, different for each.

    Raises:
        RangeExhausted: an index is beyond the range.
    """
    _within(index, BSN_CAPACITY, "BSN")
    return whole(_with_check_digit(99_999_998 - 2 * index, 0))


def onderwijsnummer(index: Ints) -> pa.Array:
    """The onderwijsnummer of pupil ``index``: starts with 1, remainder 5.

    Raises:
        RangeExhausted: an index is beyond the range.
    """
    _within(index, ONDERWIJSNUMMER_CAPACITY, "onderwijsnummers")
    return whole(_with_check_digit(10_000_000 + 2 * index, ONDERWIJSNUMMER_REMAINDER))


def _within(index: Ints, capacity: int, what: str) -> None:
    if index.size and int(index.max()) >= capacity:
        raise RangeExhausted(f"this scale asks for more than {capacity} {what}; choose a smaller")


def _with_check_digit(prefix: Ints, remainder: int) -> Ints:
    """Eight digits with the ninth that gives ``remainder``; prefixes are even.

    A prefix that would need the digit 10 makes room for its odd neighbour: that changes the last
    digit only (weight 2), so the neighbour's digit is 10 + 2 - 11 = 1.
    """
    digit = _check_digit(prefix, remainder)
    prefix = prefix + (digit == 10)
    return prefix * 10 + _check_digit(prefix, remainder)


def _check_digit(prefix: Ints, remainder: int) -> Ints:
    total = np.zeros_like(prefix)
    rest = prefix
    for weight in reversed(_WEIGHTS):
        total += weight * (rest % 10)
        rest = rest // 10
    return (total - remainder) % 11


def postcodes(index: Ints) -> pa.Array:
    """A postcode for each index, all different up to 3,5 million; the order looks random."""
    digits = 1000 + (index * 7919) % 9000
    pairs = codes(_PAIRS, (index // 9000) % len(_PAIRS))
    return pc.binary_join_element_wise(whole(digits), pairs, "")
