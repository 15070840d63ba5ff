"""Faults of the local AWS, as clients and jobs meet them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config

from tests.contract.waiting import await_true

from .conftest import (
    BUCKET,
    LocalAws,
    await_processing,
    await_training,
    passed_through,
    processing_request,
    training_request,
)
from .test_training import logged


@pytest.fixture(scope="module")
def faulty(start_local_aws: Any) -> LocalAws:
    """A server whose faults disturb nobody else."""
    server: LocalAws = start_local_aws("--reclaim-seconds", "0.1", "--slots", "4")
    return server


@pytest.fixture(autouse=True)
def _no_faults_stay(faulty: LocalAws) -> Iterator[None]:
    yield
    assert faulty.admin("DELETE", "faults")[0] == 200


def once(server: LocalAws, service: str) -> Any:
    """A client that does not try again."""
    return boto3.client(
        service, endpoint_url=server.url, config=Config(retries={"total_max_attempts": 1})
    )


@pytest.fixture
def sagemaker(faulty: LocalAws) -> Any:
    return once(faulty, "sagemaker")


def add(server: LocalAws, fault: str, **keys: Any) -> dict[str, Any]:
    status, answer = server.admin("POST", "faults", json.dumps({"fault": fault, **keys}))
    assert status == 200, answer
    (rule,) = json.loads(answer)["rules"]
    return dict(rule)


def struck(server: LocalAws) -> list[int]:
    """How often each rule struck, in order."""
    return [rule["fired"] for rule in json.loads(server.admin("GET", "faults")[1])["rules"]]


def test_rules_are_listed_and_cleared(faulty: LocalAws) -> None:
    first = add(faulty, "slow", delay=0.1, operation="DeleteModelPackageGroup")
    second = add(faulty, "throttle", operation="DeleteModelPackageGroup", count=2)
    assert (first["id"], second["id"]) == (1, 2)
    listed = json.loads(faulty.admin("GET", "faults")[1])["rules"]
    assert listed == [
        {
            "id": 1,
            "fault": "slow",
            "delay": 0.1,
            "operation": "DeleteModelPackageGroup",
            "fired": 0,
        },
        {
            "id": 2,
            "fault": "throttle",
            "operation": "DeleteModelPackageGroup",
            "count": 2,
            "fired": 0,
        },
    ]
    assert json.loads(faulty.admin("DELETE", "faults/1")[1]) == {"cleared": 1}
    assert faulty.admin("DELETE", "faults/1")[0] == 404
    assert json.loads(faulty.admin("DELETE", "faults")[1]) == {"cleared": 1}


def test_a_bad_rule_is_refused_with_every_mistake_and_what_is_allowed(faulty: LocalAws) -> None:
    rules = [
        {"fault": "throttle", "operation": "Create*", "count": 0, "job": "x"},
        {"fault": "melt"},
        {"fault": "error"},
    ]
    status, answer = faulty.admin("POST", "faults", json.dumps({"rules": rules}))
    assert status == 400
    lines = json.loads(answer)["error"].splitlines()
    assert lines[0] == "faults: rule 1: count: 0 was given, allowed is a whole number from 1"
    assert lines[1].startswith("faults: rule 1: job: 'x' was given, allowed keys of throttle are")
    assert lines[2].startswith("faults: rule 2: fault: 'melt' was given, allowed is one of reclaim")
    assert lines[3].startswith("faults: rule 3: error: nothing was given, needed is one of")
    assert json.loads(faulty.admin("GET", "faults")[1])["rules"] == []


def test_a_call_is_throttled_so_many_times(faulty: LocalAws, sagemaker: Any) -> None:
    add(faulty, "throttle", service="sagemaker", operation="List*Jobs", count=2)
    for _ in range(2):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            sagemaker.list_training_jobs()
        assert caught.value.response["Error"] == {
            "Code": "ThrottlingException",
            "Message": "Rate exceeded",
        }
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_training_jobs()["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert struck(faulty) == [2]


@pytest.mark.parametrize(
    ("service", "call", "error", "code", "status"),
    [
        ("sagemaker", "list_models", "InternalFailure", "InternalFailure", 500),
        ("sagemaker", "list_models", "ExpiredTokenException", "ExpiredTokenException", 400),
        ("s3", "list_buckets", "ExpiredTokenException", "ExpiredToken", 400),
        ("sns", "list_topics", "ExpiredTokenException", "ExpiredToken", 403),
        ("cloudwatch", "list_metrics", "ServiceUnavailable", "ServiceUnavailable", 503),
    ],
)
def test_a_call_gets_an_error_in_its_services_own_form(
    faulty: LocalAws, service: str, call: str, error: str, code: str, status: int
) -> None:
    add(faulty, "error", service=service, error=error, count=1)
    client = once(faulty, service)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        getattr(client, call)()
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    getattr(client, call)()


@pytest.mark.parametrize(("error", "there"), [("drop-before", False), ("drop-after", True)])
def test_a_dropped_connection_takes_the_call_with_it_or_not(
    faulty: LocalAws, sagemaker: Any, name: str, error: str, there: bool
) -> None:
    add(faulty, "error", operation="CreateModelPackageGroup", error=error, count=1)
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
    found = sagemaker.list_model_package_groups(NameContains=name)["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in found] == ([name] if there else [])


def test_a_call_is_slow(faulty: LocalAws, sagemaker: Any) -> None:
    add(faulty, "slow", operation="ListModels", delay=0.5, count=1)
    started = time.monotonic()
    sagemaker.list_models()
    assert time.monotonic() - started >= 0.5


def test_one_error_strikes_at_a_time_and_s3s_own_strike_s3_alone(
    faulty: LocalAws, sagemaker: Any
) -> None:
    add(faulty, "s3-error")
    add(faulty, "throttle", operation="ListModels", count=1)
    add(faulty, "error", operation="ListModels", error="InternalFailure", count=1)
    for code in ("ThrottlingException", "InternalFailure"):
        with pytest.raises(botocore.exceptions.ClientError, match=code):
            sagemaker.list_models()
    sagemaker.list_models()
    assert struck(faulty) == [0, 1, 1]


@pytest.mark.parametrize("operation", ["PutObject", "GetObject", "UploadPart", "ListObjectsV2"])
def test_s3_fails_by_operation_and_key(faulty: LocalAws, name: str, operation: str) -> None:
    s3 = once(faulty, "s3")
    s3.put_object(Bucket=BUCKET, Key=f"{name}/a", Body=b"1")
    key = {} if operation == "ListObjectsV2" else {"key": f"{name}/*"}
    add(faulty, "s3-error", operation=operation, bucket="frugal-*", **key, count=1)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=f"{name}/b")["UploadId"]
    s3.head_object(Bucket=BUCKET, Key=f"{name}/a")
    part = {"Bucket": BUCKET, "Key": f"{name}/b", "UploadId": upload, "PartNumber": 1}
    calls = {
        "PutObject": lambda: s3.put_object(Bucket=BUCKET, Key=f"{name}/a", Body=b"2"),
        "GetObject": lambda: s3.get_object(Bucket=BUCKET, Key=f"{name}/a"),
        "UploadPart": lambda: s3.upload_part(**part, Body=b"3"),
        "ListObjectsV2": lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/"),
    }
    others = [call for call in calls if call != operation]
    for other in others:
        calls[other]()
    with pytest.raises(botocore.exceptions.ClientError, match="SlowDown") as caught:
        calls[operation]()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    calls[operation]()


def test_spot_capacity_is_reclaimed_so_many_times(
    faulty: LocalAws, sagemaker: Any, name: str, tmp_path: Path
) -> None:
    add(faulty, "reclaim", job=name, at=0.2, count=3)
    release = tmp_path / "release"
    sagemaker.create_training_job(**training_request(name, spot=True, until=str(release)))
    await_true(lambda: struck(faulty) == [3], "the third reclaim")
    await_true(lambda: passed_through(sagemaker, name).count("Training") == 4, "a fourth start")
    release.touch()
    job = await_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Completed"
    statuses = passed_through(sagemaker, name)
    assert (statuses.count("Interrupted"), statuses.count("Training")) == (3, 4)


def test_capacity_on_demand_is_not_reclaimed(faulty: LocalAws, sagemaker: Any, name: str) -> None:
    add(faulty, "reclaim", job=name)
    sagemaker.create_training_job(**training_request(name))
    assert await_training(sagemaker, name)["TrainingJobStatus"] == "Completed"
    assert struck(faulty) == [0]


def test_a_spot_job_without_capacity_waits_until_its_own_limit(
    faulty: LocalAws, sagemaker: Any, name: str
) -> None:
    add(faulty, "no-capacity", instance="ml.m5.*", spot=True)
    request = training_request(name, spot=True)
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    sagemaker.create_training_job(**request)
    job = await_training(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "TrainingStartTime" not in job
    assert "BillableTimeInSeconds" not in job
    assert "Pending" in [entry["Status"] for entry in job["SecondaryStatusTransitions"]]
    on_demand = f"{name}-on-demand"
    sagemaker.create_training_job(**training_request(on_demand))
    assert await_training(sagemaker, on_demand)["TrainingJobStatus"] == "Completed"


def test_a_spot_job_starts_when_capacity_comes_back(
    faulty: LocalAws, sagemaker: Any, name: str
) -> None:
    add(faulty, "no-capacity", region="us-east-1")
    sagemaker.create_training_job(**training_request(name, spot=True))
    await_training(sagemaker, name, "Pending")
    faulty.admin("DELETE", "faults")
    assert await_training(sagemaker, name)["TrainingJobStatus"] == "Completed"


def test_jobs_on_demand_without_capacity_fail(faulty: LocalAws, sagemaker: Any, name: str) -> None:
    add(faulty, "no-capacity", job=f"{name}*", count=2)
    sagemaker.create_training_job(**training_request(name))
    processing = processing_request(faulty.client("s3"), f"{name}-p", "print('ran')")
    sagemaker.create_processing_job(**processing)
    reason = (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    trained, processed = await_training(sagemaker, name), await_processing(sagemaker, f"{name}-p")
    assert (trained["TrainingJobStatus"], trained["FailureReason"]) == ("Failed", reason)
    assert (processed["ProcessingJobStatus"], processed["FailureReason"]) == ("Failed", reason)
    sagemaker.create_training_job(**training_request(f"{name}-again"))
    assert await_training(sagemaker, f"{name}-again")["TrainingJobStatus"] == "Completed"


def test_jobs_that_wait_for_capacity_can_be_stopped(
    faulty: LocalAws, sagemaker: Any, name: str
) -> None:
    add(faulty, "no-capacity", job=name)
    sagemaker.create_training_job(**training_request(name, spot=True))
    await_training(sagemaker, name, "Pending")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = await_training(sagemaker, name)
    assert (job["SecondaryStatus"], "TrainingStartTime" in job) == ("Stopped", False)


def test_a_fault_that_is_added_late_strikes_what_runs(
    faulty: LocalAws, sagemaker: Any, name: str
) -> None:
    request = training_request(name, spot=True, rounds="9999", seconds="0.05")
    sagemaker.create_training_job(**request)
    await_training(sagemaker, name, "Training")
    add(faulty, "fail-container", job=name, exit_code=2, message="too late")
    assert "too late, exit code: 2" in await_training(sagemaker, name)["FailureReason"]


@pytest.mark.parametrize("at", [0, 0.3])
def test_a_container_fails_with_a_message(
    faulty: LocalAws, sagemaker: Any, name: str, at: float
) -> None:
    message = "CUDA out of memory"
    add(faulty, "fail-container", job=name, message=message, exit_code=7, at=at, count=1)
    sagemaker.create_training_job(**training_request(name, rounds="9999", seconds="0.05"))
    job = await_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == f"AlgorithmError: {message}, exit code: 7"


def test_a_processing_container_fails_with_a_message(
    faulty: LocalAws, sagemaker: Any, name: str
) -> None:
    add(faulty, "fail-container", job=name, message="no rows left")
    s3 = faulty.client("s3")
    sagemaker.create_processing_job(**processing_request(s3, name, "print('ran')"))
    job = await_processing(sagemaker, name)
    assert (job["ProcessingJobStatus"], job["ExitMessage"]) == ("Failed", "no rows left")


def test_what_is_drawn_depends_on_the_seed_alone(faulty: LocalAws, sagemaker: Any) -> None:
    def fails() -> bool:
        try:
            sagemaker.list_models()
        except botocore.exceptions.ClientError:
            return True
        return False

    def outcomes(seed: int) -> list[bool]:
        rule = {"fault": "throttle", "operation": "ListModels", "probability": 0.5}
        plan = json.dumps({"seed": seed, "rules": [rule]})
        assert faulty.admin("POST", "faults", plan)[0] == 200
        found = [fails() for _ in range(16)]
        assert faulty.admin("DELETE", "faults")[0] == 200
        return found

    first = outcomes(5)
    assert len(set(first)) == 2
    assert outcomes(5) == first
    assert outcomes(6) != first


def test_a_job_that_never_had_capacity_waits_on_after_a_kill(mortal: LocalAws, name: str) -> None:
    server = mortal
    sagemaker = server.client("sagemaker")
    add(server, "no-capacity", job=name)
    sagemaker.create_training_job(**training_request(name, spot=True))
    await_training(sagemaker, name, "Pending")
    server.kill()
    server.start()
    assert sagemaker.describe_training_job(TrainingJobName=name)["SecondaryStatus"] == "Pending"
    assert server.admin("DELETE", "faults")[0] == 200
    job = await_training(sagemaker, name)
    assert job["SecondaryStatus"] == "Completed"
    assert "Interrupted" not in [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


def test_rules_and_what_they_struck_survive_a_kill(
    start_local_aws: Any, tmp_path: Any, name: str
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps([{"fault": "throttle", "operation": "ListModels", "count": 2}]))
    server: LocalAws = start_local_aws("--faults", str(plan), "--seed", "9")
    sagemaker = once(server, "sagemaker")
    with pytest.raises(botocore.exceptions.ClientError, match="Rate exceeded"):
        sagemaker.list_models()
    server.kill()
    server.start()
    assert json.loads(server.admin("GET", "faults")[1])["seed"] == 9
    assert struck(server) == [1]
    with pytest.raises(botocore.exceptions.ClientError, match="Rate exceeded"):
        sagemaker.list_models()
    sagemaker.list_models()


def test_a_stopped_job_has_its_grace_and_leaves_its_last_checkpoint(
    unhurried: LocalAws, name: str
) -> None:
    server = unhurried
    sagemaker, s3 = server.client("sagemaker"), server.client("s3")
    request = training_request(name, spot=True, rounds="9999", seconds="0.05", mode="last-words")
    sagemaker.create_training_job(**request)
    await_training(sagemaker, name, "Training")
    await_true(lambda: logged(server, name), "a first round")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = await_training(sagemaker, name)
    assert job["SecondaryStatus"] == "Stopped"
    key = f"checkpoints/{name}/last-words.json"
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"stopped by SIGTERM"
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert s3.head_object(Bucket=BUCKET, Key=f"models/{name}/output/model.tar.gz")
