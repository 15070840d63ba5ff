"""A DAG of one job. `python one_job.py FILE` runs it without a scheduler on a new database, and writes to FILE what
became of it.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, task

from frugal.aws.run import Inputs
from frugal.jobs.operator import JobOperator

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
RUN = {
    "id": "run",
    "model": "churn",
    "region": "us-east-1",
    "account": "123456789012",
    "bucket": "frugal-jobs",
    "role_prefix": "frugal-",
    "code": "",
    "source": "",
    "code_hash": "",
    "fingerprint": "",
    "tags": {},
}


def request(inputs: Inputs) -> dict[str, Any]:
    """CreateProcessingJob for a job that does nothing."""
    return {
        "RoleArn": inputs.run.role("preprocess"),
        "AppSpecification": {
            "ImageUri": f"{REGISTRY}/sagemaker-xgboost:3.0-5",
            "ContainerEntrypoint": ["python3", "-c", "pass"],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }


with DAG(dag_id="one_job", schedule=None) as dag:

    @task
    def prepare() -> dict[str, Any]:
        return RUN

    prepare() >> JobOperator(
        task_id="job",
        kind="processing",
        base_name="one-job",
        requests=[request],
        upstream=["prepare"],
        retries=1,
        retry_delay=timedelta(0),
    )

if __name__ == "__main__":
    from airflow.utils.db import initdb

    initdb()
    ran = dag.test()
    attempts = {found.task_id: found.try_number for found in ran.get_task_instances()}
    Path(sys.argv[1]).write_text(json.dumps({"state": ran.state, "attempts": attempts}))
