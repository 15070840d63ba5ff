"""One run over all raw files: convert, remove duplicates, check the totals, write the manifest."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from container.preprocess.duplicates import KeyRuns
from container.preprocess.hashing import SPLITS
from container.preprocess.manifest import manifest_of
from container.preprocess.parquet import Layout, choose_layout
from container.preprocess.quarantine import LISTED_ABOVE_LIMIT, Quarantine
from container.preprocess.schema import Schema, SchemaError, schema_from_spec
from container.preprocess.source import Unit, raw_files, read_units, reread_units
from container.preprocess.unit import Transform, TransformError, UnitProcessor, UnitResult

MANIFEST = "manifest.json"
FIRST_ROW = 2
"""The row number of a file's first row after the header."""


class TooManyBadRows(Exception):
    """More rows are bad than ``data.max_bad_rows`` allows."""


@dataclass(frozen=True)
class Places:
    """Directories that a run reads and writes."""

    raw: Path
    dataset: Path
    quarantine: Path
    scratch: Path


class Preprocessing:
    """One run over all raw files."""

    def __init__(
        self, spec: dict[str, Any], places: Places, transform: Transform | None, workers: int
    ) -> None:
        data = spec["data"]
        self._spec = spec
        self._places = places
        self._workers = workers
        self._limit = float(data["max_bad_rows"])
        self._schema: Schema = schema_from_spec(spec)
        self._files = raw_files(places.raw, self._schema)
        self._processor = UnitProcessor(
            self._schema,
            self._files,
            data["split"]["salt"],
            data["split"],
            places.dataset,
            transform,
        )
        self._results: dict[int, UnitResult] = {}
        self._units: list[Unit] = []
        self._first_rows: list[list[int]] = []
        self._rows_before = [FIRST_ROW] * len(self._files)

    def run(self, fingerprint: str) -> dict[str, Any]:
        """Write the data set; returns its manifest.

        Raises:
            SchemaError: the raw files cannot be what the specification describes.
            TooManyBadRows: the limit is exceeded; the quarantine file is complete up to there.
            TransformError: the model's own code failed.
        """
        started = time.monotonic()
        for file in self._files:
            if file.dropped:
                print(
                    f"preprocess: {file.name}: dropped columns {', '.join(file.dropped)}",
                    flush=True,
                )
        self._places.quarantine.mkdir(parents=True, exist_ok=True)
        self._places.scratch.mkdir(parents=True, exist_ok=True)
        with (
            Quarantine(self._places.quarantine / "quarantine.csv") as quarantine,
            KeyRuns(self._places.scratch / "keys.bin") as keys,
        ):
            layout = self._convert(quarantine, keys)
            self._remove_duplicates(quarantine, keys, layout)
        self._check_totals(quarantine)
        self._write_empty_splits(layout)
        manifest = {
            "fingerprint": fingerprint,
            "seconds": round(time.monotonic() - started, 3),
            **manifest_of(
                self._places.dataset,
                self._schema,
                self._files,
                list(self._results.values()),
                quarantine,
                self._limit,
            ),
        }
        target = self._places.dataset / MANIFEST
        target.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        return manifest

    @property
    def _raw_rows(self) -> int:
        return sum(result.raw_rows for result in self._results.values())

    def _convert(self, quarantine: Quarantine, keys: KeyRuns) -> Layout:
        """Process every unit once."""
        preprocess = self._spec["preprocess"]
        units = read_units(self._files, self._schema.delimiter)
        first = next(units, None)
        if first is None:
            raise SchemaError("no row is left for training: the raw files have headers only")
        layout = choose_layout(
            self._processor.sample(first),
            int(preprocess["row_group_rows"]),
            int(preprocess["compression_level"]),
        )
        done_bytes = 0
        for plan, result in self._process(chain([first], units), layout):
            self._units.append(plan)
            self._record(plan, result, quarantine)
            if result.keys is not None:
                keys.add(plan.index, result.keys)
                result.keys = None
            done_bytes += plan.bytes
            self._stop_early(quarantine, done_bytes)
        return layout

    def _process(
        self, units: Iterable[Unit], layout: Layout, excluded: dict[int, Any] | None = None
    ) -> Iterator[tuple[Unit, UnitResult]]:
        """Process units on all threads, results in the units' order, few units in memory."""
        none = np.empty(0, dtype=np.int64)
        waiting: deque[tuple[Unit, Future[UnitResult]]] = deque()
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                for unit in units:
                    plan = unit.without_data()
                    rows = (excluded or {}).get(unit.index, none)
                    waiting.append((plan, pool.submit(self._processor.process, unit, layout, rows)))
                    del unit
                    if len(waiting) > self._workers:
                        plan, future = waiting.popleft()
                        yield plan, future.result()
                while waiting:
                    plan, future = waiting.popleft()
                    yield plan, future.result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _record(self, plan: Unit, result: UnitResult, quarantine: Quarantine) -> None:
        """Note a unit's first result: its bad rows, and where its blocks begin."""
        known = next((r.schema for r in self._results.values() if r.schema is not None), None)
        if known is not None and result.schema is not None and not known.equals(result.schema):
            raise TransformError(
                f"transform returned other columns than before: {result.schema.to_string()} "
                f"instead of {known.to_string()}"
            )
        first_rows = []
        for block, rows, bad in zip(plan.blocks, result.block_rows, result.bad, strict=True):
            first_rows.append(self._rows_before[block.file])
            quarantine.add(self._files[block.file].name, first_rows[-1], bad)
            self._rows_before[block.file] += rows
        result.bad = []
        self._first_rows.append(first_rows)
        self._results[plan.index] = result

    def _stop_early(self, quarantine: Quarantine, done_bytes: int) -> None:
        """Stop once the limit is exceeded even if every byte to come is a row as short as can be."""
        if any(file.compressed for file in self._files):
            return
        left = sum(file.size - file.first_row for file in self._files) - done_bytes
        shortest = min(len(file.header) for file in self._files)
        most = self._raw_rows + -(-left // shortest) + (left > 0)
        self._check_limit(quarantine, quarantine.rows, most, "at most " * (left > 0))

    def _remove_duplicates(self, quarantine: Quarantine, keys: KeyRuns, layout: Layout) -> None:
        """Process the units that hold later rows of a key again, without those rows."""
        found = list(keys.duplicates())
        if not found:
            return
        rows = np.concatenate(found)
        above = len(rows) + quarantine.rows > self._limit * self._raw_rows
        rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        count = len(rows)
        if above:
            rows = rows[:LISTED_ABOVE_LIMIT]
        touched, starts = np.unique(rows[:, 0], return_index=True)
        excluded = dict(zip(touched.tolist(), np.split(rows[:, 1], starts[1:]), strict=True))
        plans = [self._units[index] for index in excluded]
        for plan, result in self._process(reread_units(self._files, plans), layout, excluded):
            for block, first_row, bad in zip(
                plan.blocks, self._first_rows[plan.index], result.duplicates, strict=True
            ):
                quarantine.add(self._files[block.file].name, first_row, bad)
            result.bad, result.duplicates, result.keys = [], [], None
            for split in set(self._results[plan.index].parts) - set(result.parts):
                self._processor.part_path(split, plan.index).unlink()
            self._results[plan.index] = result
        self._check_limit(quarantine, quarantine.rows + count - len(rows), self._raw_rows)

    def _check_limit(self, quarantine: Quarantine, bad: int, rows: int, so_far: str = "") -> None:
        """Raise if ``bad`` of ``rows`` rows are too many."""
        if bad <= self._limit * rows:
            return
        counts = ", ".join(f"{code} {n}" for code, n in quarantine.reasons.most_common())
        listed = "all" if bad == quarantine.rows else f"the first {quarantine.rows}"
        raise TooManyBadRows(
            f"{bad} of {so_far}{rows} rows ({bad / rows:.2%}) are bad, more than data.max_bad_rows "
            f"= {self._limit:g} allows: {counts}. The first is {quarantine.first}. "
            f"quarantine.csv lists {listed} of them"
        )

    def _check_totals(self, quarantine: Quarantine) -> None:
        self._check_limit(quarantine, quarantine.rows, self._raw_rows)
        if not any("train" in result.parts for result in self._results.values()):
            raise SchemaError(
                f"no row is left for training: {self._raw_rows} raw rows, {quarantine.rows} of "
                "them bad"
            )
        written = next(r.schema for r in self._results.values() if r.schema is not None)
        needed = [*self._spec["data"]["features"], self._schema.target]
        missing = [name for name in needed if name not in written.names]
        if missing:
            raise TransformError(f"transform left out the columns {', '.join(missing)}")

    def _write_empty_splits(self, layout: Layout) -> None:
        """Give a split without rows one file, so that its prefix exists and has the schema."""
        schema = next(r.schema for r in self._results.values() if r.schema is not None)
        for split in SPLITS:
            if not any(split in result.parts for result in self._results.values()):
                path = self._processor.part_path(split, 0)
                path.parent.mkdir(parents=True, exist_ok=True)
                layout.open(path, schema).close()
