"""The hash that decides which split a row belongs to, and tells keys apart.

A row's split must never change: not with the engine, its version, the platform, the order of rows
or the number of threads. So the hash is defined here, on values, in 64-bit arithmetic (modulo
2**64) that any language can repeat:

* A value becomes one or more 64-bit words. integer: the value, two's complement; date: days since
  1970-01-01; datetime: microseconds since 1970-01-01T00:00:00; boolean: 0 or 1; float: its IEEE 754
  bits, with -0.0 as 0.0. string and category: the UTF-8 bytes, then one byte 0x01, then zero bytes
  up to a multiple of eight, read as little-endian words.
* The state starts as ``seed``: the first eight bytes of SHA-256(salt), little-endian.
* Each word ``w``, column by column, updates it: ``state = mix(state ^ w)``.
* ``mix(x)`` is SplitMix64's step: ``x += 0x9e3779b97f4a7c15; x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9; x ^= x >> 27; x *= 0x94d049bb133111eb; x ^= x >> 31``.

The state after the last column is the hash. A row is in train when ``hash < train * 2**64``, in
validation when ``hash < (train + validation) * 2**64``, otherwise in test. Rows with equal
``split.by`` values have equal hashes and so share a split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]

SPLITS = ("train", "validation", "test")

_ROWS_AT_ONCE = 16384
"""Keeps the temporary arrays in the processor's cache and off fresh memory pages."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_BYTE_MASKS = np.array([(1 << (8 * n)) - 1 for n in range(8)], dtype=np.uint64)
_END_MARKS = np.array([1 << (8 * n) for n in range(8)], dtype=np.uint64)


@lru_cache(maxsize=4096)
def seed_of(salt: str) -> int:
    """The state that hashing starts from: a 64-bit unsigned integer."""
    return int.from_bytes(hashlib.sha256(salt.encode("utf-8")).digest()[:8], "little")


def mix(state: Words) -> Words:
    """SplitMix64's step over an array, in place."""
    scratch = np.empty_like(state)
    state += _GAMMA
    state ^= np.right_shift(state, 30, out=scratch)
    state *= _MIX_1
    state ^= np.right_shift(state, 27, out=scratch)
    state *= _MIX_2
    state ^= np.right_shift(state, 31, out=scratch)
    return state


class RowHash:
    """The running hash of each row of one table.

    ``state`` is the documented hash. ``second`` is an independent multilinear hash of the same
    words; the two together (128 bits) identify a key.
    """

    def __init__(self, rows: int, salt: str) -> None:
        self.state: Words = np.full(rows, seed_of(salt), dtype=np.uint64)
        self.second: Words = np.zeros(rows, dtype=np.uint64)
        self._salt = salt
        self._columns = 0

    def update(self, column: Any) -> RowHash:
        """Take in one column: an Arrow array or chunked array without nulls, as long as the rows."""
        for place, (selected, words) in enumerate(_words(_contiguous(column))):
            factor = np.uint64(seed_of(f"{self._salt} {self._columns} {place}") | 1)
            if selected is None:
                self.second += words * factor
                self.state ^= words
                mix(self.state)
            else:
                self.second[selected] += words * factor
                self.state[selected] = mix(self.state[selected] ^ words)
        self._columns += 1
        return self


def split_of(state: Words, fractions: dict[str, float]) -> npt.NDArray[np.uint8]:
    """Which split each row is in, as an index into :data:`SPLITS`.

    Args:
        state: the rows' hashes over the ``split.by`` columns.
        fractions: share of ``train``, ``validation`` and ``test``, together 1.
    """
    label = np.zeros(len(state), dtype=np.uint8)
    reached = Decimal(0)
    for name in SPLITS[:-1]:
        reached += Decimal(repr(float(fractions[name])))
        threshold = int(reached * 2**64)
        if threshold < 2**64:
            label += state >= np.uint64(threshold)
    return label


def _contiguous(column: Any) -> Any:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if array.null_count:
        raise ValueError("a column with missing values cannot be hashed")
    return array.cast(array.type.value_type) if pa.types.is_dictionary(array.type) else array


def _words(array: Any) -> Iterator[tuple[npt.NDArray[np.intp] | None, Words]]:
    """Rounds of words: (positions of the rows that have one, or None for all; their words)."""
    kind = array.type
    if pa.types.is_string(kind):
        yield from _string_words(array)
    elif pa.types.is_boolean(kind):
        yield None, array.cast(pa.int64()).to_numpy().view(np.uint64)
    elif pa.types.is_floating(kind):
        yield None, (array.cast(pa.float64()).to_numpy() + 0.0).view(np.uint64)
    elif pa.types.is_date32(kind):
        yield None, array.cast(pa.int32()).cast(pa.int64()).to_numpy().view(np.uint64)
    elif pa.types.is_timestamp(kind) or pa.types.is_integer(kind):
        yield None, array.cast(pa.int64()).to_numpy().view(np.uint64)
    else:
        raise TypeError(f"a column of type {kind} cannot be hashed")


def _string_words(array: Any) -> Iterator[tuple[npt.NDArray[np.intp] | None, Words]]:
    _, offsets_buffer, data = array.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int32)[
        array.offset : array.offset + len(array) + 1
    ].astype(np.int64)
    first, last = int(offsets[0]), int(offsets[-1])
    padded = np.zeros(last - first + 8, dtype=np.uint8)
    if last > first:
        padded[:-8] = np.frombuffer(data, dtype=np.uint8)[first:last]
    starts = offsets[:-1] - first
    lengths = np.diff(offsets)
    at: Any = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    for word in range(int(lengths.max(initial=0)) // 8 + 1):
        selected = None if word == 0 else np.flatnonzero(lengths >= 8 * word)
        begin = starts if selected is None else starts[selected] + 8 * word
        left = (lengths if selected is None else lengths[selected]) - 8 * word
        words = at[begin].astype(np.uint64)
        short = left < 8
        if short.all():
            words = words & _BYTE_MASKS[left] | _END_MARKS[left]
        elif short.any():
            words[short] = words[short] & _BYTE_MASKS[left[short]] | _END_MARKS[left[short]]
        if selected is not None and len(selected) == len(lengths):
            selected = None
        yield selected, words


@dataclass(frozen=True)
class RowHashes:
    """One table's hashes, each of shape (rows,): ``split`` over the ``split.by`` columns, ``key``
    and ``second`` (None without a key) over the unique key."""

    split: Words
    key: Words | None
    second: Words | None


def hash_rows(table: Any, split_by: Sequence[str], key: Sequence[str], salt: str) -> RowHashes:
    """Hash an Arrow table's ``split_by`` and ``key`` columns.

    A key that begins with the ``split_by`` columns goes on from their state.
    """
    rows = table.num_rows
    split: Words = np.empty(rows, dtype=np.uint64)
    keys: Words = np.empty(rows if key else 0, dtype=np.uint64)
    seconds: Words = np.empty(rows if key else 0, dtype=np.uint64)
    shared = tuple(key[: len(split_by)]) == tuple(split_by)
    for at in range(0, rows, _ROWS_AT_ONCE):
        batch = slice(at, at + _ROWS_AT_ONCE)
        part = table.slice(at, _ROWS_AT_ONCE)
        hashed = hash_columns(part, split_by, salt)
        split[batch] = hashed.state
        if key:
            if shared:
                for name in key[len(split_by) :]:
                    hashed.update(part.column(name))
            else:
                hashed = hash_columns(part, key, salt)
            keys[batch], seconds[batch] = hashed.state, hashed.second
    return RowHashes(split, keys if key else None, seconds if key else None)


def hash_columns(table: Any, columns: Sequence[str], salt: str) -> RowHash:
    """Hash ``columns`` of an Arrow table, in that order."""
    rows = RowHash(table.num_rows, salt)
    for name in columns:
        rows.update(table.column(name))
    return rows
