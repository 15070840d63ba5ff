"""The analyzer under Model Monitor's container contract: a baseline of what was learned, a window against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from container import paths
from container.drift import analyzer

Run = Callable[..., dict[str, Any]]
HEADER = "price,area,rooms,kind"
KINDS = ("flat", "house", "hut")


def lines(rows: int, seed: int, shift: float = 0.0, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Answer, then request."""
    random = np.random.default_rng(seed)
    area = random.gamma(4.0, 30.0, rows) + shift
    found = []
    for value in area:
        rooms, kind = random.integers(1, 9), kinds[random.integers(0, len(kinds))]
        found.append(f"{2 * value:.6g},{value:.6g},{rooms},{kind}")
    return found


def capture(path: Path, rows: list[str], at: str = "2026-11-22T10:30:00Z") -> None:
    """Capture records, each with its ground truth: twice the area."""
    written = []
    for number, row in enumerate(rows):
        answer, asked = row.split(",", 1)
        side = {"observedContentType": "text/csv", "encoding": "CSV"}
        data = {"endpointInput": {**side, "data": asked}}
        data |= {"endpointOutput": {**side, "data": answer}}
        meta = {"eventId": f"{path.stem}-{number}", "inferenceTime": at}
        truth = {"data": str(2 * float(asked.split(",")[0])), "encoding": "CSV"}
        document = {"captureData": data, "eventMetadata": meta, "groundTruthData": truth}
        written.append(json.dumps(document))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(written) + "\n")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Makes the baseline of 6,000 rows, then compares what was captured; returns its files and message."""
    monkeypatch.setattr(paths, "BASE", tmp_path)
    known = tmp_path / "known"
    known.mkdir()
    (known / "rows.csv").write_text("\n".join([HEADER, *lines(6000, 1)]) + "\n")
    environ = {
        "dataset_source": str(known),
        "dataset_format": json.dumps({"csv": {"header": True}}),
        "output_path": str(tmp_path / "suggested"),
    }
    analyzer.main(environ)

    def compare(config: dict[str, Any] | None = None, **more: str) -> dict[str, Any]:
        constraints = tmp_path / "suggested" / "constraints.json"
        document = json.loads(constraints.read_text())
        document["monitoring_config"]["distribution_constraints"] |= config or {}
        constraints.write_text(json.dumps(document))
        analyzer.main(
            {
                "dataset_source": str(tmp_path / "captured"),
                "dataset_format": json.dumps({"sagemakerCaptureJson": {}}),
                "output_path": str(tmp_path / "found"),
                "baseline_constraints": str(constraints),
                "baseline_statistics": str(tmp_path / "suggested" / "statistics.json"),
                "start_time": "2026-11-22T10:00:00Z",
                "end_time": "2026-11-22T11:00:00Z",
                **more,
            }
        )
        found = {
            path.stem: json.loads(path.read_text()) for path in (tmp_path / "found").glob("*.json")
        }
        return {**found, "message": (tmp_path / "output" / "message").read_text()}

    return compare


def broken(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (item["feature_name"], item["constraint_check_type"])
        for item in found["constraint_violations"]["violations"]
    }


def test_the_same_rows_violate_nothing(run: Run, tmp_path: Path) -> None:
    capture(tmp_path / "captured" / "main" / "10" / "a.jsonl", lines(2000, 2))
    late = tmp_path / "captured" / "main" / "10" / "late.jsonl"
    capture(late, lines(2000, 3, shift=500), at="2026-11-22T11:00:00Z")
    found = run()
    assert broken(found) == set()
    assert found["statistics"]["dataset"]["item_count"] == 2000
    assert found["message"].startswith("Completed: ")


def test_a_shift_new_categories_and_lost_values_are_found(run: Run, tmp_path: Path) -> None:
    rows = lines(2000, 2, shift=60, kinds=(*KINDS, "boat"))
    rows[::4] = [row.replace(f",{row.split(',')[2]},", ",,") for row in rows[::4]]
    capture(tmp_path / "captured" / "a.jsonl", rows)
    found = run()
    assert broken(found) == {
        ("price", "baseline_drift_check"),
        ("area", "baseline_drift_check"),
        ("kind", "baseline_drift_check"),
        ("kind", "categorical_values_check"),
        ("rooms", "completeness_check"),
    }
    assert found["message"].startswith("CompletedWithViolations: Job completed successfully with 5")


@pytest.mark.parametrize(("method", "drifts"), [("Robust", False), ("Simple", True)])
def test_few_rows_are_a_difference_to_the_simple_comparison_alone(
    run: Run, tmp_path: Path, method: str, drifts: bool
) -> None:
    capture(tmp_path / "captured" / "a.jsonl", lines(25, 8))
    found = run({"comparison_method": method, "comparison_threshold": 0.08})
    assert bool(broken(found)) is drifts


def test_a_crossed_threshold_of_the_models_quality_is_a_violation(run: Run, tmp_path: Path) -> None:
    limit = {"threshold": 5.0, "comparison_operator": "GreaterThanThreshold"}
    (tmp_path / "quality.json").write_text(json.dumps({"regression_constraints": {"rmse": limit}}))
    asked = {
        "analysis_type": "MODEL_QUALITY",
        "problem_type": "Regression",
        "inference_attribute": "0",
        "baseline_constraints": str(tmp_path / "quality.json"),
    }
    capture(tmp_path / "captured" / "a.jsonl", lines(500, 2))
    assert run(**asked)["constraint_violations"] == {"violations": []}
    worse = [f"{float(row.split(',')[0]) + 9},{row.split(',', 1)[1]}" for row in lines(500, 2)]
    capture(tmp_path / "captured" / "a.jsonl", worse)
    (violation,) = run(**asked)["constraint_violations"]["violations"]
    assert violation["metric_name"] == "rmse"
    assert violation["description"].startswith("Metric rmse with 9 +/- ")
