"""Where rows begin and end in CSV bytes.

The rules are those of Arrow's CSV parser: a quote opens only at the start of a field, is escaped by
doubling, and may enclose line breaks; rows end with ``\\n``, ``\\r\\n`` or ``\\r``. One thing is
added: a quote that is never closed costs its own line, not the rest of the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

LONGEST_ROW = 1 << 20
"""Bytes in which a row must end."""

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows of ``data``: row ``i`` is ``data[starts[i]:ends[i]]``, its line break included.

    ``unbalanced`` are the positions of rows with a quote that is never closed.
    """

    data: bytes
    starts: Offsets
    ends: Offsets
    unbalanced: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, row: int) -> bytes:
        """The row's bytes without its line break."""
        return self.data[self.starts[row] : self.ends[row]].rstrip(b"\r\n")

    def join(self, rows: Offsets) -> bytes:
        """The bytes of the given rows (ascending positions), one after the other."""
        if len(rows) == len(self):
            return self.data
        if not len(rows):
            return b""
        breaks = np.flatnonzero(np.diff(rows) != 1)
        firsts = rows[np.concatenate(([0], breaks + 1))]
        lasts = rows[np.concatenate((breaks, [len(rows) - 1]))]
        view = memoryview(self.data)
        return b"".join(
            view[start:end]
            for start, end in zip(
                self.starts[firsts].tolist(), self.ends[lasts].tolist(), strict=True
            )
        )


def split_rows(data: bytes, delimiter: str) -> Rows:
    """Split bytes that begin at the start of a row and hold whole rows (the last may lack its
    line break)."""
    if b"\r" not in data or data.count(b"\r") == data.count(b"\r\n"):
        quotes = quotes_of(data)
        if _regular(data, quotes, delimiter) and len(quotes) % 2 == 0:
            breaks = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 10)
            ends = breaks[np.searchsorted(quotes, breaks) % 2 == 0] + 1
            return _rows_ending_at(data, ends)
    return _scan(data, delimiter)[0]


def cut_rows(window: bytes, delimiter: str, final: bool) -> tuple[int, bool]:
    """Where the last whole row of ``window`` ends.

    Args:
        window: bytes that begin at the start of a row.
        final: whether the data ends with the window, which then ends its last row too.

    Returns:
        The end, and whether quotes are used in a way that only the slow scan understands.

    Raises:
        ValueError: no row ends within :data:`LONGEST_ROW` bytes.
    """
    quotes = quotes_of(window)
    if _regular(window, quotes, delimiter):
        if final and len(quotes) % 2 == 0:
            return len(window), False
        end = len(window)
        while not final and (end := window.rfind(b"\n", 0, end)) >= 0:
            if np.searchsorted(quotes, end) % 2 == 0:
                return end + 1, False
            if len(window) - end > LONGEST_ROW:
                break
    _, end = _scan(window, delimiter, final)
    if not end:
        raise ValueError(f"no row ends within {LONGEST_ROW} bytes")
    return end, True


def first_row_end(data: bytes, delimiter: str) -> int:
    """Where the first row of ``data`` ends, its line break included."""
    match = _row_pattern(delimiter).match(data) or _LINE.match(data)
    return match.end() if match else 0


def quotes_of(data: bytes) -> Offsets:
    """Positions of the quote characters."""
    if b'"' not in data:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == 34)


def _regular(data: bytes, quotes: Offsets, delimiter: str) -> bool:
    """Whether every second quote opens a field and the others end it or are followed by another,
    so that a line break ends a row exactly if an even number of quotes precedes it."""
    if not len(quotes):
        return True
    text = np.frombuffer(data, dtype=np.uint8)
    allowed = np.zeros(256, dtype=bool)
    allowed[[ord(delimiter), 10, 13, 34]] = True
    openers, closers = quotes[0::2], quotes[1::2]
    before = text[openers[openers > 0] - 1]
    after = text[closers[closers < len(data) - 1] + 1]
    return bool(allowed[before].all() and allowed[after].all())


def _rows_ending_at(data: bytes, ends: Offsets) -> Rows:
    if data and (not len(ends) or ends[-1] != len(data)):
        ends = np.append(ends, len(data))
    return Rows(data, np.concatenate((np.zeros(min(1, len(ends)), np.int64), ends[:-1])), ends)


@lru_cache
def _row_pattern(delimiter: str) -> re.Pattern[bytes]:
    sep = re.escape(delimiter.encode())
    plain = rb"[^\r\n" + sep + rb"]*"
    quoted = rb'"[^"]*(?:""[^"]*)*"(?!")' + plain
    field = rb'(?:%s|(?!")%s)' % (quoted, plain)
    return re.compile(field + rb"(?:" + sep + field + rb")*(?P<end>\r\n|\n|\r|\Z)")


_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")


def _scan(data: bytes, delimiter: str, final: bool = True) -> tuple[Rows, int]:
    """Row by row; returns the whole rows and where they end."""
    pattern = _row_pattern(delimiter)
    ends: list[int] = []
    unbalanced: list[int] = []
    at = 0
    while at < len(data):
        limit = min(len(data), at + LONGEST_ROW)
        match = pattern.match(data, at, limit)
        at_end = final and limit == len(data)
        complete = match is not None and (
            at_end or (match["end"] and not (match["end"] == b"\r" and match.end() == limit))
        )
        if not complete:
            if not final and limit == len(data):
                break
            match = _LINE.match(data, at, limit)
            if match is None or (match.end() == limit and limit < len(data)):
                raise ValueError(f"no row ends within {LONGEST_ROW} bytes")
            unbalanced.append(len(ends))
        assert match is not None
        at = match.end()
        ends.append(at)
    rows = _rows_ending_at(data[:at], np.array(ends, dtype=np.int64))
    return Rows(rows.data, rows.starts, rows.ends, tuple(unbalanced)), at
