"""A split of the data set: Parquet files below one directory, read in one order by everyone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def parquet_files(directory: Path) -> list[Path]:
    """The Parquet files of a split, in the order in which every reader takes them.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(directory.rglob("*.parquet"))
    if not files:
        raise FileNotFoundError(f"no Parquet file in {directory}")
    return files


def row_groups(directory: Path, columns: Iterable[str] | None = None) -> Iterator[pa.Table]:
    """The row groups of a split, one table at a time: memory is bounded by the largest.

    Raises:
        FileNotFoundError: there is no Parquet file.
        ValueError: there is no row.
    """
    names = None if columns is None else list(columns)
    rows = 0
    for path in parquet_files(directory):
        with pq.ParquetFile(path) as file:
            rows += file.metadata.num_rows
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=names)
    if not rows:
        raise ValueError(
            f"the {directory.name} split has no row: there is too little data for its share of it (data.split)"
        )


def fingerprint(*directories: Path) -> str:
    """Tells datasets apart by their Parquet files' names, sizes and footers (which hold every row
    group's offsets, sizes and column statistics), without reading the data."""
    digest = hashlib.sha256()
    for directory in directories:
        for path in parquet_files(directory):
            name = path.relative_to(directory).as_posix()
            digest.update(f"{name} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                file.seek(-8, os.SEEK_END)
                length = int.from_bytes(file.read(4), "little")
                file.seek(-8 - length, os.SEEK_END)
                digest.update(file.read(length))
    return digest.hexdigest()
