"""The manifest: what a data set holds, and what was left out of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from container.preprocess.hashing import SPLITS
from container.preprocess.quarantine import Quarantine
from container.preprocess.schema import Schema
from container.preprocess.source import RawFile
from container.preprocess.statistics import merge, statistics
from container.preprocess.unit import UnitResult


def manifest_of(
    dataset: Path,
    schema: Schema,
    files: list[RawFile],
    results: list[UnitResult],
    quarantine: Quarantine,
    limit: float,
) -> dict[str, Any]:
    """Describe the finished files below ``dataset``."""
    parts = [_part(dataset, split, path) for split in SPLITS for path in _parts(dataset, split)]
    rows = {
        split: sum(part["rows"] for part in parts if part["split"] == split) for split in SPLITS
    }
    raw_rows = sum(result.raw_rows for result in results)
    written = next(result.schema for result in results if result.schema is not None)
    required = {column.name for column in schema.columns if column.required}
    return {
        "created": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "engine": f"pyarrow {pa.__version__}",
        "rows": {"raw": raw_rows, **rows, "quarantined": quarantine.rows},
        "bytes": {
            "raw": sum(file.size for file in files),
            "parquet": sum(part["bytes"] for part in parts),
        },
        "files": parts,
        "schema": [
            {
                "name": column.name,
                "type": str(column.type),
                "nullable": column.name not in required,
            }
            for column in written
        ],
        "statistics": {
            column.name: statistics(
                merge(result.summaries[column.name] for result in results if result.summaries),
                column.type,
            )
            for column in written
        },
        "quarantine": {
            "rows": quarantine.rows,
            "fraction": quarantine.rows / raw_rows,
            "limit": limit,
            "reasons": dict(sorted(quarantine.reasons.items())),
        },
        "dropped_columns": {file.name: list(file.dropped) for file in files if file.dropped},
    }


def _parts(dataset: Path, split: str) -> list[Path]:
    return sorted((dataset / split).iterdir())


def _part(dataset: Path, split: str, path: Path) -> dict[str, Any]:
    return {
        "path": path.relative_to(dataset).as_posix(),
        "split": split,
        "rows": pq.read_metadata(path).num_rows,
        "bytes": path.stat().st_size,
    }
