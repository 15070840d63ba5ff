"""`on_drift: ask` in a real Airflow, answered through its API, and not answered in time, which is a no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.waiting import PATIENCE_SECONDS

from .conftest import SPEC, Model

DAG = Path(__file__).parent / "dags" / "asked.py"
RETRAIN = "retrain: {cooldown: 1s, per_week: 100}"
ASKS = "retrain: {on_drift: ask, answer_within: 1s, cooldown: 1s, per_week: 100}"


@pytest.fixture(scope="module")
def answered(
    make_model: Callable[[], Model], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What came of the two questions."""
    model, home = make_model(), tmp_path_factory.mktemp("airflow")
    model.add_raw(100)
    environment = os.environ | {
        "ASKED_SPEC": SPEC.format(name=model.spec.name).replace(RETRAIN, ASKS),
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(repository / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
    }
    migrate = [sys.executable, "-m", "airflow", "db", "migrate"]
    subprocess.run(migrate, env=environment, check=True, capture_output=True)
    told = home / "told.json"
    done = subprocess.run(
        [sys.executable, str(DAG), str(told)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=3 * PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    found: list[dict[str, Any]] = json.loads(told.read_text())
    return found


@pytest.mark.parametrize(("question", "trained"), [(0, True), (1, False)], ids=["yes", "no answer"])
def test_the_answer_is_done_and_kept(
    answered: list[dict[str, Any]], question: int, trained: bool
) -> None:
    found = answered[question]
    assert found["state"] == "success"
    assert found["decision"]["action"] == "ask"
    assert "it moved" in found["decision"]["why"]
    retrain = found["tasks"]["retrain"]
    assert retrain == ("success" if trained else "skipped")
    run_id = f"drift__{found['window']}"
    assert found["trainings"] == ([run_id] if trained else [])
    outcome = {key: found["outcome"][key] for key in ("started", "refused", "note")}
    note = run_id if trained else "not approved"
    assert outcome == {"started": trained, "refused": not trained, "note": note}
