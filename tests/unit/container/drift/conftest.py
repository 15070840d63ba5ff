"""Traffic as it is captured, a baseline that the baseline job makes, and the drift job over both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from container import baseline, paths, reference
from container.drift import job

THRESHOLDS = {
    "psi": 0.2,
    "ks": 0.1,
    "jensen_shannon": 0.1,
    "wasserstein": 0.1,
    "chi_square": 0.1,
    "completeness": 0.05,
    "quality": 0.1,
    "significance": 0.01,
}
KINDS = {
    "area": "float",
    "rooms": "integer",
    "garden": "boolean",
    "kind": "category",
    "day": "date",
}
DOMAIN = ["flat", "house", "hut"]
Columns = dict[str, Any]


def columns(rows: int, seed: int) -> Columns:
    """Features as numbers, without drift."""
    random = np.random.default_rng(seed)
    return {
        "area": random.gamma(4.0, 30.0, rows),
        "rooms": random.integers(1, 9, rows).astype(float),
        "garden": (random.random(rows) < 0.3).astype(float),
        "kind": random.choice(3, rows, p=[0.6, 0.3, 0.1]).astype(float),
        "day": random.integers(16_000, 16_400, rows).astype(float),
    }


def prices(given: Columns, seed: int) -> Any:
    """What the houses cost."""
    noise = np.random.default_rng(seed).normal(0, 25, len(given["area"]))
    return 50 * given["rooms"] + 2 * given["area"] + noise


def records(
    given: Columns, answers: Any = None, per_record: int = 1, start: int = 0
) -> list[dict[str, Any]]:
    """Capture records of CSV requests, NaN as an empty field."""
    matrix = np.stack(list(given.values()), axis=1)
    lines = [",".join("" if np.isnan(v) else f"{v:.9g}" for v in row) for row in matrix.tolist()]
    found = []
    for at in range(0, len(lines), per_record):
        data = {"endpointInput": side("text/csv", "CSV", "\n".join(lines[at : at + per_record]))}
        if answers is not None:
            text = "".join(f"{v:.9g}\n" for v in answers[at : at + per_record])
            data["endpointOutput"] = side("text/csv", "CSV", text)
        found.append(record(f"event-{start + at}", data))
    return found


def side(content_type: str, encoding: str, data: str) -> dict[str, str]:
    return {
        "observedContentType": content_type,
        "mode": "INPUT",
        "encoding": encoding,
        "data": data,
    }


def record(event: str, data: dict[str, Any]) -> dict[str, Any]:
    meta = {"eventId": event, "inferenceTime": "2026-11-22T10:00:00Z"}
    return {"captureData": data, "eventMetadata": meta, "eventVersion": "0"}


@dataclass
class Job:
    """The drift job below one directory."""

    base: Path
    monitor: dict[str, Any] = field(default_factory=dict)

    def input(self, name: str) -> Path:
        path = self.base / "processing" / "input" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def capture(self, found: Iterable[dict[str, Any]], name: str = "10/one.jsonl") -> None:
        path = self.input("captured") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(item) + "\n" for item in found))

    def run(self) -> dict[str, Any]:
        """drift.json."""
        monitor = {"min_samples": 500, "thresholds": THRESHOLDS, **self.monitor}
        spec = {
            "name": "houses",
            "data": {
                "target": "price",
                "features": list(KINDS),
                "columns": {n: {"type": k} for n, k in {**KINDS, "price": "float"}.items()},
            },
            "monitor": monitor,
            "evaluate": {"metric": "rmse"},
        }
        (self.input("code") / "spec.json").write_text(json.dumps(spec))
        if not (self.input("baseline") / "statistics.json").exists():
            baseline.main()
            made = self.base / "processing" / "output" / "baseline"
            for path in made.iterdir():
                path.rename(self.input("baseline") / path.name)
        self.input("captured")
        job.main()
        found: dict[str, Any] = json.loads((self.output / "drift.json").read_text())
        return found

    @property
    def output(self) -> Path:
        return self.base / "processing" / "output" / "drift"

    @property
    def message(self) -> str:
        return (self.base / "output" / "message").read_text()

    def violations(self) -> set[tuple[str, str]]:
        """Column and kind of check of each."""
        found = json.loads((self.output / "constraint_violations.json").read_text())["violations"]
        assert all(
            set(i) == {"feature_name", "constraint_check_type", "description"} for i in found
        )
        return {(item["feature_name"], item["constraint_check_type"]) for item in found}


@pytest.fixture
def drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Job]:
    """Makes a job with a baseline of so many rows, and the evaluation of a good model."""

    def make(rows: int = 6000, **monitor: Any) -> Job:
        monkeypatch.setattr(paths, "BASE", tmp_path)
        made = Job(tmp_path, monitor)
        given = columns(rows, 1)
        table = {name: pa.array(values) for name, values in given.items()}
        table |= {
            "kind": pa.array([DOMAIN[int(k)] for k in given["kind"]]),
            "day": pa.array(given["day"].astype("int32")).cast(pa.date32()),
            "garden": pa.array(given["garden"] == 1),
            "price": pa.array(prices(given, 2)),
        }
        pq.write_table(pa.table(table), made.input("train") / "part-0.parquet")
        held_out = columns(3000, 3)
        answers = 50 * held_out["rooms"] + 2 * held_out["area"]
        reference.write_predictions(made.input("evaluation"), answers, prices(held_out, 4))
        return made

    return make
