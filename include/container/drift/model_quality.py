"""Model quality as Model Monitor has it: metrics with their deviations, thresholds, and which were crossed.

Developer guide, "Model Quality Metrics": of those, ours are the ones below.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from container import metrics
from container.drift import answers, records
from container.drift import suggest as datasets

RESAMPLES = 50
ROWS = 20_000
"""Rows that are resampled for a metric's deviation."""
HIGHER = frozenset({"r2", "accuracy", "recall", "precision", "f1", "auc"})
FAMILIES = {
    "Regression": "regression",
    "BinaryClassification": "binary_classification",
    "MulticlassClassification": "multiclass_classification",
}


def suggest(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Statistics of a data set of predictions and labels, and each metric's value as its threshold."""
    table = datasets.read(environ)
    named = environ.get("probability_attribute") or environ["inference_attribute"]
    predicted = table[named].to_numpy().astype(np.float64)
    labels = table[environ["ground_truth_attribute"]].to_numpy().astype(np.float64)
    statistics, family = _statistics(environ, predicted, labels)
    thresholds = {
        name: {
            "threshold": found["value"],
            "comparison_operator": "LessThanThreshold"
            if name in HIGHER
            else "GreaterThanThreshold",
        }
        for name, found in statistics[f"{family}_metrics"].items()
    }
    return statistics, {"version": 0.0, f"{family}_constraints": thresholds}


def compare(
    environ: Mapping[str, str], expected: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]:
    """Statistics of merged records, the constraints as they are, and the thresholds that were crossed.

    Raises:
        ValueError: no record has both a prediction and a label.
    """
    predicted, labels = merged(environ)
    statistics, family = _statistics(environ, predicted, labels)
    found, broken = statistics[f"{family}_metrics"], []
    for name, limit in expected[f"{family}_constraints"].items():
        if name not in found:
            continue
        value, operator = found[name]["value"], limit["comparison_operator"]
        below = operator == "LessThanThreshold"
        if value < limit["threshold"] if below else value > limit["threshold"]:
            deviation = found[name]["standard_deviation"]
            text = f"Metric {name} with {value:g} +/- {deviation:g} was {operator} '{limit['threshold']:g}'"
            broken.append(
                {"metric_name": name, "constraint_check_type": operator, "description": text}
            )
    return statistics, expected, broken


def merged(environ: Mapping[str, str]) -> tuple[Any, Any]:
    """Predictions and labels, ``(n,)`` float64 each, of the records of the time in question."""
    predicted: list[float] = []
    labels: list[float] = []
    start, end = environ.get("start_time", ""), environ.get("end_time", "~")
    for path in sorted(Path(environ["dataset_source"]).rglob("*.jsonl")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in filter(str.strip, lines):
                record = records.parse(line)
                if record.problem or not record.answered or not start <= record.at < end:
                    continue
                given = str(json.loads(line)["groundTruthData"]["data"]).split("\n")
                truth = [float(value) for value in given if value.strip()]
                said = answers.predictions(record)
                if len(said) == len(truth):
                    predicted.extend(said.tolist())
                    labels.extend(truth)
    if not labels:
        raise ValueError("no captured record has both a prediction and its ground truth")
    return np.array(predicted), np.array(labels)


def _statistics(
    environ: Mapping[str, str], predicted: Any, labels: Any
) -> tuple[dict[str, Any], str]:
    """statistics.json, and the family of metrics in it."""
    problem = environ["problem_type"]
    if problem not in FAMILIES:
        raise ValueError(f"problem_type is {problem!r}; allowed: {', '.join(FAMILIES)}")
    threshold = float(environ.get("probability_threshold_attribute", 0.5))
    measure: Callable[[Any, Any], dict[str, float]] = {
        "Regression": _regression,
        "BinaryClassification": lambda p, y: _binary(p, y, threshold),
        "MulticlassClassification": lambda p, y: {"accuracy": float(np.mean(p == y))},
    }[problem]
    random, values = np.random.default_rng(0), measure(predicted, labels)
    again: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(labels), min(len(labels), ROWS))
        for name, value in measure(predicted[rows], labels[rows]).items():
            again.setdefault(name, []).append(value)
    found = {
        name: {
            "value": value,
            "standard_deviation": float(np.std(again[name])) if again[name] else 0.0,
        }
        for name, value in values.items()
    }
    family = FAMILIES[problem]
    document = {
        "version": 0.0,
        "dataset": {
            "item_count": len(labels),
            "start_time": environ.get("start_time"),
            "end_time": environ.get("end_time"),
        },
        f"{family}_metrics": found,
    }
    return document, family


def _regression(predicted: Any, labels: Any) -> dict[str, float]:
    found = metrics.compute("rmse", labels, predicted)
    wanted = {"mae": found["mae"], "mse": found["rmse"] ** 2, "rmse": found["rmse"]}
    return wanted | ({"r2": found["r2"]} if "r2" in found else {})


def _binary(predicted: Any, labels: Any, threshold: float) -> dict[str, float]:
    said, true = predicted >= threshold, labels == 1
    hits = float((said & true).sum())
    found = {"accuracy": float(np.mean(said == true))}
    if said.any():
        found["precision"] = hits / float(said.sum())
    if true.any():
        found["recall"] = hits / float(true.sum())
    if hits:
        found["f1"] = 2 * hits / float(said.sum() + true.sum())
    if true.any() and not true.all():
        found["auc"] = metrics.compute("auc", labels, predicted)["auc"]
    return found
