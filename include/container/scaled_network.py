# ruff: noqa: UP006, UP035 - loaded by Neo's versions of PyTorch too: Python 3.8 and PyTorch 1.9
"""A network between the numbers of a table and those of its target, and its files.

The model's own ``network.py`` gives the part that learns::

    def build(features: int, outputs: int, **hyperparameters) -> torch.nn.Module

A model directory holds ``model.pt`` (the state_dict) and ``network.json`` (what `build` is called with, and
the loss). Needs PyTorch alone.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Dict

import torch

WEIGHTS_FILE, NETWORK_FILE = "model.pt", "network.json"
LOSSES = ("squared_error", "logistic", "softmax")


class ScaledNetwork(torch.nn.Module):  # type: ignore[misc, unused-ignore] # typed only where PyTorch is
    """``body`` on standardised features; its answers in the target's unit, or as probabilities.

    A missing feature (NaN) is the training split's mean. Where that split had one value only, so has the network.
    """

    def __init__(self, body: torch.nn.Module, features: int, loss: str) -> None:
        super().__init__()
        if loss not in LOSSES:
            raise ValueError(f"hyperparameter loss is {loss!r}; allowed: {', '.join(LOSSES)}")
        self.body, self.loss = body, loss
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.register_buffer("target", torch.tensor([0.0, 1.0]))

    def learn_scales(self, rows: Any, labels: Any) -> None:
        """Mean and standard deviation of features ``(rows, features)`` and, for a number, of ``labels``."""
        known = ~torch.isnan(rows)
        count = known.sum(dim=0).clamp(min=1)
        filled = torch.where(known, rows, torch.zeros(())).double()
        mean = filled.sum(dim=0) / count
        apart = torch.where(known, filled - mean, torch.zeros((), dtype=torch.float64))
        spread = torch.sqrt((apart**2).sum(dim=0) / count)
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 0, spread, torch.ones((), dtype=torch.float64)))
        if self.loss == "squared_error":
            deviation = float(labels.double().std(unbiased=False))
            self.target.copy_(torch.tensor([float(labels.double().mean()), deviation or 1.0]))

    def margins(self, rows: Any) -> Any:
        """``(rows, features)`` -> what ``body`` gives, ``(rows, outputs)``."""
        scaled = (rows - self.mean) / self.spread
        return self.body(torch.where(torch.isnan(scaled), torch.zeros_like(scaled), scaled))

    def forward(self, rows: Any) -> Any:
        """``(rows, features)`` float32 -> predictions ``(rows, outputs)`` float32."""
        margins = self.margins(rows)
        if self.loss == "logistic":
            return torch.sigmoid(margins)
        if self.loss == "softmax":
            return torch.softmax(margins, dim=1)
        return margins * self.target[1] + self.target[0]


def make(architecture: Dict[str, Any]) -> ScaledNetwork:
    """The untrained network of ``network.json``: {"features", "outputs", "loss", "hyperparameters"}.

    Raises:
        ValueError: ``network.build`` does not take the hyperparameters.
    """
    build = importlib.import_module("network").build
    features, given = architecture["features"], architecture["hyperparameters"]
    try:
        body = build(features, architecture["outputs"], **given)
    except TypeError as error:
        raise ValueError(
            f"network.build refused hyperparameters {sorted(given)}: {error}"
        ) from error
    return ScaledNetwork(body, features, architecture["loss"])


def save(network: ScaledNetwork, architecture: Dict[str, Any], model_dir: Path) -> None:
    """Leave both files in ``model_dir``."""
    model_dir.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), str(model_dir / WEIGHTS_FILE))
    (model_dir / NETWORK_FILE).write_text(json.dumps(architecture, indent=2) + "\n")


def load(model_dir: Path) -> ScaledNetwork:
    """The trained network, ready to predict. ``network.py`` has to be on ``sys.path``."""
    network = make(json.loads((model_dir / NETWORK_FILE).read_text()))
    weights = str(model_dir / WEIGHTS_FILE)
    old = torch.__version__.startswith("1.")
    network.load_state_dict(torch.load(weights) if old else torch.load(weights, weights_only=True))
    network.eval()
    return network


def predict(network: Any, rows: Any) -> Any:
    """``(rows, features)`` array or tensor -> ``(rows,)`` float32, or ``(rows, classes)`` probabilities."""
    with torch.no_grad():
        found = network(torch.as_tensor(rows, dtype=torch.float32)).numpy()
    return found[:, 0] if found.shape[1] == 1 else found
