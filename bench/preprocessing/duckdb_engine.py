"""The task with DuckDB: the CSV into a table once, then one COPY per split, and statistics and the
key from the table. COPY with PARTITION_BY straight from the CSV took longer and more memory."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from bench.preprocessing.task import (
    COMPRESSION_LEVEL,
    KEY,
    NUMBERS,
    ROW_GROUP_ROWS,
    THRESHOLDS,
    TYPES,
    Statistics,
    Summary,
)

DUCKDB_TYPES = {
    "integer": "BIGINT",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "string": "VARCHAR",
    "category": "VARCHAR",
    "date": "DATE",
}
AGGREGATES = {"min": "min", "max": "max", "mean": "avg", "stddev": "stddev_samp"}


def main(source: Path, output: Path) -> None:
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{output / 'spill'}'")
    types = ", ".join(f"'{name}': '{DUCKDB_TYPES[kind]}'" for name, kind in TYPES.items())
    connection.execute(
        "CREATE TEMP TABLE sales AS SELECT *, hash(id) AS hashed FROM "
        f"read_csv('{source}', header = true, auto_detect = false, columns = {{{types}}})"
    )
    low, high = (f"{threshold}::UBIGINT" for threshold in THRESHOLDS)
    rows = {}
    for split, condition in {
        "train": f"hashed < {low}",
        "validation": f"hashed >= {low} AND hashed < {high}",
        "test": f"hashed >= {high}",
    }.items():
        (output / split).mkdir()
        (rows[split],) = _first(
            connection,
            f"COPY (SELECT * EXCLUDE hashed FROM sales WHERE {condition}) "
            f"TO '{output / split / 'part.parquet'}' (FORMAT parquet, COMPRESSION zstd, "
            f"COMPRESSION_LEVEL {COMPRESSION_LEVEL}, ROW_GROUP_SIZE {ROW_GROUP_ROWS}, "
            "PARQUET_VERSION v2)",
        )
    figures = {("id", "rows"): "count(*)"}
    figures |= {(name, "count"): f"count({name})" for name in TYPES}
    figures |= {
        (name, key): f"{function}({name})"
        for name in NUMBERS
        for key, function in AGGREGATES.items()
    }
    found = dict(
        zip(
            figures,
            _first(connection, f"SELECT {', '.join(figures.values())} FROM sales"),
            strict=True,
        )
    )
    total = found.pop(("id", "rows"))
    statistics: Statistics = {name: {} for name in TYPES}
    for (name, key), value in found.items():
        statistics[name][key] = value
    for entry in statistics.values():
        entry["nulls"] = total - entry["count"]
    (duplicates,) = _first(
        connection,
        f"SELECT count(*) FROM (SELECT 1 FROM sales GROUP BY {', '.join(KEY)} HAVING count(*) > 1)",
    )
    summary = Summary(rows, int(duplicates), statistics)
    summary.check()
    summary.write(output)


def _first(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] | None = connection.execute(query).fetchone()
    assert row is not None
    return row


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
