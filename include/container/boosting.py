"""Gradient boosting that may be interrupted at any moment and still gives the same model.

XGBoost draws row and column samples from generators that live in the process and in the tree
updaters, and saves neither with a model: a booster that is saved and loaded again draws other
samples than one that simply goes on. So training is cut into segments of a fixed number of rounds,
and at each segment's first round `_begin_segment` rebuilds the updaters and seeds the
generators from the segment's number, interrupted or not. A checkpoint is the model at a segment's
end; from there the same trees grow, bit for bit, in any process. Unlike calling
``xgboost.train(xgb_model=...)`` per segment, this keeps the cached predictions and costs nothing.

Histograms are summed per thread, so the number of threads is part of the result: the first attempt
decides it and the checkpoint keeps it.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost as xgb

from container import neo_export, trees
from container.checkpoint import Attempts, Checkpoint, Checkpoints, sigterm
from container.features import FeatureSchema
from container.hyperparameters import read_pairs
from container.splits import row_groups

MODEL_FILE = "xgboost-model"
RUNTIME = f"xgboost {xgb.__version__}"

OWN = {
    "num_round": 100,
    "early_stopping_rounds": 0,
    "segment_rounds": 20,
    "seed": 0,
    "report_rounds": 10,
    "checkpoint_seconds": 60,
}
"""Hyperparameters that are not XGBoost's, with their defaults. ``early_stopping_rounds`` 0 is off;
``segment_rounds`` is how many rounds an interruption can cost at most beyond the last write."""

HARMLESS = ("report_rounds", "checkpoint_seconds")
"""Those that change nothing in the model: a resumed training may have others."""

MAXIMIZED = ("auc", "aucpr", "pre", "ndcg", "map")


@dataclass(frozen=True)
class Progress:
    """What goes on from one segment to the next beside the model."""

    nthread: int
    round: int = 0
    metric: str = ""
    best_round: int = 0
    best_score: float | None = None

    def after_round(self, metric: str, score: float) -> Progress:
        """One round later, which scored ``score`` on the validation split."""
        done, best = self.round + 1, self.best_score
        sign = -1 if metric.startswith(MAXIMIZED) else 1
        if best is None or sign * score < sign * best:
            return Progress(self.nthread, done, metric, done, score)
        return Progress(self.nthread, done, metric, self.best_round, best)


@dataclass(frozen=True)
class Fit:
    """A finished training. With early stopping ``booster`` ends with its best round."""

    booster: xgb.Booster
    report: dict[str, Any]


def read_hyperparameters(arguments: Sequence[str]) -> dict[str, Any]:
    """``--name value ...`` as script mode passes hyperparameters; values are JSON where they can be.

    Raises:
        ValueError: the arguments are no such pairs, or ask for what cannot be resumed exactly.
    """
    given = read_pairs(arguments)
    for name, allowed in (("booster", ["gbtree"]), ("tree_method", ["hist", "auto"])):
        if given.get(name, allowed[0]) not in allowed:
            raise ValueError(
                f"hyperparameter {name} is {given[name]!r}; allowed: {', '.join(allowed)}"
            )
    for name, default in OWN.items():
        value = given.setdefault(name, default)
        least = 0 if name in ("early_stopping_rounds", "seed", "checkpoint_seconds") else 1
        if not isinstance(value, int) or value < least:
            raise ValueError(f"hyperparameter {name} is {value!r}; allowed: integers >= {least}")
    return given


def identity(hyperparameters: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """What a checkpoint has to agree on to be resumed."""
    return {
        "framework": RUNTIME,
        "dataset": dataset,
        "hyperparameters": {k: v for k, v in hyperparameters.items() if k not in HARMLESS},
    }


def load(
    directory: Path,
    schema: FeatureSchema,
    params: Mapping[str, Any],
    reference: xgb.DMatrix | None = None,
) -> xgb.QuantileDMatrix:
    """A channel, quantised while its row groups stream by: about a byte per value stays in memory.

    Args:
        reference: the training data, whose quantiles other splits use.
    """
    return xgb.QuantileDMatrix(
        _RowGroups(directory, schema),
        max_bin=params.get("max_bin", 256),
        nthread=params["nthread"],
        ref=reference,
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    """What XGBoost refuses in one line, without the native stack that pushes it out of a log's tail."""
    try:
        yield
    except xgb.core.XGBoostError as error:
        reason = str(error).partition("Stack trace")[0]
        raise ValueError(" ".join(reason.split())) from None


def fit(
    hyperparameters: Mapping[str, Any],
    schema: FeatureSchema,
    train: Path,
    validation: Path,
    checkpoints: Checkpoints,
) -> Fit:
    """Train on Parquet channels, resuming from ``checkpoints`` if they hold this training.

    Prints ``[round]<tab>validation-<metric>:<value>`` every ``report_rounds`` rounds.

    Raises:
        ForeignCheckpointError: ``checkpoints`` hold another training.
        SystemExit: SIGTERM arrived; the last segment's end is saved. Status 143 (128 + SIGTERM).
        ValueError: XGBoost does not know a hyperparameter, or refuses its value.
    """
    with _plain_errors(), sigterm() as interrupted:
        found = checkpoints.latest()
        threads = int(hyperparameters.get("nthread") or _cpus())
        progress = Progress(**found.state) if found else Progress(nthread=threads)
        params = {k: v for k, v in hyperparameters.items() if k not in OWN}
        params |= {"tree_method": "hist", "nthread": progress.nthread}
        data = load(train, schema, params)
        held_out = load(validation, schema, params, reference=data)
        booster = xgb.Booster(params, [data, held_out])
        if found:
            booster.load_model(bytearray(found.payload))
            booster.set_param(params)
            print(f"resumed at round {progress.round}", flush=True)
        _reject_unknown(booster)
        attempts = Attempts(checkpoints.directory, progress.round)
        settings = {name: hyperparameters[name] for name in OWN}
        run = _Run(booster, data, held_out, settings, progress, checkpoints, attempts)
        finished = run.until(interrupted.is_set)
    attempts.close()
    if not finished:
        print(f"SIGTERM: saved round {run.saved}", flush=True)
        raise SystemExit(128 + signal.SIGTERM)
    history = attempts.summary()
    report = {
        "rounds": run.progress.round,
        "best_round": run.progress.best_round,
        "best_score": run.progress.best_score,
        "metric": run.progress.metric,
        "nthread": run.progress.nthread,
        "resumed_at": history["resumed_at"],
        "rounds_repeated": history["repeated"],
        "checkpoints": checkpoints.written,
        "checkpoint_seconds": round(checkpoints.seconds_writing, 3),
    }
    kept = run.progress.best_round if settings["early_stopping_rounds"] else run.progress.round
    return Fit(booster[:kept], report)


def save(fitted: Fit, schema: FeatureSchema, model_dir: Path, output_dir: Path) -> None:
    """Leave ``xgboost-model`` and ``features.json`` for serving, ``training.json`` for people."""
    for directory in (model_dir, output_dir):
        directory.mkdir(parents=True, exist_ok=True)
    (model_dir / MODEL_FILE).write_bytes(fitted.booster.save_raw("ubj"))
    schema.save(model_dir)
    (output_dir / "training.json").write_text(json.dumps(fitted.report, indent=2) + "\n")


def load_booster(model_dir: Path, nthread: int = 1) -> xgb.Booster:
    """The booster that `save` left in ``model_dir``."""
    booster = xgb.Booster({"nthread": nthread})
    booster.load_model(bytearray((model_dir / MODEL_FILE).read_bytes()))
    return booster


def portable(model_dir: Path, path: Path) -> None:
    """Write the archive that Neo compiles. Raises ValueError when it cannot hold the model."""
    neo_export.export(load_booster(model_dir), path)


def graph(model_dir: Path) -> bytes:
    """The model as ONNX. Raises ValueError when a graph cannot hold it."""
    from container.onnx_trees import to_onnx

    encoded: bytes = to_onnx(trees.from_booster(load_booster(model_dir))).SerializeToString()
    return encoded


@dataclass
class _Run:
    """The rounds of one attempt."""

    booster: xgb.Booster
    train: xgb.DMatrix
    validation: xgb.DMatrix
    settings: Mapping[str, int]
    progress: Progress
    checkpoints: Checkpoints
    attempts: Attempts

    def __post_init__(self) -> None:
        self.saved = self.progress.round

    def until(self, interrupted: Callable[[], bool]) -> bool:
        """Train to the end, or until ``interrupted``; whether it came to the end."""
        segment_end = self.progress
        while not self._finished():
            at_segment = self.progress.round % self.settings["segment_rounds"] == 0
            if at_segment:
                segment_end = self.progress
                self._begin_segment()
            if interrupted():
                self._save(segment_end)
                return False
            if at_segment and self.checkpoints.due:
                self._save(segment_end)
            self._round()
        self._save(self.progress)
        return True

    def _finished(self) -> bool:
        patience = self.settings["early_stopping_rounds"]
        waited = self.progress.round - self.progress.best_round
        return self.progress.round >= self.settings["num_round"] or 0 < patience <= waited

    def _begin_segment(self) -> None:
        """Forget all random state: loading a configuration makes new updaters, and a new seed
        restarts the process's generator. Trees and cached predictions stay."""
        segment = self.progress.round // self.settings["segment_rounds"]
        digest = hashlib.sha256(f"{self.settings['seed']}:{segment}".encode()).digest()
        self.booster.load_config(self.booster.save_config())
        self.booster.set_param({"seed": int.from_bytes(digest[:4], "big") >> 1})

    def _round(self) -> None:
        current = self.progress.round
        self.booster.update(self.train, current)
        line = self.booster.eval_set([(self.validation, "validation")], current)
        name, _, value = line.rpartition("\t")[2].partition(":")
        self.progress = self.progress.after_round(name.partition("-")[2], float(value))
        self.attempts.reached(current + 1)
        if (current + 1) % self.settings["report_rounds"] == 0:
            print(line, flush=True)

    def _save(self, progress: Progress) -> None:
        if progress.round == self.saved:
            return
        payload = bytes(self.booster[: progress.round].save_raw("ubj"))
        self.checkpoints.save(Checkpoint(progress.round, payload, asdict(progress)))
        self.saved = progress.round


class _RowGroups(xgb.DataIter):  # type: ignore[misc, unused-ignore] # typed only where XGBoost is
    """Feeds a split to XGBoost, one row group at a time."""

    def __init__(self, directory: Path, schema: FeatureSchema) -> None:
        super().__init__()
        self._directory = directory
        self._schema = schema
        self.reset()

    def reset(self) -> None:
        self._tables = row_groups(self._directory, self._schema.columns)

    def next(self, input_data: Callable[..., Any]) -> bool:
        table = next(self._tables, None)
        if table is None:
            return False
        labels = self._schema.labels(table).astype(np.float32)
        input_data(data=self._schema.matrix(table), label=labels)
        return True


def _reject_unknown(booster: xgb.Booster) -> None:
    """XGBoost only warns of a parameter it does not use; a misspelt one would cost a training."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        booster.save_config()
    for warning in caught:
        text = str(warning.message)
        if "are not used" in text:
            names = text[text.index("{") + 1 : text.index("}")].replace('"', "").strip()
            raise ValueError(f"hyperparameters that {RUNTIME} does not use: {names}")


def _cpus() -> int:
    return int(os.environ.get("SM_NUM_CPUS") or os.cpu_count() or 1)
