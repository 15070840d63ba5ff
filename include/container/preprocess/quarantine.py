"""Bad rows, kept beside the data set with the place they came from.

``quarantine.csv`` has the columns file (below the raw prefix), row (the header is row 1; blank rows
count, line breaks within quotes do not), reason (``code: detail``) and raw (the row as it was;
bytes that are not UTF-8 as ``\\xff``).

| code | meaning |
|---|---|
| wrong_column_count | more or fewer fields than the header |
| unbalanced_quote | a quote is never closed |
| wrong_type | the text is not a value of the column's type |
| invalid_utf8 | the text is not UTF-8 |
| missing_target, missing_value | no value in the target, in another required column |
| not_finite | infinite or not a number |
| out_of_range | below the column's min or above its max |
| not_allowed | not one of the column's values |
| duplicate_key | an earlier row has the same key |
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

LISTED_ABOVE_LIMIT = 10_000
"""How many duplicates are still listed when there are more bad rows than allowed."""


@dataclass(frozen=True)
class BadRows:
    """Bad rows of one block: positions in the block, reasons and raw bytes, as Arrow arrays."""

    rows: Any
    reasons: Any
    raw: Any

    def __len__(self) -> int:
        return len(self.rows)


def bad_rows(found: dict[int, tuple[str, bytes]]) -> BadRows:
    """From position -> (reason, raw bytes)."""
    ordered = sorted(found.items())
    return BadRows(
        pa.array([row for row, _ in ordered], pa.int64()),
        pa.array([reason for _, (reason, _) in ordered], pa.string()),
        pa.array([raw for _, (_, raw) in ordered], pa.binary()),
    )


@dataclass
class Quarantine:
    """The open quarantine file.

    ``reasons`` counts the rows by code; ``first`` tells where the first one is, and why.
    """

    path: Path
    reasons: Counter[str] = field(default_factory=Counter)
    first: str = ""

    def __post_init__(self) -> None:
        self._file = self.path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(("file", "row", "reason", "raw"))

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def rows(self) -> int:
        return sum(self.reasons.values())

    def add(self, file: str, first_row: int, bad: BadRows) -> None:
        """Append a block's bad rows; ``first_row`` is the row number of the block's first row."""
        for row, reason, raw in zip(
            bad.rows.to_pylist(), bad.reasons.to_pylist(), bad.raw.to_pylist(), strict=True
        ):
            text = raw.decode("utf-8", "backslashreplace")
            self._writer.writerow((file, first_row + row, reason, text))
            self.reasons[reason.partition(":")[0]] += 1
            self.first = self.first or f"{file}, row {first_row + row}: {reason}"
        self._file.flush()
