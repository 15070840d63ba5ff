"""A network's training that is interrupted ends with the weights of one that is not, bit for bit."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from container import metrics, networks, scaled_network
from container.checkpoint import Checkpoints
from container.features import FeatureSchema
from container.network_training import loss_of

from .conftest import NetworkJob


def test_an_interrupted_training_ends_with_the_same_weights(
    trained: NetworkJob, job: NetworkJob
) -> None:
    """Dropout, Adam's moments, the order of the rows and the best epoch all go on; a step is 600 of 3,000 rows."""
    points = [3, 23, 25, 61, 98]
    for at, signum in zip(points, [signal.SIGKILL, signal.SIGTERM] * 3, strict=False):
        job.interrupt(at, signum)
    assert job.train() == 0, job.log

    assert trained.weights.keys() == job.weights.keys()
    assert all(torch.equal(value, job.weights[name]) for name, value in trained.weights.items())
    assert job.network == trained.network
    for figure in ("rounds", "best_epoch", "best_score"):
        assert job.report[figure] == trained.report[figure]
    assert job.report["resumed_at"] == [2, 23, 24, 61, 97]
    assert job.report["rounds_repeated"] == 3
    assert trained.report["best_score"] < 60


def test_the_archive_serves_itself(trained: NetworkJob) -> None:
    """AWS's PyTorch image takes code from the model's archive alone."""
    code = trained.base / "model" / "code"
    assert {"inference.py", "network.py"} <= {path.name for path in code.iterdir()}
    assert (code / "container" / "scaled_network.py").exists()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["--hiden", '"64"'], "network.build refused hyperparameters \\['hiden'\\]"),
        (["--loss", "hinge"], "hyperparameter loss is 'hinge'; allowed: squared_error"),
        (["--epochs", "0"], "hyperparameter epochs is 0; allowed: a number like 30, from 1 on"),
        (["--epochs"], "expected --name value pairs"),
    ],
)
def test_a_wrong_hyperparameter_stops_before_training(
    given: list[str], problem: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(repository / "include/models/house-prices-network"))
    with pytest.raises(ValueError, match=problem):
        make_network(given)


def make_network(given: list[str]) -> None:
    made = networks.read_hyperparameters(given)
    others = {name: value for name, value in made.items() if name not in networks.OWN}
    scaled_network.make(
        {"features": 3, "outputs": 1, "loss": made["loss"], "hyperparameters": others}
    )


@pytest.mark.parametrize(
    ("loss", "labels", "problem"),
    [
        ("logistic", [0.0, 1.0, 2.0], "'logistic', but the target is 2 .*; allowed: 0 and 1"),
        ("softmax", [0.0, 2.0, 1.5], "the target is 1.5 in the training split; allowed: whole"),
        ("softmax", [0.0, -1.0], "the target is -1 "),
    ],
)
def test_what_is_no_class_stops_before_training(
    loss: str, labels: list[float], problem: str, tmp_path: Path
) -> None:
    values = pa.array(labels * 4)
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        pq.write_table(pa.table({"a": values, "y": values}), tmp_path / split / "part.parquet")
    schema = FeatureSchema(["a"], "y", {"a": "float", "y": "float"}, {})
    given = networks.read_hyperparameters(["--loss", loss])
    checkpoints = Checkpoints(tmp_path / "checkpoints", {}, 60)
    with pytest.raises(ValueError, match=problem):
        networks.fit(
            given, schema, "accuracy", tmp_path / "train", tmp_path / "validation", checkpoints
        )


@pytest.mark.parametrize("loss", ["logistic", "softmax"])
def test_classes_are_told_apart(loss: str) -> None:
    """Probabilities come out; a missing feature counts as the mean."""
    random = np.random.default_rng(0)
    rows = torch.from_numpy(random.normal(5, 3, (800, 2)).astype(np.float32))
    labels = (rows[:, 0] > 5).float()
    network = scaled_network.ScaledNetwork(
        torch.nn.Linear(2, 1 if loss == "logistic" else 2), 2, loss
    )
    network.learn_scales(rows, labels)
    error = loss_of(loss, network)
    optimiser = torch.optim.AdamW(network.body.parameters(), lr=0.1)
    for _ in range(100):
        optimiser.zero_grad()
        error(network.margins(rows), labels).backward()
        optimiser.step()
    predicted = scaled_network.predict(network, rows)
    assert metrics.compute("accuracy", labels.numpy(), predicted)["accuracy"] > 0.95
    gap = scaled_network.predict(network, torch.tensor([[float("nan"), 5.0]]))
    assert np.abs(gap - 0.5).max() < 0.2
