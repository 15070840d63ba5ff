"""`dag.test()`: a DAG in one process, without a scheduler or a triggerer, as people debug theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.contract.jobs.conftest import Account

DAG = Path(__file__).parent / "dags" / "one_job.py"


def test_a_job_runs_once_without_a_scheduler(
    account: Account, tmp_path: Path, repository: Path
) -> None:
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(repository / "plugins"), str(repository)]),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    told = tmp_path / "told.json"
    done = subprocess.run(
        [sys.executable, str(DAG), str(told)], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    expected = {"state": "success", "attempts": {"prepare": 1, "job": 1}}
    assert json.loads(told.read_text()) == expected, done.stdout
    jobs = account.sagemaker.list_processing_jobs(NameContains="one-job")
    assert [job["ProcessingJobStatus"] for job in jobs["ProcessingJobSummaries"]] == ["Completed"]
