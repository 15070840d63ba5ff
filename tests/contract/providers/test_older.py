"""Jobs run once, are adopted and stopped with the oldest Amazon provider that we name, and one between.

The newest one is installed: all other tests run with it. MWAA's Airflow 3.3.1 has 9.34.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent
JOBS = HERE.parent / "jobs"
DECISIVE = (
    "test_operator.py::test_a_job_runs_once_and_says_what_it_billed",
    "test_operator.py::test_a_retry_after_a_crash_adopts_the_running_job",
    "test_operator.py::test_a_clear_stops_the_job_that_still_runs",
    "test_unreliable_aws.py::test_old_credentials_are_forgotten",
    "test_climbing.py::test_a_job_in_another_region_is_watched_and_stopped_there",
    "test_trigger.py::test_a_trigger_that_only_moved_lets_the_job_go_on",
    "test_trigger.py::test_the_job_of_an_ended_cleared_or_deleted_task_is_stopped",
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", ["9.34", "9.36"])
def test_jobs_with_an_older_provider(
    version: str, python_of: Callable[[str], Path], repository: Path
) -> None:
    environment = python_of(f"providers/amazon-{version}").parents[1]
    [folder] = environment.glob("lib/python*/site-packages")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            *("-p", "tests.contract.providers.older"),
            *(str(JOBS / test) for test in DECISIVE),
        ],
        cwd=repository,
        env=os.environ | {"AMAZON_PROVIDER": str(folder), "AMAZON_PROVIDER_VERSION": version},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
