"""Parquet files laid out for training: zstd, even row groups, the encoding that suits each column."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SAMPLE_ROWS = 65_536


@dataclass(frozen=True)
class Layout:
    """How a data set's files are written.

    ``row_group_rows`` is the most rows that a row group holds; ``dictionary`` names the columns
    with dictionary encoding, ``encodings`` gives the other columns' where it is not PLAIN.
    """

    row_group_rows: int
    compression_level: int
    dictionary: tuple[str, ...] = ()
    encodings: dict[str, str] = field(default_factory=dict)

    def open(self, sink: Any, schema: Any) -> Any:
        """A ParquetWriter on a path or file."""
        return pq.ParquetWriter(
            sink,
            schema,
            version="2.6",
            compression="zstd",
            compression_level=self.compression_level,
            use_dictionary=list(self.dictionary) or False,
            column_encoding=self.encodings or None,
            write_statistics=True,
        )


def choose_layout(sample: Any, row_group_rows: int, compression_level: int) -> Layout:
    """Try the encodings that suit each column's type on a sample, and take the smallest.

    Categories always have dictionaries. The choice depends on the sample alone, never on time.
    """
    sample = sample.slice(0, SAMPLE_ROWS)
    dictionary: list[str] = []
    encodings: dict[str, str] = {}
    for column in sample.schema:
        if pa.types.is_dictionary(column.type):
            dictionary.append(column.name)
            continue
        data = sample.select([column.name])
        sizes = {
            encoding: _size(data, column.name, encoding, row_group_rows, compression_level)
            for encoding in _candidates(column.type)
        }
        best = min(sizes, key=lambda encoding: sizes[encoding])
        if best == "RLE_DICTIONARY":
            dictionary.append(column.name)
        elif best != "PLAIN":
            encodings[column.name] = best
    return Layout(row_group_rows, compression_level, tuple(dictionary), encodings)


def _candidates(kind: Any) -> tuple[str, ...]:
    if pa.types.is_floating(kind):
        return ("RLE_DICTIONARY", "BYTE_STREAM_SPLIT")
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return ("RLE_DICTIONARY", "DELTA_BINARY_PACKED")
    if pa.types.is_string(kind):
        return ("RLE_DICTIONARY", "DELTA_BYTE_ARRAY")
    return ("PLAIN",)


def _size(data: Any, name: str, encoding: str, row_group_rows: int, level: int) -> int:
    layout = {
        "RLE_DICTIONARY": Layout(row_group_rows, level, (name,)),
        "PLAIN": Layout(row_group_rows, level),
    }.get(encoding, Layout(row_group_rows, level, (), {name: encoding}))
    sink = io.BytesIO()
    with layout.open(sink, data.schema) as writer:
        writer.write_table(data, row_group_size=row_group_rows)
    return len(sink.getvalue())


class PartWriter:
    """One Parquet file that is written in row groups as rows come in.

    Row groups are full except for the last two, which share what is left evenly.
    """

    def __init__(self, path: Path, schema: Any, layout: Layout) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.rows = 0
        self._layout = layout
        self._writer = layout.open(path, schema)
        self._pending: list[Any] = []
        self._pending_rows = 0

    def add(self, table: Any) -> None:
        """Append rows; ``table`` must have the schema the writer was opened with."""
        self._pending.append(table)
        self._pending_rows += table.num_rows
        self.rows += table.num_rows
        size = self._layout.row_group_rows
        while self._pending_rows >= 2 * size:
            self._write_group(size)

    def close(self) -> int:
        """Write what is left; returns the file's size in bytes."""
        if self._pending_rows > self._layout.row_group_rows:
            self._write_group((self._pending_rows + 1) // 2)
        if self._pending_rows:
            self._write_group(self._pending_rows)
        self._writer.close()
        return self.path.stat().st_size

    def _write_group(self, rows: int) -> None:
        table = pa.concat_tables(self._pending)
        self._writer.write_table(table.slice(0, rows).unify_dictionaries(), row_group_size=rows)
        rest = table.slice(rows)
        self._pending = [rest] if rest.num_rows else []
        self._pending_rows = rest.num_rows
