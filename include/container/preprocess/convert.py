"""CSV bytes become Arrow tables; rows that cannot be converted are found and set apart.

A block is parsed at full speed as if all were well. Only if that fails are its rows told apart, the
faulty ones found column by column, and the rest parsed again, so bad rows cost their block alone.
The same parser has the last word in both cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from container.preprocess.dates import parse_dates
from container.preprocess.rows import Rows, split_rows
from container.preprocess.schema import BOOLEANS, NULL_VALUES, Column, Schema

Positions = npt.NDArray[np.int64]

_KINDS = {
    "integer": "an integer",
    "float": "a number",
    "boolean": "true or false",
    "date": "a date",
    "datetime": "a date and time",
}


@dataclass
class Converted:
    """One block.

    ``table`` holds the rows that converted, in order; ``positions`` are their positions among the
    block's rows, or None when that is all of them. ``bad`` gives the reason for the others.
    """

    data: bytes
    delimiter: str
    table: Any
    positions: Positions | None = None
    bad: dict[int, str] = field(default_factory=dict)
    _rows: Rows | None = None

    @property
    def row_count(self) -> int:
        """Rows in the block, good, bad and blank."""
        return self.table.num_rows if self._rows is None else len(self._rows)

    @property
    def rows(self) -> Rows:
        """The block's rows as bytes."""
        if self._rows is None:
            self._rows = split_rows(self.data, self.delimiter)
        return self._rows

    def position(self, row: int) -> int:
        """The position in the block of the table's row ``row``."""
        return row if self.positions is None else int(self.positions[row])


class Converter:
    """Converts blocks of files with one and the same header."""

    def __init__(self, schema: Schema, header: tuple[str, ...]) -> None:
        self._schema = schema
        self._header = list(header)
        self._types = {
            column.name: pa.string() if column.custom_format else column.type
            for column in schema.columns
        }

    def convert(self, data: bytes, irregular: bool = False) -> Converted:
        """Convert a block of whole rows."""
        delimiter = self._schema.delimiter
        if not irregular:
            try:
                return Converted(data, delimiter, self._parse(data))
            except pa.ArrowInvalid:
                pass
        rows = split_rows(data, delimiter)
        bad = self._find_bad(rows)
        kept = np.setdiff1d(np.arange(len(rows)), np.fromiter(bad, np.int64, len(bad)))
        try:
            table = self._parse(rows.join(kept))
        except pa.ArrowInvalid:
            bad |= self._isolate(rows, kept)
            kept = np.setdiff1d(kept, np.fromiter(bad, np.int64, len(bad)))
            table = self._parse(rows.join(kept))
        return Converted(data, delimiter, table, kept, bad, rows)

    def _parse(self, data: bytes) -> Any:
        """Parse whole rows.

        Raises:
            pyarrow.ArrowInvalid: a row or a value is not what it should be.
        """
        table = self._read(data, self._types)
        for at, column in enumerate(self._schema.columns):
            if column.custom_format:
                dates, valid = parse_dates(table.column(at), column)
                if not pc.all(valid).as_py():
                    raise pa.ArrowInvalid(f"CSV conversion error in column {column.name}")
                table = table.set_column(at, column.name, dates)
            elif column.textual:
                table = _empty_text_to_null(table, at)
        return table

    def _read(
        self, data: bytes, types: dict[str, Any], skip: Callable[[Any], str] | None = None
    ) -> Any:
        if not data:
            return pa.schema(list(types.items())).empty_table()
        return pa_csv.read_csv(
            pa.py_buffer(data),
            read_options=pa_csv.ReadOptions(
                use_threads=False, column_names=self._header, block_size=len(data) + 1
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._schema.delimiter,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=NULL_VALUES,
                strings_can_be_null=False,
                true_values=BOOLEANS[True],
                false_values=BOOLEANS[False],
            ),
        )

    def _find_bad(self, rows: Rows) -> dict[int, str]:
        """Rows with a reason why they cannot be converted, by looking at each column's text."""
        bad = dict.fromkeys(rows.unbalanced, "unbalanced_quote: a quote is never closed")
        rest = np.setdiff1d(np.arange(len(rows)), np.array(rows.unbalanced, dtype=np.int64))
        misshapen: list[int] = []

        def skip(row: Any) -> str:
            at = int(rest[row.number - 1])
            misshapen.append(at)
            bad[at] = f"wrong_column_count: {row.actual_columns} instead of {row.expected_columns}"
            return "skip"

        text = self._read(rows.join(rest), dict.fromkeys(self._types, pa.binary()), skip)
        rest = np.setdiff1d(rest, np.array(misshapen, dtype=np.int64))
        for column in self._schema.columns:
            values = text.column(column.name).combine_chunks()
            for at in _unconvertible(values, column).tolist():
                bad.setdefault(int(rest[at]), _explain(values[at].as_py(), column))
        return bad

    def _isolate(self, rows: Rows, kept: Positions) -> dict[int, str]:
        """Rows that the parser itself refuses, by halving."""
        try:
            self._parse(rows.join(kept))
        except pa.ArrowInvalid as error:
            if len(kept) == 1:
                return {int(kept[0]): f"wrong_type: {error}"}
            middle = len(kept) // 2
            return self._isolate(rows, kept[:middle]) | self._isolate(rows, kept[middle:])
        return {}


def _empty_text_to_null(table: Any, at: int) -> Any:
    column = table.column(at)
    if not any(_has_empty_text(chunk) for chunk in column.chunks):
        return table
    dense = column.cast(pa.string())
    filled = pc.if_else(pc.equal(pc.binary_length(dense), 0), pa.scalar(None, pa.string()), dense)
    if pa.types.is_dictionary(column.type):
        filled = filled.dictionary_encode()
    return table.set_column(at, table.column_names[at], filled)


def _has_empty_text(chunk: Any) -> bool:
    words = chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk
    if not len(words):
        return False
    offsets = np.frombuffer(words.buffers()[1], dtype=np.int32)
    offsets = offsets[words.offset : words.offset + len(words) + 1]
    return bool((offsets[1:] == offsets[:-1]).any())


def _unconvertible(values: Any, column: Column) -> Positions:
    """Positions of the values (binary) that cannot become ``column``'s type."""
    if column.textual:
        return _failing(values, pa.string())
    text = values.cast(pa.string(), safe=False)
    if column.custom_format:
        _, valid = parse_dates(text, column)
        return np.flatnonzero(~valid.to_numpy(zero_copy_only=False))
    if column.kind == "boolean":
        words = pa.array([*BOOLEANS[True], *BOOLEANS[False], *NULL_VALUES])
        valid = pc.is_in(pc.ascii_trim(text, " \t"), words)
        return np.flatnonzero(~valid.to_numpy(zero_copy_only=False))
    if not _casts(text, column.type):
        text = pc.ascii_trim(text, " \t")
        missing = pc.is_in(text, pa.array(NULL_VALUES))
        text = pc.if_else(missing, pa.scalar(None, pa.string()), text)
    return _failing(text, column.type)


def _casts(values: Any, kind: Any) -> bool:
    try:
        values.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _failing(values: Any, kind: Any, offset: int = 0) -> Positions:
    """Positions of the values that Arrow cannot cast to ``kind``, by halving."""
    if _casts(values, kind):
        return np.empty(0, dtype=np.int64)
    if len(values) == 1:
        return np.array([offset])
    middle = len(values) // 2
    return np.concatenate(
        (
            _failing(values[:middle], kind, offset),
            _failing(values[middle:], kind, offset + middle),
        )
    )


def _explain(value: bytes | None, column: Column) -> str:
    shown = f"'{(value or b'')[:80].decode('utf-8', 'backslashreplace')}'"
    if column.textual:
        return f"invalid_utf8: {column.name}: {shown} is not UTF-8"
    wanted = _KINDS[column.kind]
    if column.custom_format:
        wanted += f" written as {column.custom_format}"
    return f"wrong_type: {column.name}: {shown} is not {wanted}"
