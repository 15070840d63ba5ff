"""Neural networks that may be interrupted at any step and still end with the same weights.

What a step computes depends on the weights, Adam's moments, the order of the rows and the random numbers that
dropout draws. A checkpoint holds the first two and the generator's state; the order of an epoch follows from the
seed and the epoch's number alone. Sums are split between threads, so the number of threads is part of the result:
the first attempt decides it and the checkpoint keeps it. The rows are in memory, four bytes a value.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from container import scaled_network
from container.checkpoint import Attempts, Checkpoints, sigterm
from container.features import FeatureSchema
from container.hyperparameters import read_pairs
from container.network_training import Attempt, Progress
from container.paths import code_dir
from container.splits import row_groups

RUNTIME = f"torch {torch.__version__}"

OWN: dict[str, Any] = {
    "loss": "squared_error",
    "epochs": 30,
    "batch_rows": 256,
    "learning_rate": 0.001,
    "weight_decay": 0.0,
    "early_stopping_epochs": 0,
    "seed": 0,
    "threads": 0,
    "checkpoint_seconds": 60,
}
"""Hyperparameters of the training, with their defaults; all others are ``network.build``'s. The learning rate falls
to zero along half a cosine. ``early_stopping_epochs`` 0 is off, ``threads`` 0 is one a processor."""

HARMLESS = ("checkpoint_seconds",)
"""Those that change nothing in the model: a resumed training may have others."""


@dataclass(frozen=True)
class Fit:
    """A finished training. With early stopping the network is that of its best epoch."""

    network: scaled_network.ScaledNetwork
    architecture: dict[str, Any]
    report: dict[str, Any]


def read_hyperparameters(arguments: Sequence[str]) -> dict[str, Any]:
    """``--name value ...`` as script mode passes hyperparameters, completed with `OWN`.

    Raises:
        ValueError: the arguments are no such pairs, or a value of `OWN` is of another kind.
    """
    given = OWN | read_pairs(arguments)
    for name, default in OWN.items():
        value, least = given[name], 1 if name in ("epochs", "batch_rows") else 0
        kinds = (int, float) if isinstance(default, float) else type(default)
        if not isinstance(value, kinds) or (not isinstance(value, str) and value < least):
            kind = (
                "a word"
                if isinstance(default, str)
                else f"a number like {default}, from {least} on"
            )
            raise ValueError(f"hyperparameter {name} is {value!r}; allowed: {kind}")
    return given


def identity(hyperparameters: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """What a checkpoint has to agree on to be resumed."""
    own = (code_dir() / "network.py").read_bytes()
    return {
        "framework": RUNTIME,
        "dataset": dataset,
        "network": hashlib.sha256(own).hexdigest(),
        "hyperparameters": {k: v for k, v in hyperparameters.items() if k not in HARMLESS},
    }


def load(directory: Path, schema: FeatureSchema) -> tuple[Any, Any]:
    """A channel: features ``(rows, features)`` and labels ``(rows,)``, float32 tensors."""
    tables = list(row_groups(directory, schema.columns))
    rows = np.concatenate([schema.matrix(table) for table in tables])
    labels = np.concatenate([schema.labels(table) for table in tables]).astype(np.float32)
    return torch.from_numpy(rows), torch.from_numpy(labels)


def fit(
    hyperparameters: Mapping[str, Any],
    schema: FeatureSchema,
    metric: str,
    train: Path,
    validation: Path,
    checkpoints: Checkpoints,
) -> Fit:
    """Train on Parquet channels, resuming from ``checkpoints`` if they hold this training.

    Prints ``[epoch]<tab>validation-<metric>:<value>`` after every epoch.

    Raises:
        ForeignCheckpointError: ``checkpoints`` hold another training.
        SystemExit: SIGTERM arrived; the step is saved. Status 143 (128 + SIGTERM).
        ValueError: a hyperparameter that ``network.build`` does not take, a loss that there is not, or labels that
            are not the classes that it tells apart.
    """
    with sigterm() as interrupted:
        found = checkpoints.latest()
        threads = int(hyperparameters["threads"]) or _cpus()
        progress = Progress(**found.state) if found else Progress(threads)
        torch.set_num_threads(progress.threads)
        torch.use_deterministic_algorithms(True)
        torch.manual_seed(hyperparameters["seed"])
        data, held_out = load(train, schema), load(validation, schema)
        _check_classes(hyperparameters["loss"], data[1])
        architecture = _architecture(hyperparameters, data)
        network = scaled_network.make(architecture)
        network.learn_scales(*data)
        attempts = Attempts(checkpoints.directory, progress.step)
        run = Attempt(
            network, data, held_out, metric, hyperparameters, progress, checkpoints, attempts
        )
        if found:
            run.restore(found.payload)
            print(f"resumed at step {progress.step}", flush=True)
        finished = run.until(interrupted.is_set)
    attempts.close()
    if not finished:
        print(f"SIGTERM: saved step {run.progress.step}", flush=True)
        raise SystemExit(128 + signal.SIGTERM)
    history = attempts.summary()
    report = {
        "rounds": run.progress.step,
        "epochs": run.epochs_done,
        "best_epoch": run.progress.best_epoch,
        "best_score": run.progress.best_score,
        "metric": metric,
        "threads": run.progress.threads,
        "resumed_at": history["resumed_at"],
        "rounds_repeated": history["repeated"],
        "checkpoints": checkpoints.written,
        "checkpoint_seconds": round(checkpoints.seconds_writing, 3),
    }
    if hyperparameters["early_stopping_epochs"]:
        network.load_state_dict(run.best)
    return Fit(network.eval(), architecture, report)


def save(fitted: Fit, schema: FeatureSchema, model_dir: Path, output_dir: Path) -> None:
    """Leave the network, ``features.json`` and, as AWS's PyTorch image serves what is in the archive, ``code/`` for
    serving, ``training.json`` for people."""
    scaled_network.save(fitted.network, fitted.architecture, model_dir)
    schema.save(model_dir)
    code, source = model_dir / "code", code_dir()
    shutil.copytree(
        source / "container",
        code / "container",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    for file in [*source.glob("*.py"), *source.glob("requirements.txt")]:
        shutil.copy(file, code)
    output_dir.mkdir(parents=True, exist_ok=True)
    (output_dir / "training.json").write_text(json.dumps(fitted.report, indent=2) + "\n")


def _check_classes(loss: str, labels: Any) -> None:
    """PyTorch takes any number for a class, and learns nonsense."""
    odd = {
        "logistic": (labels != 0) & (labels != 1),
        "softmax": (labels < 0) | (labels != labels.round()),
    }.get(loss)
    if odd is not None and odd.any():
        allowed = {"logistic": "0 and 1", "softmax": "whole numbers from 0 on"}[loss]
        raise ValueError(
            f"hyperparameter loss is {loss!r}, but the target is {labels[odd][0]:g} in the training split; "
            f"allowed: {allowed}"
        )


def _architecture(hyperparameters: Mapping[str, Any], data: tuple[Any, Any]) -> dict[str, Any]:
    classes = int(data[1].max()) + 1 if hyperparameters["loss"] == "softmax" else 1
    return {
        "features": data[0].shape[1],
        "outputs": classes,
        "loss": hyperparameters["loss"],
        "hyperparameters": {k: v for k, v in hyperparameters.items() if k not in OWN},
    }


def _cpus() -> int:
    return int(os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1)


def portable(model_dir: Path, path: Path) -> None:
    """Nothing is written: Neo takes a network as its own version of PyTorch traced it (`trace_network`)."""


def graph(model_dir: Path) -> bytes:
    """The network as ONNX. Raises ValueError when a graph cannot hold it."""
    from container.onnx_networks import to_onnx

    return to_onnx(scaled_network.load(model_dir))
