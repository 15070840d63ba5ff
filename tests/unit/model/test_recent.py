"""Challenger and champion on recent rows: by date, and as they were captured and came true."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from container.features import FeatureSchema
from container.recent import TooFew, captured, newest
from container.splits import row_groups

from .conftest import SPEC, Job, make_table
from .test_evaluate import evaluation, give_champion, run

__all__ = ["evaluation"]
CAPTURED, TRUTH = "houses/capture/houses/", "houses/truth/"
HOUR = "main/2026/11/22/16"
#: Handlers that are worse on days from 16320 on, and better before.
LATELY_WORSE = """
_predict = predict_fn
def predict_fn(rows, model):
    found = _predict(rows, model)
    late = rows[:, 0] >= 16320
    return found + np.where(late, 40, 0)
"""


def asked(**changed: Any) -> dict[str, Any]:
    """The spec with other settings of evaluate.recent, and of evaluate."""
    recent = {**SPEC["evaluate"]["recent"], **{k: v for k, v in changed.items() if k != "decides"}}
    evaluate = {**SPEC["evaluate"], "recent": recent}
    return {**SPEC, "evaluate": evaluate | {k: v for k, v in changed.items() if k == "decides"}}


def judged(evaluation: Job, spec: dict[str, Any]) -> dict[str, Any]:
    code = evaluation.base / "processing" / "input" / "code"
    (code / "spec.json").write_text(json.dumps(spec))
    return run(evaluation)


def capture(
    evaluation: Job, schema: FeatureSchema, rows: int, *, labelled: int
) -> np.ndarray[Any, Any]:
    """Requests of some rows each, CSV and JSON, as a champion with `schema` is asked; the labels of them all."""
    table, given = make_table(rows, 99), evaluation.base / "processing" / "input" / "recent"
    matrix, labels = schema.matrix(table), schema.labels(table)
    files: dict[str, list[str]] = {CAPTURED: [], TRUTH: []}
    for number, (row, label) in enumerate(zip(matrix, labels, strict=True)):
        if number % 2:
            body = ",".join("" if np.isnan(value) else repr(float(value)) for value in row)
            kind = "CSV"
        else:
            body = json.dumps([[None if np.isnan(value) else float(value) for value in row]])
            kind = "JSON"
        side = {
            "observedContentType": f"text/{kind}",
            "mode": "INPUT",
            "data": body,
            "encoding": kind,
        }
        meta = {"eventId": f"e{number}", "inferenceId": f"i{number}", "inferenceTime": "2026-11-22"}
        files[CAPTURED].append(
            json.dumps({"captureData": {"endpointInput": side}, "eventMetadata": meta})
        )
        if number < labelled:
            truth = {"data": repr(float(label)), "encoding": "CSV"}
            meta = {"eventId": f"i{number}"}
            files[TRUTH].append(json.dumps({"groundTruthData": truth, "eventMetadata": meta}))
    for folder, lines in files.items():
        (given / folder / HOUR).mkdir(parents=True)
        (given / folder / HOUR / "00.jsonl").write_text("".join(f"{line}\n" for line in lines))
    tell(evaluation, None)
    return labels


def tell(evaluation: Job, problem: str | None) -> None:
    folder = evaluation.base / "processing" / "input" / "recent" / "houses" / "runs" / "r"
    folder.mkdir(parents=True)
    told = {"since": "2026-10-23 16:00Z", "captured": CAPTURED, "truth": TRUTH, "problem": problem}
    (folder / "recent.json").write_text(json.dumps(told))


def test_the_newest_held_out_rows_decide(evaluation: Job, trained: Job) -> None:
    code = (trained.base / "code" / "inference.py").read_text()
    give_champion(evaluation, trained.base / "model", {"inference.py": code + LATELY_WORSE})
    tell(evaluation, "no ground truth since 2026-10-23")
    found = judged(evaluation, asked(min_rows=100))
    days = np.concatenate(
        [np.asarray(t["day"]).astype("datetime64[D]") for t in row_groups(trained.splits / "test")]
    )
    since = np.sort(days)[-140]
    assert found["recent"]["rows"] == int((days >= since).sum())
    assert found["recent"]["of"].endswith(f"held-out rows since {since}")
    assert found["recent"]["champion"] > found["recent"]["value"]
    assert found["not_recent"] == ["no ground truth since 2026-10-23"]
    assert (found["decided_by"], found["won"]) == ("recent", True)


def test_too_few_newest_rows_decide_nothing(splits: Path) -> None:
    with pytest.raises(TooFew, match="140 held-out rows are the newest; 141 are needed"):
        newest(asked(min_rows=141), splits / "test", np.zeros(700))
    untimed = {**SPEC["data"], "columns": {"area": {"type": "float"}}}
    with pytest.raises(TooFew, match="no column is a date or datetime"):
        newest(asked() | {"data": untimed}, splits / "test", np.zeros(700))


def test_captured_requests_that_came_true_decide(evaluation: Job, trained: Job) -> None:
    """The champion numbers its categories in another order: what it was asked means the same to the challenger."""
    schema = FeatureSchema.load(trained.base / "model")
    other = FeatureSchema(
        schema.features,
        schema.target,
        schema.types,
        {name: values[::-1] for name, values in schema.categories.items()},
    )
    model = evaluation.base / "other"
    shutil.copytree(trained.base / "model", model)
    other.save(model)
    reads_itself = (trained.base / "code" / "inference.py").read_text() + (
        "\ndef predict_fn(rows, model): return np.full(len(rows), 777, np.float32)\n"
    )
    give_champion(evaluation, model, {"inference.py": reads_itself})
    labels = capture(evaluation, other, 300, labelled=250)
    found = judged(evaluation, asked())
    assert found["not_recent"] == []
    assert found["recent"]["rows"] == 250
    assert found["recent"]["of"].startswith("250 captured rows with ground truth since 2026-10-23")
    assert found["recent"]["champion"] == pytest.approx(
        float(np.sqrt(np.mean((labels[:250] - 777) ** 2)))
    )
    own = FeatureSchema.load(trained.base / "model").matrix(make_table(300, 99))
    expected = xgb.Booster(model_file=bytearray(trained.model)).inplace_predict(own)
    rmse = float(np.sqrt(np.mean((expected.astype(float) - labels)[:250] ** 2)))
    assert found["recent"]["value"] == pytest.approx(rmse)
    assert (found["decided_by"], found["won"]) == ("recent", True)


def test_captured_rows_of_another_width_are_left_out(
    evaluation: Job, trained: Job, tmp_path: Path
) -> None:
    """An answer to a request that had a column too few may have come true, too."""
    schema = FeatureSchema.load(trained.base / "model")
    given = evaluation.base / "processing" / "input" / "recent"
    capture(evaluation, schema, 60, labelled=60)
    path = given / CAPTURED / HOUR / "00.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line, body in zip(lines, ["[[1.0]]", "1.0"], strict=False):
        line["captureData"]["endpointInput"]["data"] = body
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert len(captured(asked(min_rows=1), given, schema, tmp_path / "rows").labels) == 58


def test_too_few_that_came_true_decide_nothing(
    evaluation: Job, trained: Job, tmp_path: Path
) -> None:
    schema = FeatureSchema.load(trained.base / "model")
    given = evaluation.base / "processing" / "input" / "recent"
    with pytest.raises(TooFew, match="no captured requests were looked for"):
        captured(asked(), given, schema, tmp_path / "rows")
    capture(evaluation, schema, 60, labelled=50)
    with pytest.raises(
        TooFew, match=r"50 captured rows since .* have ground truth; 100 are needed"
    ):
        captured(asked(min_rows=100), given, schema, tmp_path / "rows")
