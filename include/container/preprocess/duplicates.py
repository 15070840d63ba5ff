"""A unique key over the whole data set, in bounded memory.

Every row's key is a 128-bit hash (``hashing``: 64 bits to sort by, 64 to confirm). Each
unit's hashes are sorted and appended to one scratch file, 20 bytes a row. At the end the sorted
runs are compared range by range: equal keys meet in the same range, so only one range is in memory
at a time. The first row with a key, in file and row order, keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from container.preprocess.hashing import Words

_BUCKETS = 256
_ROWS_IN_MEMORY = 8 << 20


@dataclass(frozen=True)
class SortedKeys:
    """One unit's keys, by ascending hash: each of shape (rows,); ``rows`` are their positions among
    the unit's good rows."""

    keys: Words
    seconds: Words
    rows: npt.NDArray[np.uint32]


@dataclass(frozen=True)
class _Run:
    unit: int
    offset: int
    count: int
    bounds: list[int]


def sort_keys(keys: Words, seconds: Words) -> SortedKeys:
    """Sort one unit's keys."""
    order = np.argsort(keys)
    return SortedKeys(keys[order], seconds[order], order.astype(np.uint32))


class KeyRuns:
    """The sorted keys of all units, in a scratch file at ``path``."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b")
        self._runs: list[_Run] = []
        self._edges = np.arange(_BUCKETS, dtype=np.uint64) << np.uint64(56)

    def __enter__(self) -> KeyRuns:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
        Path(self._file.name).unlink()

    def add(self, unit: int, sorted_keys: SortedKeys) -> None:
        """Append a unit's keys."""
        keys = sorted_keys.keys
        bounds = [*np.searchsorted(keys, self._edges).tolist(), len(keys)]
        self._runs.append(_Run(unit, self._file.tell(), len(keys), bounds))
        for section in (keys.data, sorted_keys.seconds.data, sorted_keys.rows.data):
            self._file.write(section)

    def duplicates(self) -> Iterator[npt.NDArray[Any]]:
        """Rows whose key an earlier row has, as arrays of shape (n, 2): unit, position among the
        unit's good rows."""
        self._file.flush()
        total = sum(run.count for run in self._runs)
        step = max(1, _BUCKETS * _ROWS_IN_MEMORY // max(total, 1))
        for low in range(0, _BUCKETS, step):
            found = self._duplicates_between(low, min(low + step, _BUCKETS))
            if len(found):
                yield found

    def _duplicates_between(self, low: int, high: int) -> npt.NDArray[Any]:
        parts = [self._read(run, 0, np.uint64, low, high) for run in self._runs]
        together = np.sort(np.concatenate(parts)) if parts else np.empty(0, np.uint64)
        repeated = np.unique(together[1:][together[1:] == together[:-1]])
        if not len(repeated):
            return np.empty((0, 2), np.int64)
        columns: list[tuple[npt.NDArray[Any], ...]] = []
        for run, keys in zip(self._runs, parts, strict=True):
            near = np.minimum(np.searchsorted(repeated, keys), len(repeated) - 1)
            hits = np.flatnonzero(repeated[near] == keys)
            if len(hits):
                seconds = self._read(run, 8, np.uint64, low, high)[hits]
                rows = self._read(run, 16, np.uint32, low, high)[hits]
                columns.append((keys[hits], seconds, np.full(len(hits), run.unit), rows))
        key, second, unit, row = (np.concatenate(column) for column in zip(*columns, strict=True))
        order = np.lexsort((row, unit, second, key))
        key, second = key[order], second[order]
        later = np.flatnonzero((key[1:] == key[:-1]) & (second[1:] == second[:-1])) + 1
        return np.stack((unit[order][later], row[order][later].astype(np.int64)), axis=1)

    def _read(self, run: _Run, section: int, kind: Any, low: int, high: int) -> npt.NDArray[Any]:
        """Part of a run's section, which begins after ``section`` bytes for every row of the run."""
        start, stop = run.bounds[low], run.bounds[high]
        size = np.dtype(kind).itemsize
        self._file.seek(run.offset + section * run.count + start * size)
        return np.frombuffer(self._file.read((stop - start) * size), dtype=kind)
