"""Write a CSV file of made-up house sales, shaped like King County's: 21 columns, about 109 bytes a
row, one house in a hundred sold twice.

    python -m bench.preprocessing.sales FILE GIGABYTES [BAD]

BAD is the share of rows made bad, half of them with a word for a number and half with the key of
an earlier row, evenly spread.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

ROWS_AT_ONCE = 250_000
PRIME = 9_999_999_967


def sales(random: np.random.Generator, start: int, rows: int) -> pa.Table:
    """Rows ``start`` to ``start + rows`` of the endless list of sales."""
    number = np.arange(start, start + rows, dtype=np.int64)
    resold = number % 100 == 99
    house = (number - resold) * 2_654_435_761 % PRIME
    day = random.integers(0, 195, rows) + 195 * resold
    living = np.round(np.exp(random.normal(7.55, 0.42, rows)) / 10).astype(np.int64) * 10
    above = (living * random.choice([1, 0.8, 0.6, 0.5], rows, p=[0.6, 0.15, 0.15, 0.1])).astype(
        np.int64
    )
    lot = np.round(np.exp(random.normal(9, 0.9, rows))).astype(np.int64)
    renovated = random.random(rows) < 0.04
    return pa.table(
        {
            "id": pc.utf8_lpad(pa.array(house).cast(pa.string()), 10, "0"),
            "date": pa.array(np.datetime64("2014-05-02", "D") + day),
            "price": np.round(np.exp(random.normal(13.05, 0.5, rows)) / 50) * 50,
            "bedrooms": random.integers(0, 8, rows),
            "bathrooms": random.integers(2, 20, rows) / 4,
            "sqft_living": living,
            "sqft_lot": lot,
            "floors": random.choice([1, 1.5, 2, 2.5, 3], rows),
            "waterfront": random.random(rows) < 0.008,
            "view": random.choice(5, rows, p=[0.9, 0.02, 0.04, 0.02, 0.02]),
            "condition": random.integers(1, 6, rows),
            "grade": np.clip(np.round(random.normal(7.6, 1.2, rows)), 1, 13).astype(np.int64),
            "sqft_above": above,
            "sqft_basement": living - above,
            "yr_built": random.integers(1900, 2016, rows),
            "yr_renovated": np.where(renovated, random.integers(1934, 2016, rows), 0),
            "zipcode": random.integers(98_001, 98_200, rows),
            "lat": np.round(random.normal(47.56, 0.139, rows), 4),
            "long": np.round(random.normal(-122.21, 0.14, rows), 3),
            "sqft_living15": np.round(living * random.uniform(0.7, 1.3, rows) / 10).astype(np.int64)
            * 10,
            "sqft_lot15": np.round(lot * random.uniform(0.7, 1.3, rows)).astype(np.int64),
        }
    )


def spoil(table: pa.Table, bad: float) -> pa.Table:
    """Make a share of the rows bad."""
    every = round(2 / bad)
    at = np.arange(table.num_rows)
    source = np.where(at % every == every - 1, at - 1, at)
    copied = table.take(pa.array(source))
    floors = copied.column("floors").cast(pa.string())
    words = pc.if_else(pa.array(at % every == every // 2), "many", floors)
    return copied.set_column(copied.column_names.index("floors"), "floors", words)


def write(path: Path, size: float, bad: float = 0) -> int:
    """Write at least ``size`` bytes; returns the number of rows."""
    random = np.random.default_rng(7)
    rows = 0
    with path.open("wb") as file:
        while file.tell() < size:
            table = sales(random, rows, ROWS_AT_ONCE)
            pa_csv.write_csv(
                spoil(table, bad) if bad else table,
                file,
                pa_csv.WriteOptions(include_header=not rows, quoting_style="none"),
            )
            rows += ROWS_AT_ONCE
    return rows


if __name__ == "__main__":
    write(Path(sys.argv[1]), float(sys.argv[2]) * 1e9, float((sys.argv[3:] or ["0"])[0]))
