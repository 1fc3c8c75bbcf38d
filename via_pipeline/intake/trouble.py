"""Why a file, or a row of it, cannot be read, said to its sender in Dutch.

Belongs here: the exception with which the modules of intake refuse a file, and how it becomes a
``Finding``. The words stand where the refusal is.
"""

from __future__ import annotations

from via_pipeline.contracts.model import Severity
from via_pipeline.intake.records import Finding


class Refused(Exception):
    """A file that cannot be taken in as it is.

    ``rule`` is the stable id, ``explanation`` Dutch, without a cell's value.
    """

    def __init__(
        self, rule: str, explanation: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        super().__init__(rule)
        self.rule = rule
        self.explanation = explanation
        self.row = row
        self.column = column

    def finding(self, file: str, table: str | None = None) -> Finding:
        """The finding that rejects ``file``."""
        return Finding(
            self.rule, Severity.REJECT_FILE, self.explanation, file, table, self.row, self.column
        )


def listed(words: list[str] | tuple[str, ...], join: str = "en") -> str:
    """Words as a Dutch enumeration: ``a, b en c``."""
    words = list(words)
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {join} {words[-1]}"
