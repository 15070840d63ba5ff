"""The task with Polars: one streaming pass from CSV to partitioned Parquet, then statistics and the
key from the Parquet files, which is faster than collecting all of it in one pass over the CSV."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from bench.preprocessing.task import (
    COMPRESSION_LEVEL,
    KEY,
    NUMBERS,
    ROW_GROUP_ROWS,
    SHARES,
    THRESHOLDS,
    TYPES,
    Statistics,
    Summary,
)

POLARS_TYPES = {
    "integer": pl.Int64,
    "float": pl.Float64,
    "boolean": pl.Boolean,
    "string": pl.String,
    "category": pl.String,
    "date": pl.Date,
}


def main(source: Path, output: Path) -> None:
    raw = pl.scan_csv(source, schema={name: POLARS_TYPES[kind] for name, kind in TYPES.items()})
    key_hash = pl.col("id").hash(7)
    split = (
        pl.when(key_hash < pl.lit(THRESHOLDS[0], pl.UInt64))
        .then(pl.lit("train"))
        .when(key_hash < pl.lit(THRESHOLDS[1], pl.UInt64))
        .then(pl.lit("validation"))
        .otherwise(pl.lit("test"))
    )
    raw.with_columns(split=split).sink_parquet(
        pl.PartitionBy(output, key="split", include_key=False),
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        row_group_size=ROW_GROUP_ROWS,
        mkdir=True,
        engine="streaming",
    )
    written = pl.scan_parquet(output / "**/*.parquet", hive_partitioning=False)
    repeated = written.group_by(KEY).len().filter(pl.col("len") > 1).select(pl.len())
    columns = written.select(
        pl.all().count().name.suffix(":count"),
        pl.all().null_count().name.suffix(":nulls"),
        pl.col(NUMBERS).min().name.suffix(":min"),
        pl.col(NUMBERS).max().name.suffix(":max"),
        pl.col(NUMBERS).mean().name.suffix(":mean"),
        pl.col(NUMBERS).std().name.suffix(":stddev"),
    )
    figures, duplicates = pl.collect_all([columns, repeated], engine="streaming")
    statistics: Statistics = {name: {} for name in TYPES}
    for label, value in figures.row(0, named=True).items():
        name, _, key = label.rpartition(":")
        statistics[name][key] = value
    rows = {
        name: pl.scan_parquet(output / f"split={name}/*.parquet").select(pl.len()).collect().item()
        for name in SHARES
    }
    summary = Summary(rows, duplicates.item(), statistics)
    summary.check()
    summary.write(output)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
