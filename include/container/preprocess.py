"""The Processing job that turns raw CSV into a training data set: ``python3 -m container.preprocess``.

Inputs: ``code`` (with spec.json), ``raw`` (CSV files, plain or gzip, anywhere below it). Outputs:
``dataset`` (train/, validation/ and test/ with part-*.parquet, and manifest.json, written last: a
data set without a manifest is not one) and ``quarantine`` (quarantine.csv). The environment's
FRUGAL_FINGERPRINT goes into the manifest.

The same raw files, code and specification give the same Parquet files, byte for byte, on any number
of processors. Peak memory is about 150 MB and 150 MB more for each processor, whatever the input's
size; scratch space is 20 bytes a row when there is a unique key.
"""

from __future__ import annotations

import datetime as dt
import gc
import importlib.util
import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from container import paths
from container.parquet_writer import Layout, choose_layout
from container.preprocess_duplicates import KeyRuns
from container.preprocess_hash import SPLITS
from container.preprocess_quarantine import LISTED_ABOVE_LIMIT, Quarantine
from container.preprocess_schema import Schema, SchemaError, schema_from_spec
from container.preprocess_source import RawFile, Unit, raw_files, read_units, reread_units
from container.preprocess_statistics import merge, statistics
from container.preprocess_unit import Transform, TransformError, UnitProcessor, UnitResult

MANIFEST = "manifest.json"
HEADER_ROWS = 1


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
        self._rows_before = [HEADER_ROWS + 1] * len(self._files)

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
                _log(f"{file.name}: columns not in the specification are dropped: {file.dropped}")
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
        manifest = self._manifest(fingerprint, quarantine, time.monotonic() - started)
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
        first = next(units)
        layout = choose_layout(
            self._processor.sample(first),
            int(preprocess["row_group_rows"]),
            int(preprocess["compression_level"]),
        )
        done_bytes = 0
        for plan, result in self._process(_chain(first, units), layout):
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
        for block, rows, bad in zip(plan.blocks, result.block_rows, result.bad):
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
        self._check_limit(quarantine, quarantine.rows, self._raw_rows + max(0, left) // shortest)

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
        excluded = dict(zip(touched.tolist(), np.split(rows[:, 1], starts[1:])))
        plans = [self._units[index] for index in excluded]
        for plan, result in self._process(reread_units(self._files, plans), layout, excluded):
            for block, first_row, bad in zip(
                plan.blocks, self._first_rows[plan.index], result.duplicates
            ):
                quarantine.add(self._files[block.file].name, first_row, bad)
            result.bad, result.duplicates, result.keys = [], [], None
            for split in set(self._results[plan.index].parts) - set(result.parts):
                self._processor.part_path(split, plan.index).unlink()
            self._results[plan.index] = result
        self._check_limit(quarantine, quarantine.rows + count - len(rows), self._raw_rows)

    def _check_limit(self, quarantine: Quarantine, bad: int, rows: int) -> None:
        if bad <= self._limit * rows:
            return
        counts = ", ".join(f"{code} {n}" for code, n in quarantine.reasons.most_common())
        raise TooManyBadRows(
            f"at least {bad} of at most {rows} rows ({bad / rows:.2%}) are bad, more than "
            f"data.max_bad_rows = {self._limit:g} allows: {counts}. The first is "
            f"{quarantine.first}. All are in quarantine.csv"
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

    def _manifest(
        self, fingerprint: str, quarantine: Quarantine, seconds: float
    ) -> dict[str, Any]:
        results = list(self._results.values())
        files = [
            {
                "path": path.relative_to(self._places.dataset).as_posix(),
                "split": split,
                "rows": pq.read_metadata(path).num_rows,
                "bytes": path.stat().st_size,
            }
            for split in SPLITS
            for path in sorted((self._places.dataset / split).iterdir())
        ]
        rows = {
            split: sum(result.parts.get(split, (0, 0))[0] for result in results)
            for split in SPLITS
        }
        schema = next(result.schema for result in results if result.schema is not None)
        required = {column.name for column in self._schema.columns if column.required}
        raw_rows = self._raw_rows
        return {
            "fingerprint": fingerprint,
            "created": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            "engine": f"pyarrow {pa.__version__}",
            "seconds": round(seconds, 3),
            "rows": {"raw": raw_rows, **rows, "quarantined": quarantine.rows},
            "bytes": {
                "raw": sum(file.size for file in self._files),
                "parquet": sum(file["bytes"] for file in files),
            },
            "files": files,
            "schema": [
                {
                    "name": column.name,
                    "type": str(column.type),
                    "nullable": column.name not in required,
                }
                for column in schema
            ],
            "statistics": {
                column.name: statistics(
                    merge(r.summaries[column.name] for r in results if r.summaries), column.type
                )
                for column in schema
            },
            "quarantine": {
                "rows": quarantine.rows,
                "fraction": quarantine.rows / raw_rows,
                "limit": self._limit,
                "reasons": dict(sorted(quarantine.reasons.items())),
            },
            "dropped_columns": {file.name: file.dropped for file in self._files if file.dropped},
        }


def preprocess(
    spec: dict[str, Any],
    places: Places,
    fingerprint: str = "",
    transform: Transform | None = None,
    workers: int | None = None,
) -> dict[str, Any]:
    """Run the whole stage; returns the manifest. On failure no data set is left behind.

    Raises:
        SchemaError, TooManyBadRows, TransformError: see :meth:`Preprocessing.run`.
    """
    for split in SPLITS:
        shutil.rmtree(places.dataset / split, ignore_errors=True)
    (places.dataset / MANIFEST).unlink(missing_ok=True)
    try:
        return Preprocessing(spec, places, transform, workers or _processors()).run(fingerprint)
    except BaseException:
        for split in SPLITS:
            shutil.rmtree(places.dataset / split, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(places.scratch, ignore_errors=True)


def load_transform(script: Path) -> Transform:
    """The ``transform`` function of the model's own script."""
    module_spec = importlib.util.spec_from_file_location("model_preprocess", script)
    if module_spec is None or module_spec.loader is None or not script.is_file():
        raise TransformError(f"preprocess.script {script.name} is not among the published files")
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        raise TransformError(f"{script.name} cannot be imported: {error}") from error
    transform = getattr(module, "transform", None)
    if not callable(transform):
        raise TransformError(f"{script.name} has no function transform(table)")
    found: Transform = transform
    return found


def main() -> int:
    """Run inside the container; returns the exit code."""
    gc.freeze()  # On Python 3.10 pyarrow's CSV reader walks all tracked objects at every call.
    spec = paths.load_spec()
    script = spec["preprocess"].get("script")
    places = Places(
        raw=paths.processing_input("raw"),
        dataset=paths.processing_output("dataset"),
        quarantine=paths.processing_output("quarantine"),
        scratch=paths.BASE / "processing" / "scratch",
    )
    try:
        manifest = preprocess(
            spec,
            places,
            os.environ.get("FRUGAL_FINGERPRINT", ""),
            load_transform(paths.code_dir() / script) if script else None,
        )
    except (SchemaError, TooManyBadRows, TransformError) as error:
        print(f"preprocess: {error}", file=sys.stderr)
        paths.write_exit_message(str(error))
        return 1
    rows = manifest["rows"]
    summary = (
        f"{rows['raw']} rows: {rows['train']} train, {rows['validation']} validation, "
        f"{rows['test']} test, {rows['quarantined']} quarantined; "
        f"{manifest['bytes']['raw']} bytes of CSV became {manifest['bytes']['parquet']} of Parquet "
        f"in {manifest['seconds']:.1f} s"
    )
    _log(summary)
    paths.write_exit_message(summary)
    return 0


def _chain(first: Unit, rest: Iterator[Unit]) -> Iterator[Unit]:
    yield first
    yield from rest


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _log(message: str) -> None:
    print(f"preprocess: {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
