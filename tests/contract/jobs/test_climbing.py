"""JobOperator on the capacity ladder: what moves it, what does not, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.jobs.capacity import Ladder, Rung
from frugal.jobs.operator import JobOperator
from frugal.jobs.outcome import AlgorithmFailed, CapacityUnavailable
from tests.contract.jobs.attempts import (
    LIMIT,
    SLEEP,
    finish,
    killed_after_submit,
    operator,
    processing,
    result_of,
    statuses,
    submit,
)
from tests.contract.jobs.conftest import BUCKET, IMAGE, ROLE, Account
from tests.contract.waiting import await_true

SMALL, LARGE = "ml.m5.large", "ml.m5.xlarge"
HOME, AWAY = "us-east-1", "eu-west-1"
Shortage = Callable[..., None]


@pytest.fixture
def shortage(account: Account) -> Iterator[Shortage]:
    """Takes capacity away until the test ends, or gives all of it back."""

    def take(**keys: Any) -> None:
        if keys:
            account.local.ask("POST", "/_local/faults", {"fault": "no-capacity", **keys})
        else:
            account.local.ask("DELETE", "/_local/faults")

    yield take
    take()


def on(instance: str, script: str = "pass") -> Callable[[Inputs], dict[str, Any]]:
    """A processing job on an instance type."""

    def build(inputs: Inputs) -> dict[str, Any]:
        request = processing(script)(inputs)
        request["ProcessingResources"]["ClusterConfig"]["InstanceType"] = instance
        return request

    return build


def training(instance: str, *, spot: bool) -> Callable[[Inputs], dict[str, Any]]:
    return lambda inputs: {
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/climbing"},
        "ResourceConfig": {"InstanceType": instance, "InstanceCount": 1, "VolumeSizeInGB": 1},
        "EnableManagedSpotTraining": spot,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": LIMIT,
            **({"MaxWaitTimeInSeconds": LIMIT} if spot else {}),
        },
    }


def ladder(*rungs: tuple[int, str], region: str = HOME, patience: float | None = None) -> Ladder:
    """Rungs by index and instance, in the order in which they are tried."""
    return Ladder(
        tuple(Rung(index, name, False, region, patience, reason="cheap") for index, name in rungs)
    )


def climber(task: str, decided: Ladder, *scripts: str, **arguments: Any) -> JobOperator:
    """An operator whose rungs are SMALL and LARGE, in the order that was decided."""
    small, large = scripts or ("pass", "pass")
    return operator(
        task,
        requests=[on(SMALL, small), on(LARGE, large)],
        ladder=lambda inputs: decided,
        **arguments,
    )


def test_rungs_are_tried_in_the_order_that_was_decided(
    account: Account, task: str, shortage: Shortage
) -> None:
    shortage(instance=LARGE, job=f"churn-{task}*")
    seen: list[tuple[str, int]] = []

    def enter(inputs: Inputs, rung: Rung) -> None:
        seen.append(("enter", rung.index))

    def leave(inputs: Inputs, rung: Rung, job: str) -> dict[str, Any]:
        seen.append(("leave", rung.index))
        return {"artifact": f"home of {job}"}

    decided = ladder((1, LARGE), (0, SMALL))
    result = result_of(climber(task, decided, enter=enter, leave=leave), account.context(task))
    assert (result["rung"], result["instance"], result["region"]) == (0, SMALL, HOME)
    assert result["artifact"] == f"home of {result['job']}"
    assert result["ladder"] == decided.as_json()
    assert seen == [("enter", 1), ("leave", 1), ("enter", 0), ("leave", 0)]
    tags = account.sagemaker.list_tags(ResourceArn=result["arn"])["Tags"]
    assert {"Key": "frugal:rung", "Value": f"1: {SMALL} on-demand in {HOME}: cheap"} in tags


def test_a_container_that_fails_moves_no_rung(account: Account, task: str) -> None:
    job = climber(task, ladder((0, SMALL), (1, LARGE)), "raise SystemExit(1)", "pass")
    with pytest.raises(AlgorithmFailed):
        result_of(job, account.context(task))
    assert statuses(task) == ["Failed"]


@pytest.mark.parametrize("store", [True, False])
def test_a_retry_goes_on_from_the_rung_that_it_came_to(
    account: Account, task: str, shortage: Shortage, store: bool
) -> None:
    shortage(instance=SMALL, job=f"churn-{task}*")
    first, retry = (climber(task, ladder((0, SMALL), (1, LARGE))) for _ in range(2))
    killed_after_submit(first, account.context(task, store=store))
    await_true(lambda: statuses(task) == ["Failed"])
    assert result_of(retry, account.context(task, store=store))["rung"] == 1
    assert statuses(task) == ["Failed", "Completed"]


def test_the_order_is_decided_once_and_kept_for_the_retry(account: Account, task: str) -> None:
    orders = iter([ladder((1, LARGE), (0, SMALL))])  # asking for a second one would fail
    rungs = [on(SMALL), on(LARGE, SLEEP)]
    for _ in range(2):
        job = operator(task, requests=rungs, ladder=lambda inputs: next(orders))
        deferred = submit(job, account.context(task))
        kept = deferred.trigger.note["ladder"]
        assert [rung["index"] for rung in kept["rungs"]] == [1, 0]
    job.on_kill()


def test_without_a_store_a_retry_adopts_whatever_the_order_is_by_then(
    account: Account, task: str
) -> None:
    for order in [((1, LARGE), (0, SMALL)), ((0, SMALL), (1, LARGE))]:
        job = climber(task, ladder(*order), "pass", SLEEP)
        submit(job, account.context(task, store=False))
    assert statuses(task) == ["InProgress"]
    job.on_kill()


def test_after_the_last_rung_a_retry_begins_at_the_first(
    account: Account, task: str, shortage: Shortage
) -> None:
    shortage(job=f"churn-{task}*")
    job, context = climber(task, ladder((0, SMALL), (1, LARGE))), account.context(task)
    with pytest.raises(CapacityUnavailable):
        result_of(job, context)
    shortage()
    assert result_of(job, context)["rung"] == 0
    assert statuses(task) == ["Failed", "Failed", "Completed"]


def test_a_quota_that_is_reached_moves_to_the_next_rung(account: Account, task: str) -> None:
    def refuse(params: dict[str, Any], **event: Any) -> None:
        if f'"{SMALL}"' in str(params["body"]):
            error = {"Code": "ResourceLimitExceeded", "Message": "the limit is 0 Instances"}
            raise ClientError({"Error": error}, "CreateProcessingJob")

    events = clients.client("sagemaker").meta.events
    events.register("before-call.sagemaker.CreateProcessingJob", refuse)
    job = climber(task, ladder((0, SMALL), (1, LARGE)))
    result = result_of(job, account.context(task))
    events.unregister("before-call.sagemaker.CreateProcessingJob", refuse)
    assert result["rung"] == 1
    assert statuses(task) == ["Completed"]


def test_capacity_that_does_not_come_within_the_patience_is_not_waited_for(
    account: Account, task: str, shortage: Shortage
) -> None:
    shortage(job=f"churn-{task}*")
    rungs = [training(LARGE, spot=True), training(LARGE, spot=False)]
    decided = ladder((0, LARGE), (1, LARGE), patience=0.5)
    job = operator(task, kind="training", requests=rungs, ladder=lambda inputs: decided)
    context = account.context(task)
    deferred = submit(job, context)
    with pytest.raises(CapacityUnavailable, match="no capacity"):
        finish(job, deferred, context)
    spot = account.sagemaker.describe_training_job(TrainingJobName=deferred.trigger.job)
    assert spot["TrainingJobStatus"] == "Stopped"
    assert "BillableTimeInSeconds" not in spot
    assert job.kind.bill(spot).seconds_billed == 0
    listed = account.sagemaker.list_training_jobs(NameContains=f"churn-{task}")
    assert len(listed["TrainingJobSummaries"]) == 2


def test_a_job_in_another_region_is_watched_and_stopped_there(account: Account, task: str) -> None:
    job = climber(task, ladder((0, SMALL), region=AWAY), SLEEP, SLEEP)
    deferred = submit(job, account.context(task))
    adopted = submit(job, account.context(task))
    assert adopted.trigger.serialize() == deferred.trigger.serialize()
    assert statuses(task) == []
    job.on_kill()
    await_true(lambda: statuses(task, AWAY) == ["Stopped"])
