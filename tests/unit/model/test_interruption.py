"""A training that is interrupted ends with the model of one that is not, bit for bit."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from container.features import FeatureSchema
from container.splits import row_groups

from .conftest import Job
from .test_checkpoint import newest


def predictions(job: Job) -> Any:
    booster = xgb.Booster(model_file=bytearray(job.model))
    schema = FeatureSchema.load(job.base / "model")
    matrices = [schema.matrix(table) for table in row_groups(job.splits / "test")]
    return booster.inplace_predict(np.concatenate(matrices))


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_the_model_is_the_same_after_five_interruptions(
    trained: Job, job: Job, signum: signal.Signals
) -> None:
    """Before the first checkpoint, at a segment's end, within one, and so close that nothing new was saved."""
    points = [3, 60, 64, 155, 280]
    for at in points:
        job.interrupt(at, signum)
    assert job.train() == 0, job.log
    np.testing.assert_array_equal(predictions(job), predictions(trained))
    assert job.model == trained.model
    assert job.report["rounds"] == 300
    lost = [at - start for at, start in zip(points, job.report["resumed_at"], strict=True)]
    assert all(0 <= rounds <= 10 for rounds in lost)
    assert job.report["rounds_repeated"] == sum(lost)


def test_sigterm_costs_less_than_a_segment(job: Job) -> None:
    job.interrupt(95, signal.SIGTERM, checkpoint_seconds=3600)
    assert job.train(checkpoint_seconds=3600) == 0, job.log
    assert job.report["resumed_at"] == [90]
    assert job.report["rounds_repeated"] == 5
    assert job.report["checkpoints"] == 2


def test_a_kill_before_the_first_checkpoint_starts_again(trained: Job, job: Job) -> None:
    job.interrupt(40, signal.SIGKILL, checkpoint_seconds=3600)
    assert job.train(checkpoint_seconds=3600) == 0, job.log
    assert job.report["resumed_at"] == [0]
    assert job.report["rounds_repeated"] == 40
    assert job.model == trained.model


def test_the_interval_is_not_in_the_model(trained: Job, job: Job) -> None:
    assert job.train(checkpoint_seconds=3600) == 0, job.log
    assert job.report["checkpoints"] == 1
    assert job.model == trained.model


def test_sampling_is_on(trained: Job, job: Job) -> None:
    assert job.train(seed=1) == 0, job.log
    assert job.model != trained.model


def test_early_stopping_survives(make_job: Callable[[str], Job]) -> None:
    stopping = {"num_round": 2000, "early_stopping_rounds": 40, "eta": 0.3}
    whole, cut = make_job("whole"), make_job("cut")
    assert whole.train(**stopping) == 0, whole.log
    best, rounds = whole.report["best_round"], whole.report["rounds"]
    assert rounds == best + 40 < 2000
    cut.interrupt(best // 2, signal.SIGKILL, **stopping)
    cut.interrupt(best + 25, signal.SIGTERM, **stopping)
    assert cut.train(**stopping) == 0, cut.log
    assert cut.model == whole.model
    assert [cut.report[k] for k in ("rounds", "best_round", "best_score")] == [
        whole.report[k] for k in ("rounds", "best_round", "best_score")
    ]
    assert len(xgb.Booster(model_file=bytearray(cut.model)).get_dump()) == best


def test_a_finished_training_started_again_repeats_nothing(trained: Job, job: Job) -> None:
    assert job.train() == 0, job.log
    (job.base / "model" / "xgboost-model").unlink()
    assert job.train() == 0, job.log
    assert job.model == trained.model
    assert job.report["resumed_at"] == [300]
    assert job.report["rounds_repeated"] == 0


def test_the_first_attempt_decides_the_threads(job: Job) -> None:
    del job.hyperparameters["nthread"]
    job.interrupt(50, signal.SIGTERM)
    job.cpus = 2
    assert job.train() == 0, job.log
    assert job.report["nthread"] == 1


def test_a_torn_checkpoint_is_ignored(trained: Job, job: Job) -> None:
    job.interrupt(120, signal.SIGKILL)
    path = newest(job.base / "checkpoints")
    path.write_bytes(path.read_bytes()[:5000])
    assert job.train() == 0, job.log
    assert "is torn: ignored" in job.log
    assert job.report["resumed_at"] == [100]
    assert job.model == trained.model


def test_another_trainings_checkpoint_is_refused(job: Job) -> None:
    job.interrupt(50, signal.SIGTERM)
    before = newest(job.base / "checkpoints").read_bytes()
    assert job.train(eta=0.2, max_depth=3) == 1
    assert "ForeignCheckpointError" in job.log
    assert "hyperparameters.eta is 0.1 there, 0.2 here; " in job.log
    assert newest(job.base / "checkpoints").read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(job: Job, tmp_path: Path) -> None:
    job.interrupt(50, signal.SIGTERM)
    swapped = tmp_path / "swapped"
    swapped.mkdir()
    for here, there in (("train", "validation"), ("validation", "train"), ("test", "test")):
        (swapped / here).symlink_to(job.splits / there)
    job.splits = swapped
    assert job.train() == 1
    assert "dataset is" in job.log


def test_a_misspelt_hyperparameter_stops_before_training(job: Job) -> None:
    assert job.train(max_dept=3) == 1
    assert "does not use: max_dept" in job.log
    assert not job.attempts()


def test_metric_lines_are_printed(trained: Job) -> None:
    lines = [line for line in trained.log.splitlines() if "validation-rmse:" in line]
    assert len(lines) == 30
    assert lines[0].startswith("[9]\tvalidation-rmse:")
    assert trained.report["best_score"] <= float(lines[-1].rpartition(":")[2])
