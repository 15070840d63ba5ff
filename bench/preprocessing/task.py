"""What every engine has to do, and how its work is compared.

Convert the CSV's 21 columns to the given types; fail if a required value is missing, a value is out
of its bounds, or two rows have the same key; send each row to train, validation or test by a hash
of its id; write zstd Parquet (level 3, row groups of at most 131,072 rows) per split; compute each
column's count, nulls, and for numbers minimum, maximum, mean and standard deviation.

An engine is a program with two arguments, the CSV file and the output directory; it leaves
summary.json there (:class:`Summary`'s fields) beside one directory or file per split.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

TYPES = {
    "id": "string",
    "date": "date",
    "price": "float",
    "bedrooms": "integer",
    "bathrooms": "float",
    "sqft_living": "integer",
    "sqft_lot": "integer",
    "floors": "float",
    "waterfront": "boolean",
    "view": "category",
    "condition": "category",
    "grade": "integer",
    "sqft_above": "integer",
    "sqft_basement": "integer",
    "yr_built": "integer",
    "yr_renovated": "integer",
    "zipcode": "category",
    "lat": "float",
    "long": "float",
    "sqft_living15": "integer",
    "sqft_lot15": "integer",
}
NUMBERS = [name for name, kind in TYPES.items() if kind in ("integer", "float")]
REQUIRED = ["id", "date", "price"]
BOUNDS: dict[str, tuple[float, float]] = {
    "price": (1000, 1e8),
    "bedrooms": (0, 40),
    "sqft_living": (1, 1e6),
    "yr_built": (1800, 2100),
}
KEY = ["id", "date"]
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
THRESHOLDS = (7 * 2**64 // 10, 85 * 2**64 // 100)
ROW_GROUP_ROWS = 131_072
COMPRESSION_LEVEL = 3

Statistics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Summary:
    """What an engine reports: rows per split, rows with a key that another row has too, and per
    column count and nulls, for numbers also min, max, mean and stddev."""

    rows: dict[str, int]
    duplicates: int
    statistics: Statistics

    def write(self, output: Path) -> None:
        (output / "summary.json").write_text(json.dumps(asdict(self)))

    def check(self) -> None:
        """Raise if the data break a rule; this is part of the work that is measured."""
        for name in REQUIRED:
            if self.statistics[name]["nulls"]:
                raise SystemExit(f"{name} has missing values")
        for name, (low, high) in BOUNDS.items():
            found = self.statistics[name]
            if found["min"] < low or found["max"] > high:
                raise SystemExit(f"{name} is out of bounds")
        if self.duplicates:
            raise SystemExit(f"{self.duplicates} keys are not unique")


def differences(one: Summary, other: Summary) -> list[str]:
    """Where two engines disagree about the same data; splits differ, as each has its own hash."""
    found = []
    if sum(one.rows.values()) != sum(other.rows.values()):
        found.append(f"rows: {one.rows} and {other.rows}")
    for name, expected in one.statistics.items():
        for key, value in expected.items():
            given = other.statistics[name][key]
            if abs(given - value) > 1e-9 * max(1, abs(value)):
                found.append(f"{key} of {name}: {value} and {given}")
    return found


def specification() -> dict[str, object]:
    """The same task as Frugal's spec.json."""
    columns = {
        name: {
            "type": kind,
            "required": name in REQUIRED,
            "min": BOUNDS.get(name, (None, None))[0],
            "max": BOUNDS.get(name, (None, None))[1],
        }
        for name, kind in TYPES.items()
    }
    return {
        "name": "house-prices",
        "data": {
            "format": "csv",
            "delimiter": ",",
            "target": "price",
            "key": KEY,
            "split": {"by": ["id"], **SHARES, "salt": "house-prices"},
            "columns": columns,
            "features": [name for name in TYPES if name not in ("id", "price")],
            "max_bad_rows": 0.01,
        },
        "preprocess": {
            "row_group_rows": ROW_GROUP_ROWS,
            "compression_level": COMPRESSION_LEVEL,
            "script": None,
        },
    }
