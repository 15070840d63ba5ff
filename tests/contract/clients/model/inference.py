"""Script-mode serving: how far each number, one a line, is above the mean."""

from __future__ import annotations

import json
from pathlib import Path


def model_fn(model_dir: str) -> float:
    mean: float = json.loads(Path(model_dir, "mean.json").read_text())
    return mean


def input_fn(data: str, content_type: str) -> list[float]:
    return [float(line) for line in data.split()]


def predict_fn(numbers: list[float], mean: float) -> list[float]:
    return [number - mean for number in numbers]


def output_fn(differences: list[float], accept: str) -> str:
    return "\n".join(str(difference) for difference in differences)
