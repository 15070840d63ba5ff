"""Warm pools: kept, found, reused, ended."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.waiting import await_true

from .conftest import await_training, training_request


def train(sagemaker: Any, name: str, keep: int | None = 3600, mode: str = "ok") -> dict[str, Any]:
    """A training job that ended."""
    request = training_request(name, mode=mode)
    if keep is not None:
        request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = keep
    sagemaker.create_training_job(**request)
    return await_training(sagemaker, name)


def pool(sagemaker: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)["WarmPoolStatus"]
    return found


def available(sagemaker: Any, name: str) -> list[str]:
    listed = sagemaker.list_training_jobs(NameContains=name, WarmPoolStatusEquals="Available")
    return [job["TrainingJobName"] for job in listed["TrainingJobSummaries"]]


def end(sagemaker: Any, name: str) -> None:
    sagemaker.update_training_job(
        TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0}
    )


def test_a_pool_is_kept_listed_and_ended_by_an_update(sagemaker: Any, name: str) -> None:
    described = train(sagemaker, name)
    assert described["WarmPoolStatus"]["Status"] == "Available"
    assert available(sagemaker, name) == [name]
    with pytest.raises(sagemaker.exceptions.ResourceInUse, match="warm pool"):
        sagemaker.delete_training_job(TrainingJobName=name)
    end(sagemaker, name)
    assert pool(sagemaker, name)["Status"] == "Terminated"
    assert available(sagemaker, name) == []
    with pytest.raises(ClientError, match="not Available"):
        end(sagemaker, name)
    sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(sagemaker.exceptions.ResourceNotFound):
        end(sagemaker, name)


def test_a_pool_ends_when_its_time_is_over(sagemaker: Any, name: str) -> None:
    train(sagemaker, name, keep=1)
    await_true(lambda: pool(sagemaker, name)["Status"] == "Terminated", "the pool to end")
    assert pool(sagemaker, name)["ResourceRetainedBillableTimeInSeconds"] >= 1


def test_a_matching_job_takes_the_pool_over(sagemaker: Any, name: str) -> None:
    train(sagemaker, f"{name}-a")
    train(sagemaker, f"{name}-b")
    first = pool(sagemaker, f"{name}-a")
    assert (first["Status"], first["ReusedByJob"]) == ("Reused", f"{name}-b")
    train(sagemaker, f"{name}-c", keep=None)
    assert pool(sagemaker, f"{name}-b")["Status"] == "Reused"
    assert pool(sagemaker, f"{name}-c")["Status"] == "Terminated"


def test_which_ends_leave_a_pool(sagemaker: Any, name: str) -> None:
    failed = train(sagemaker, name, mode="fail")
    assert failed["TrainingJobStatus"] == "Failed"
    assert failed["WarmPoolStatus"]["Status"] == "Available"
    end(sagemaker, name)
    assert "WarmPoolStatus" not in train(sagemaker, f"{name}-without", keep=None)
