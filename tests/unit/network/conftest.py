"""Trainings of the example network on the small dataset of tests/unit/model."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.model.conftest import SPEC, Job, splits

__all__ = ["splits"]

HYPERPARAMETERS: dict[str, Any] = {
    "epochs": 20,
    "batch_rows": 600,
    "early_stopping_epochs": 15,
    "learning_rate": 0.03,
    "hidden": '"32,16"',
    "dropout": 0.1,
    "threads": 1,
    "checkpoint_seconds": 0,
}


class NetworkJob(Job):
    """A job of the PyTorch image."""

    def stage_code(self, directory: Path, spec: Any = None) -> Path:
        chosen = copy.deepcopy(spec or SPEC) | {"train": {"framework": "pytorch"}}
        chosen["compile"] = {"backend": "none"} | (spec or {}).get("compile", {})
        return super().stage_code(directory, chosen)

    @property
    def weights(self) -> dict[str, Any]:
        found: dict[str, Any] = torch.load(self.base / "model" / "model.pt", weights_only=True)
        return found

    @property
    def network(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.base / "model" / "network.json").read_text())
        return found


def make(base: Path, splits: Path, repository: Path) -> NetworkJob:
    base.mkdir(parents=True, exist_ok=True)
    return NetworkJob(
        base, splits, repository, dict(HYPERPARAMETERS), example="house-prices-network"
    )


@pytest.fixture
def job(tmp_path: Path, splits: Path, repository: Path) -> NetworkJob:
    return make(tmp_path / "job", splits, repository)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, splits: Path, repository: Path) -> NetworkJob:
    """A training that nothing interrupted."""
    whole = make(tmp_path_factory.mktemp("uninterrupted"), splits, repository)
    assert whole.train() == 0, whole.log
    return whole
