"""Predictions of a model through its own handlers, as an endpoint would make them.

As a program it scores a model with the code that was published with that model, in a process of
its own, so that a champion's older code never mixes with the challenger's::

    python scoring.py <code directory> <model directory> <test directory> <output .npy>
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np


class Scorer:
    """The ``inference`` module found on ``sys.path`` around the model in ``model_dir``."""

    def __init__(self, model_dir: Path) -> None:
        from container.features import FeatureSchema

        self._handlers: Any = importlib.import_module("inference")
        self.model: Any = self._handlers.model_fn(str(model_dir))
        self.schema = FeatureSchema.load(model_dir)

    def predict(self, rows: Any) -> Any:
        """``(rows, features)`` float32 -> predictions, ``(rows,)`` or ``(rows, classes)``."""
        return self._handlers.predict_fn(rows, self.model)

    def score(self, test: Path) -> Any:
        """Predictions for every row of a split, in its order."""
        from container.splits import row_groups

        tables = row_groups(test, self.schema.features)
        return np.concatenate([self.predict(self.schema.matrix(table)) for table in tables])


def main(code: str, model_dir: str, test: str, output: str) -> None:
    sys.path[0] = code
    np.save(output, Scorer(Path(model_dir)).score(Path(test)))


if __name__ == "__main__":
    main(*sys.argv[1:])
