"""Airflow's side of a task reduced to what an operator sees of it, and an AWS account for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from frugal.aws import clients
from frugal.aws.run import Run
from frugal.local import LocalAws

BUCKET = "frugal-jobs"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::123456789012:role/frugal-train"


class Store(dict[str, Any]):
    """Airflow's task state store: survives the attempts of one task."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


@dataclass
class TaskInstance:
    """The part of a task instance that names and XComs come from."""

    task_id: str
    xcoms: dict[str, Any]
    dag_id: str = "train_churn"
    run_id: str = "manual__1"
    map_index: int = -1
    max_tries: int = 2
    state: str | None = "running"

    def xcom_pull(self, task_ids: str) -> Any:
        return self.xcoms.get(task_ids)

    def get_task_states(
        self, dag_id: str, task_ids: list[str], run_ids: list[str], map_index: int
    ) -> dict[str, dict[str, str]]:
        """State by task id by run id, of task instances that exist."""
        return {run_ids[0]: {task_ids[0]: self.state}} if self.state else {}


@dataclass
class Account:
    """The AWS account of these tests: a boto3 client, a bucket, and the contexts of its tasks."""

    local: LocalAws
    sagemaker: Any
    s3: Any
    stores: dict[str, Store] = field(default_factory=dict)

    def context(self, task_id: str, *, store: bool = True) -> Any:
        """The context of the next attempt of a task; without `store` as before Airflow 3.3."""
        run = Run(
            id="manual-1",
            model="churn",
            region="us-east-1",
            account="123456789012",
            bucket=BUCKET,
            role_prefix="frugal-",
            code="",
            source="",
            code_hash="",
            fingerprint="",
            tags={},
        )
        context: dict[str, Any] = {
            "ti": TaskInstance(task_id, {"prepare": run.as_json()}),
            "params": {},
        }
        if store:
            context["task_state_store"] = self.stores.setdefault(task_id, Store())
        return context


def point_clients_at(local: LocalAws) -> None:
    """This process's clients are this local AWS's from now on; those that are so already stay."""
    if clients.client("s3").meta.endpoint_url != local.url:
        clients.forget()


@pytest.fixture
def account(
    local_aws: LocalAws, aws_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Account:
    """The account, with this process's AWS clients pointing at it."""
    monkeypatch.setenv("FRUGAL_POLL_SECONDS", "0.1")
    point_clients_at(local_aws)
    s3 = clients.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return Account(local_aws, clients.client("sagemaker"), s3)


@pytest.fixture
def task() -> str:
    """A task id that no other test uses."""
    return f"task-{uuid.uuid4().hex[:8]}"
