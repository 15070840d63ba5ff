"""Trains one small booster per objective, in the XGBoost image; run as a program.

    python models.py <directory> [objective ...]

Leaves ``<objective>/`` (``:`` written ``-``) with ``xgboost-model`` (UBJSON), ``model.json``,
``rows.npy``, ``predictions.npy`` and, where Neo's form can hold it, ``model.tar.gz``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from container import neo_export

FEATURES = 6


def rows(count: int = 800) -> Any:
    """Seeded rows (count, 6) float32 with a tenth of the values missing."""
    random = np.random.default_rng(7)
    values = random.normal(size=(count, FEATURES)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    return values


def labels(objective: str, signal: Any) -> Any:
    """Labels that the objective accepts."""
    if objective.startswith("multi:"):
        return np.digitize(signal, [-1, 1])
    if objective.startswith(("binary:", "rank:")) or objective == "reg:logistic":
        return (signal > 0).astype(int)
    if objective in ("reg:gamma", "reg:tweedie", "count:poisson"):
        return np.floor(np.exp(signal / 3)) + 1
    return np.abs(signal)


def train(objective: str, data: Any, **parameters: Any) -> xgb.Booster:
    """Twenty pruned trees of depth 5."""
    matrix = xgb.DMatrix(data, labels(objective, np.nansum(data, axis=1)))
    if objective.startswith("rank:"):
        matrix.set_group([100] * (len(data) // 100))
    if objective.startswith("multi:"):
        parameters["num_class"] = 3
    parameters = {"objective": objective, "max_depth": 5, "gamma": 0.5, "nthread": 1} | parameters
    return xgb.train(parameters, matrix, 20)


def main(directory: Path, objectives: list[str]) -> None:
    """Train and export each objective."""
    data = rows()
    for objective in objectives:
        target = directory / objective.replace(":", "-")
        target.mkdir(parents=True)
        booster = train(objective, data)
        booster.save_model(target / "model.ubj")
        (target / "model.ubj").rename(target / "xgboost-model")
        booster.save_model(target / "model.json")
        np.save(target / "rows.npy", data)
        np.save(target / "predictions.npy", booster.predict(xgb.DMatrix(data)))
        neo_export.export(booster, target / "model.tar.gz")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
