"""One unit of raw rows becomes at most one Parquet file per split.

The result depends on the unit's bytes and the excluded rows alone, so units can be processed in any
order, on any number of threads, and again when duplicates turn up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from container.preprocess.checks import violations
from container.preprocess.convert import Converted, Converter
from container.preprocess.duplicates import SortedKeys, sort_keys
from container.preprocess.hashing import SPLITS, RowHashes, hash_rows, split_of
from container.preprocess.parquet import Layout, PartWriter
from container.preprocess.quarantine import BadRows, bad_rows
from container.preprocess.schema import Schema
from container.preprocess.source import Block, RawFile, Unit
from container.preprocess.statistics import Summary, merge, summarise

Positions = npt.NDArray[np.int64]
Transform = Callable[[Any], Any]

_NONE = np.empty(0, dtype=np.int64)


class TransformError(Exception):
    """The model's own ``transform`` failed or returned something unusable."""


@dataclass
class UnitResult:
    """What a unit came to.

    ``block_rows`` counts each block's rows, blank ones included; ``raw_rows`` all but those.
    ``bad`` and ``duplicates`` have one entry per block. ``parts`` gives rows and bytes per split,
    ``schema`` and ``summaries`` describe the written columns.
    """

    index: int
    block_rows: list[int] = field(default_factory=list)
    raw_rows: int = 0
    bad: list[BadRows] = field(default_factory=list)
    duplicates: list[BadRows] = field(default_factory=list)
    keys: SortedKeys | None = None
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)
    schema: Any = None
    summaries: dict[str, Summary] = field(default_factory=dict)


@dataclass
class _Good:
    """A block's good rows with their hashes; ``bad`` and ``duplicates`` are the others."""

    table: Any
    hashes: RowHashes
    summaries: dict[str, Summary]
    bad: dict[int, tuple[str, bytes]]
    duplicates: dict[int, tuple[str, bytes]]
    rows: int
    blank: int


class UnitProcessor:
    """Everything the units of one run have in common."""

    def __init__(
        self,
        schema: Schema,
        files: list[RawFile],
        salt: str,
        fractions: dict[str, float],
        output: Path,
        transform: Transform | None = None,
    ) -> None:
        self._schema = schema
        self._files = files
        self._salt = salt
        self._fractions = fractions
        self._output = output
        self._transform = transform
        self._converters = {file.header: Converter(schema, file.header) for file in files}

    def sample(self, unit: Unit) -> Any:
        """Good rows of the unit's first block, as they will be written."""
        return self._transformed(self._good(unit.blocks[0], _NONE, 0).table, unit.blocks[0])

    def part_path(self, split: str, index: int) -> Path:
        return self._output / split / f"part-{index:05d}.parquet"

    def process(self, unit: Unit, layout: Layout, excluded: Positions = _NONE) -> UnitResult:
        """Convert, check, split and write a unit.

        Args:
            excluded: positions, among the unit's good rows, of those whose key came before.

        Raises:
            TransformError: the model's own code failed.
        """
        result = UnitResult(unit.index)
        writers: dict[str, PartWriter] = {}
        summaries: list[dict[str, Summary]] = []
        hashes: list[RowHashes] = []
        seen = 0
        while unit.blocks:
            block = unit.blocks.pop(0)
            good = self._good(block, excluded, seen)
            seen += good.table.num_rows + len(good.duplicates)
            result.block_rows.append(good.rows)
            result.raw_rows += good.rows - good.blank
            result.bad.append(bad_rows(good.bad))
            result.duplicates.append(bad_rows(good.duplicates))
            hashes.append(good.hashes)
            label = split_of(good.hashes.split, self._fractions)
            for number, split in enumerate(SPLITS):
                rows = good.table.filter(pa.array(label == number))
                if not rows.num_rows:
                    continue
                rows = self._transformed(rows, block)
                if self._transform is not None:
                    summaries.append(summarise_table(rows))
                if result.schema is None:
                    result.schema = rows.schema
                self._expect(result.schema, rows.schema, block)
                if split not in writers:
                    path = self.part_path(split, unit.index)
                    writers[split] = PartWriter(path, rows.schema, layout)
                writers[split].add(rows)
            if self._transform is None and good.table.num_rows:
                summaries.append(good.summaries)
        result.parts = {split: (writer.rows, writer.close()) for split, writer in writers.items()}
        result.summaries = merge_tables(summaries)
        if self._schema.key:
            result.keys = _sorted_keys(hashes)
        return result

    def _good(self, block: Block, excluded: Positions, seen: int) -> _Good:
        file = self._files[block.file]
        converted = self._converters[file.header].convert(block.data, block.irregular)
        table = converted.table
        summaries = summarise_table(table)
        faults = violations(table, self._schema, summaries)
        bad = {row: (reason, converted.rows.raw(row)) for row, reason in converted.bad.items()}
        bad |= _located(converted, faults)
        blank = [row for row, (_, raw) in bad.items() if not raw.strip()]
        for row in blank:
            del bad[row]
        kept = _without(np.arange(table.num_rows), faults)
        last = np.searchsorted(excluded, [seen, seen + len(kept)])
        repeated = kept[excluded[last[0] : last[1]] - seen]
        duplicates = _located(
            converted, {int(row): self._explain_duplicate(table, int(row)) for row in repeated}
        )
        kept = np.setdiff1d(kept, repeated)
        if len(kept) < table.num_rows:
            table = table.take(pa.array(kept))
            summaries = summarise_table(table)
        hashes = hash_rows(table, self._schema.split_by, self._schema.key, self._salt)
        return _Good(table, hashes, summaries, bad, duplicates, converted.row_count, len(blank))

    def _explain_duplicate(self, table: Any, row: int) -> str:
        key = ", ".join(f"{name} {table.column(name)[row].as_py()}" for name in self._schema.key)
        return f"duplicate_key: {key} came before"

    def _transformed(self, table: Any, block: Block) -> Any:
        if self._transform is None:
            return table
        place = f"{self._files[block.file].name}, {block.length} bytes from byte {block.offset}"
        try:
            changed = self._transform(table)
        except Exception as error:
            raise TransformError(
                f"transform raised {type(error).__name__}: {error} (rows of {place})"
            ) from error
        if not isinstance(changed, pa.Table):
            raise TransformError(
                f"transform returned {type(changed).__name__} instead of a pyarrow.Table"
            )
        return changed

    def _expect(self, schema: Any, given: Any, block: Block) -> None:
        if not schema.equals(given):
            raise TransformError(
                f"transform returned other columns for {self._files[block.file].name} than before: "
                f"{given.to_string()} instead of {schema.to_string()}"
            )


def summarise_table(table: Any) -> dict[str, Summary]:
    """A summary of every column."""
    return {name: summarise(table.column(name)) for name in table.column_names}


def merge_tables(parts: list[dict[str, Summary]]) -> dict[str, Summary]:
    """Merge the summaries of tables with the same columns, in the given order."""
    return {name: merge(part[name] for part in parts) for name in (parts[0] if parts else ())}


def _located(converted: Converted, faults: dict[int, str]) -> dict[int, tuple[str, bytes]]:
    """Faults by row of the table -> (reason, raw) by position in the block."""
    positions = {converted.position(row): reason for row, reason in faults.items()}
    return {at: (reason, converted.rows.raw(at)) for at, reason in positions.items()}


def _without(rows: Positions, taken: dict[int, str]) -> Positions:
    return np.setdiff1d(rows, np.fromiter(taken, np.int64, len(taken))) if taken else rows


def _sorted_keys(hashes: list[RowHashes]) -> SortedKeys:
    keys = [part.key for part in hashes if part.key is not None]
    seconds = [part.second for part in hashes if part.second is not None]
    return sort_keys(np.concatenate(keys), np.concatenate(seconds))
