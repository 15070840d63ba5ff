"""The gate, and what evaluation leaves for the stages after it."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from container.contest import Meeting, judge
from container.features import FeatureSchema
from container.splits import row_groups

from .conftest import SPEC, Job


@pytest.mark.parametrize(
    ("metric", "value", "floor", "champion", "must_beat", "won", "why"),
    [
        ("rmse", 90.0, 100.0, None, True, True, "there is no champion"),
        ("rmse", 110.0, 100.0, None, True, False, "worse than the floor"),
        ("rmse", 100.0, 100.0, None, True, True, "within the floor"),
        ("rmse", 90.0, 100.0, 95.0, True, True, "beats the champion's 95"),
        ("rmse", 96.0, 100.0, 95.0, True, False, "does not beat the champion's 95"),
        ("rmse", 95.0, 100.0, 95.0, True, True, "equals the champion's"),
        ("rmse", 96.0, 100.0, 95.0, False, True, "need not beat"),
        ("rmse", 110.0, 100.0, 120.0, True, False, "worse than the floor"),
        ("rmse", float("nan"), 100.0, None, True, False, "not a number"),
        ("r2", 0.9, 0.8, 0.85, True, True, "beats the champion's 0.85"),
        ("r2", 0.7, 0.8, None, True, False, "worse than the floor"),
        ("auc", 0.84, 0.8, 0.85, True, False, "does not beat"),
    ],
)
def test_judge(
    metric: str,
    value: float,
    floor: float,
    champion: float | None,
    must_beat: bool,
    won: bool,
    why: str,
) -> None:
    evaluate = {"metric": metric, "floor": floor, "decides": "recent"}
    test = Meeting("the test split", 100, value, champion)
    verdict = judge(evaluate | {"must_beat_champion": must_beat}, test)
    assert verdict.won is won
    assert why in verdict.reason


WORSE, BETTER = Meeting("these rows", 9, 96.0, 95.0), Meeting("those rows", 9, 94.0, 95.0)


@pytest.mark.parametrize(
    ("decides", "test", "recent", "won", "why"),
    [
        ("recent", WORSE, BETTER, True, "rmse 94 beats the champion's 95 on those rows"),
        ("recent", WORSE, BETTER, True, "95 on these rows, which does not decide"),
        ("recent", BETTER, WORSE, False, "rmse 96 does not beat the champion's 95 on these rows"),
        ("recent", BETTER, None, True, "beats the champion's 95 on those rows"),
        ("test", WORSE, BETTER, False, "does not beat the champion's 95 on these rows"),
        ("both", WORSE, BETTER, False, "does not beat the champion's 95 on these rows"),
        ("both", BETTER, WORSE, False, "does not beat the champion's 95 on these rows"),
        ("both", BETTER, BETTER, True, "beats the champion's 95 on those rows"),
    ],
)
def test_the_rows_that_model_yaml_names_decide(
    decides: str, test: Meeting, recent: Meeting | None, won: bool, why: str
) -> None:
    evaluate = {"metric": "rmse", "floor": 100.0, "must_beat_champion": True, "decides": decides}
    verdict = judge(evaluate, test, recent)
    assert verdict.won is won
    assert why in verdict.reason


def pack(source: Path, archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(source, arcname=".")


@pytest.fixture
def evaluation(job: Job, trained: Job) -> Job:
    """A job with everything that evaluate takes, but no champion."""
    inputs = job.base / "processing" / "input"
    job.stage_code(inputs / "code")
    (inputs / "test").symlink_to(job.splits / "test")
    pack(trained.base / "model", inputs / "model" / "model.tar.gz")
    return job


def give_champion(evaluation: Job, model_dir: Path, edit: dict[str, str] | None = None) -> None:
    """Add a champion with its own code, in which files are replaced as ``edit`` says."""
    inputs, code = evaluation.base / "processing" / "input", evaluation.base / "champion-code"
    evaluation.stage_code(code)
    for name, text in (edit or {}).items():
        (code / name).write_text(text)
    pack(model_dir, inputs / "champion" / "model.tar.gz")
    pack(code, inputs / "champion-code" / "0123abcd.tar.gz")


def run(evaluation: Job) -> dict[str, Any]:
    finished = evaluation.process("evaluate")
    assert finished.returncode == 0, finished.stderr
    output = evaluation.base / "processing" / "output" / "evaluation"
    found: dict[str, Any] = json.loads((output / "evaluation.json").read_text())
    return found


def test_without_a_champion(evaluation: Job, trained: Job) -> None:
    found = run(evaluation)
    schema = FeatureSchema.load(trained.base / "model")
    tables = list(row_groups(trained.splits / "test"))
    rows = np.concatenate([schema.matrix(table) for table in tables])
    labels = np.concatenate([schema.labels(table) for table in tables])
    expected = xgb.Booster(model_file=bytearray(trained.model)).inplace_predict(rows)
    rmse = float(np.sqrt(np.mean((expected.astype(float) - labels) ** 2)))
    assert found["value"] == found["metrics"]["rmse"] == pytest.approx(rmse)
    assert (found["champion"], found["won"], found["rows"]) == (None, True, 700)

    output = evaluation.base / "processing" / "output" / "evaluation"
    written = np.genfromtxt(output / "parity" / "rows.csv", delimiter=",", dtype=np.float32)
    np.testing.assert_array_equal(written, rows)
    answers = np.loadtxt(output / "parity" / "predictions.csv", dtype=np.float32)
    np.testing.assert_array_equal(answers, expected)
    latency = json.loads((output / "parity" / "latency.json").read_text())
    assert 0 < latency["single_row_us"]["p50"] <= latency["single_row_us"]["p99"]
    assert latency["cold_start_seconds"] > 0
    assert latency["memory_mb"] > 10
    with tarfile.open(output / "portable" / "model.tar.gz") as archive:
        assert [name.endswith(".model") for name in archive.getnames()] == [True]


def test_the_same_model_again_is_deployed(evaluation: Job, trained: Job) -> None:
    give_champion(evaluation, trained.base / "model")
    found = run(evaluation)
    assert found["champion"]["value"] == found["value"]
    assert found["won"]
    assert "equals the champion's" in found["reason"]


def test_the_champion_answers_with_its_own_code(evaluation: Job, trained: Job) -> None:
    handlers = (trained.base / "code" / "inference.py").read_text()
    worse = handlers + "\n_predict = predict_fn\ndef predict_fn(d, m): return _predict(d, m) + 50\n"
    give_champion(evaluation, trained.base / "model", {"inference.py": worse})
    found = run(evaluation)
    assert found["champion"]["value"] > found["value"]
    assert found["won"]
    assert "beats the champion's" in found["reason"]


def test_a_champion_with_other_features_is_compared_on_the_same_rows(
    evaluation: Job, make_job: Any
) -> None:
    narrow = make_job("narrow")
    spec = {**SPEC, "data": {**SPEC["data"], "features": ["area"]}}
    narrow.stage_code(narrow.base / "code", spec)
    assert narrow.train() == 0, narrow.log
    give_champion(evaluation, narrow.base / "model")
    found = run(evaluation)
    assert found["champion"]["value"] > found["value"]
    assert found["won"]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"inference.py": "import a_package_that_went_away"}, "a_package_that_went_away"),
        ({"inference.py": "def predict_fn(d, m): ..."}, "model_fn"),
        ({"container/features.py": "raise RuntimeError('too old')"}, "too old"),
    ],
)
def test_a_champion_that_cannot_be_loaded_is_reported(
    evaluation: Job, trained: Job, edit: dict[str, str], why: str
) -> None:
    give_champion(evaluation, trained.base / "model", edit)
    found = run(evaluation)
    assert found["champion"] is None
    assert found["won"]
    assert why in found["champion_problem"]
    assert found["champion_problem"] in found["reason"]


def test_a_champion_without_its_archive_is_reported(evaluation: Job, trained: Job) -> None:
    give_champion(evaluation, trained.base / "model")
    champion = evaluation.base / "processing" / "input" / "champion" / "model.tar.gz"
    champion.write_bytes(champion.read_bytes()[:100])
    found = run(evaluation)
    assert found["champion"] is None
    assert "could not be unpacked" in found["reason"]


def test_a_failure_leaves_its_reason(evaluation: Job) -> None:
    shutil.rmtree(evaluation.base / "processing" / "input" / "model")
    finished = evaluation.process("evaluate")
    assert finished.returncode == 1
    message = (evaluation.base / "output" / "message").read_text()
    assert message.startswith("FileNotFoundError: expected one .tar.gz in")


def test_a_model_that_neo_cannot_take_stops_only_for_neo(evaluation: Job, make_job: Any) -> None:
    odd = make_job("odd")
    settings = {"objective": "reg:quantileerror", "quantile_alpha": 0.5, "eval_metric": "rmse"}
    assert odd.train(**settings) == 0, odd.log
    inputs = evaluation.base / "processing" / "input"
    pack(odd.base / "model", inputs / "model" / "model.tar.gz")
    finished = evaluation.process("evaluate")
    assert finished.returncode == 1
    message = (evaluation.base / "output" / "message").read_text()
    assert "compile.backend is neo" in message
    spec = {**SPEC, "compile": {"backend": "none"}}
    (inputs / "code" / "spec.json").write_text(json.dumps(spec))
    assert run(evaluation)["portable_problem"] is not None
