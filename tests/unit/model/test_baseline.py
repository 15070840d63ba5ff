"""The drift baseline against numpy, and the sketch against the values it stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from container.kll import K, Sketch

from .conftest import SPEC, Job


@pytest.fixture
def documents(job: Job) -> tuple[dict[str, Any], dict[str, Any]]:
    inputs = job.base / "processing" / "input"
    job.stage_code(inputs / "code")
    (inputs / "train").symlink_to(job.splits / "train")
    finished = job.process("baseline")
    assert finished.returncode == 0, finished.stderr
    output = job.base / "processing" / "output" / "baseline"
    statistics = json.loads((output / "statistics.json").read_text())
    return statistics, json.loads((output / "constraints.json").read_text())


def test_statistics_agree_with_numpy(
    documents: tuple[dict[str, Any], dict[str, Any]], splits: Path
) -> None:
    statistics, _ = documents
    table = pq.read_table(splits / "train")
    assert statistics["dataset"]["item_count"] == 3000
    names = [feature["name"] for feature in statistics["features"]]
    assert names == ["price", *SPEC["data"]["features"]]
    features = {feature["name"]: feature for feature in statistics["features"]}
    for name in ("price", "rooms", "area", "day"):
        column = table[name].cast("int32") if name == "day" else table[name]
        values = column.drop_null().to_numpy().astype(float)
        found = features[name]["numerical_statistics"]
        assert found["common"] == {
            "num_present": len(values),
            "num_missing": 3000 - len(values),
        }
        assert found["mean"] == pytest.approx(values.mean())
        assert found["sum"] == pytest.approx(values.sum())
        assert found["std_dev"] == pytest.approx(values.std())
        assert (found["min"], found["max"]) == (values.min(), values.max())
        buckets = found["distribution"]["kll"]["buckets"]
        counts, edges = np.histogram(values, bins=10)
        assert [bucket["count"] for bucket in buckets] == counts.tolist()
        assert [bucket["lower_bound"] for bucket in buckets] == pytest.approx(edges[:-1].tolist())
        assert [bucket["upper_bound"] for bucket in buckets] == pytest.approx(edges[1:].tolist())


def test_categories_are_counted_by_value(
    documents: tuple[dict[str, Any], dict[str, Any]], splits: Path
) -> None:
    statistics, constraints = documents
    kind = next(f for f in statistics["features"] if f["name"] == "kind")
    column = pq.read_table(splits / "train", columns=["kind"])["kind"].cast("string")
    expected = {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}
    found = kind["string_statistics"]
    buckets = found["distribution"]["categorical"]["buckets"]
    assert {bucket["value"]: bucket["count"] for bucket in buckets} == expected
    assert found["distinct_count"] == 4
    constraint = next(f for f in constraints["features"] if f["name"] == "kind")
    assert constraint["string_constraints"]["domains"] == sorted(expected)


def test_constraints(documents: tuple[dict[str, Any], dict[str, Any]], splits: Path) -> None:
    _, constraints = documents
    table = pq.read_table(splits / "train")
    features = {feature["name"]: feature for feature in constraints["features"]}
    types = {name: feature["inferred_type"] for name, feature in features.items()}
    assert types == {
        "price": "Fractional",
        "day": "Integral",
        "rooms": "Integral",
        "area": "Fractional",
        "garden": "Integral",
        "kind": "String",
        "seen": "Fractional",
    }
    assert features["rooms"]["completeness"] == pytest.approx(1 - table["rooms"].null_count / 3000)
    for name in ("price", "area"):
        expected = pc.min(table[name]).as_py() >= 0
        assert features[name]["num_constraints"]["is_non_negative"] is expected
    assert constraints["monitoring_config"]["evaluate_constraints"] == "Enabled"


def test_a_small_sketch_is_exact() -> None:
    values = np.random.default_rng(1).normal(size=K)
    sketch = Sketch()
    sketch.update(values)
    assert sorted(sketch.levels[0]) == sorted(values)
    assert sketch.quantile(0.5) == np.sort(values)[K // 2 - 1]


def test_a_large_sketch_is_small_and_close() -> None:
    random = np.random.default_rng(2)
    values = random.lognormal(size=300_000)
    sketch = Sketch()
    for chunk in np.array_split(values, 37):
        sketch.update(chunk)
    assert sum(len(level) for level in sketch.levels) < 4 * K
    assert sum(len(level) * 2**i for i, level in enumerate(sketch.levels)) == len(values)
    shares = np.linspace(0.01, 0.99, 99)
    reached = np.searchsorted(np.sort(values), sketch.quantile(shares)) / len(values)
    assert np.abs(reached - shares).max() < 0.005
