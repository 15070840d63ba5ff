"""Small data sets of house sales, and a place to preprocess them in."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from container.preprocess.job import preprocess
from container.preprocess.run import Places

Spec = dict[str, Any]

COLUMNS: dict[str, dict[str, Any]] = {
    "id": {"type": "string"},
    "date": {"type": "date"},
    "price": {"type": "float", "min": 1000, "max": 1e8},
    "bedrooms": {"type": "integer", "min": 0, "max": 40},
    "waterfront": {"type": "boolean"},
    "grade": {"type": "category", "values": ["a", "b", "c"]},
    "seen": {"type": "datetime"},
}
HEADER = ",".join(COLUMNS)


def row(number: int, **changed: object) -> str:
    """The CSV row of sale ``number``, with some of its values changed."""
    values: dict[str, object] = {
        "id": f"h{number}",
        "date": f"2014-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "price": 100_000 + number,
        "bedrooms": number % 6,
        "waterfront": ("true", "false")[number % 2],
        "grade": "abc"[number % 3],
        "seen": f"2015-01-01T00:{number % 60:02d}:00",
    }
    return ",".join(str(value) for value in (values | changed).values())


def rows(count: int, start: int = 0) -> list[str]:
    return [row(number) for number in range(start, start + count)]


def table(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    """A CSV file of these rows below the header."""
    return end.join((header, *lines, "")).encode()


@dataclass
class Lab:
    """A place to run preprocessing in; ``spec`` may be changed before."""

    root: Path
    spec: Spec
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def places(self) -> Places:
        return Places(*(self.root / name for name in ("raw", "dataset", "quarantine", "scratch")))

    def put(self, name: str, content: bytes) -> None:
        path = self.places.raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)

    def run(self, content: bytes | None = None, **options: Any) -> dict[str, Any]:
        """Preprocess ``content`` as sales.csv, or what was put before; returns the manifest."""
        if content is not None:
            self.put("sales.csv", content)
        self.manifest = preprocess(self.spec, self.places, "f1", **options)
        return self.manifest

    def written(self, split: str | None = None) -> pa.Table:
        """The rows of one split, or of all."""
        paths = sorted(self.places.dataset.glob(f"{split or '*'}/*.parquet"))
        return pa.concat_tables([pq.read_table(path) for path in paths]).unify_dictionaries()

    def ids(self, split: str | None = None) -> list[str]:
        return sorted(self.written(split)["id"].to_pylist())

    def quarantined(self) -> list[dict[str, str]]:
        with (self.places.quarantine / "quarantine.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    def faults(self) -> list[tuple[str, int, str]]:
        """What was quarantined: file, row, reason."""
        return [(bad["file"], int(bad["row"]), bad["reason"]) for bad in self.quarantined()]

    def content(self) -> dict[str, bytes]:
        """The bytes of every file of the data set, apart from the manifest."""
        return {
            path.relative_to(self.places.dataset).as_posix(): path.read_bytes()
            for path in sorted(self.places.dataset.rglob("*.parquet"))
        }


def example_spec() -> Spec:
    spec: Spec = {
        "name": "sales",
        "data": {
            "delimiter": ",",
            "target": "price",
            "key": ["id", "date"],
            "split": {
                "by": ["id"],
                "train": 0.7,
                "validation": 0.15,
                "test": 0.15,
                "salt": "house-prices",
            },
            "columns": COLUMNS,
            "features": ["date", "bedrooms", "waterfront", "grade", "seen"],
            "max_bad_rows": 1.0,
        },
        "preprocess": {"row_group_rows": 131072, "compression_level": 3, "script": None},
    }
    copied: Spec = json.loads(json.dumps(spec))
    return copied
