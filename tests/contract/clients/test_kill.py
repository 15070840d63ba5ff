"""SIGKILL of the local AWS under work, seen by its clients: what they had is there, what ran is settled."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from frugal.local import LocalAws
from tests.contract.clients import example
from tests.contract.waiting import await_true

BUCKET = "clients-kill"
WAIT = {"Delay": 0.2, "MaxAttempts": 1200}


@pytest.fixture
def client(own_local_aws: LocalAws) -> Callable[[str], Any]:
    """Service -> boto3 client."""
    session = boto3.Session("local", "local", region_name="us-east-1")
    return lambda service: session.client(service, endpoint_url=own_local_aws.url)


def objects(s3: Any, prefix: str = "") -> dict[str, tuple[Any, ...]]:
    """Key -> all that a client sees of an object."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    listed = [item for page in pages for item in page.get("Contents", [])]
    found = {}
    for item in listed:
        got = s3.get_object(Bucket=BUCKET, Key=item["Key"])
        body = got["Body"].read()
        seen = (item["ETag"], item["LastModified"], item["Size"])
        found[item["Key"]] = (*seen, got["ETag"], got["LastModified"], got["Metadata"], body)
    return found


def descendants(pid: int) -> set[int]:
    """The processes below a process, whatever group or session they are in."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), set()).add(int(entry.parent.name))
    found: set[int] = set()
    new = {pid}
    while new:
        new = set().union(*(children.get(parent, set()) for parent in new)) - found
        found |= new
    return found


def kill(local: LocalAws) -> set[int]:
    """SIGKILL the local AWS; returns what ran below it."""
    pid = int(local.status()["pid"])
    below = descendants(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return below


def invoke(client: Callable[[str], Any], name: str) -> str:
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=example.ROWS
    )
    text: str = answer["Body"].read().decode()
    return text


def deploy(client: Callable[[str], Any], name: str) -> None:
    """Train and serve the example."""
    sagemaker = client("sagemaker")
    sagemaker.create_training_job(**example.training_job(name, BUCKET))
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=name, WaiterConfig=WAIT)
    job = sagemaker.describe_training_job(TrainingJobName=name)
    artifacts = job["ModelArtifacts"]["S3ModelArtifacts"]
    sagemaker.create_model(**example.model(name, BUCKET, artifacts))
    sagemaker.create_endpoint_config(**example.endpoint_config(name, name))
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=WAIT)


def start_endless(client: Callable[[str], Any], name: str, *, spot: bool) -> None:
    """Start training that ends only when it is resumed, and await its checkpoint in S3."""
    request = example.training_job(name, BUCKET)
    request["HyperParameters"]["sagemaker_program"] = '"train_until_resumed.py"'
    del request["HyperParameters"]["scale"]
    request["CheckpointConfig"] = {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"}
    if spot:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 3600
    client("sagemaker").create_training_job(**request)
    s3, prefix = client("s3"), f"checkpoints/{name}/"
    await_true(lambda: bool(objects(s3, prefix)), "a checkpoint")


def test_a_kill_loses_nothing_and_leaves_no_process(
    own_local_aws: LocalAws, client: Callable[[str], Any], tmp_path: Path
) -> None:
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    inputs = example.write_inputs(tmp_path / "bucket")
    for key in (example.CODE_KEY, example.DATA_KEY):
        s3.upload_file(str(inputs / key), BUCKET, key, ExtraArgs={"Metadata": {"by": "boto3"}})
    (tmp_path / "large").write_bytes(os.urandom(20 << 20))
    s3.upload_file(str(tmp_path / "large"), BUCKET, "large in parts/ä")
    deploy(client, "kill")
    start_endless(client, "kill-spot", spot=True)
    start_endless(client, "kill-on-demand", spot=False)
    before = objects(s3)

    below = kill(own_local_aws)
    assert len(below) >= 9  # a leash, a toolkit, a script and its helper twice; a model server's
    await_true(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), "all to be gone")

    own_local_aws.start()
    after = objects(s3)
    assert {key: after.get(key) for key in before} == before
    assert invoke(client, "kill") == example.PREDICTIONS
    status = sagemaker.describe_endpoint(EndpointName="kill")["EndpointStatus"]
    assert status == "InService"

    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="kill-spot", WaiterConfig=WAIT)
    spot = sagemaker.describe_training_job(TrainingJobName="kill-spot")
    assert spot["TrainingJobStatus"] == "Completed"
    history = [entry["Status"] for entry in spot["SecondaryStatusTransitions"]]
    assert history.index("Interrupted") < history.index("Completed")
    lost = sagemaker.describe_training_job(TrainingJobName="kill-on-demand")
    assert lost["TrainingJobStatus"] == "Failed"
    assert lost["FailureReason"].startswith("InternalServerError")


def test_killed_again_while_it_settles_it_still_settles(
    own_local_aws: LocalAws, client: Callable[[str], Any], tmp_path: Path
) -> None:
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    inputs = example.write_inputs(tmp_path / "bucket")
    for key in (example.CODE_KEY, example.DATA_KEY):
        s3.upload_file(str(inputs / key), BUCKET, key)
    start_endless(client, "kill-twice", spot=True)
    for _ in range(2):
        kill(own_local_aws)
        own_local_aws.start()
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="kill-twice", WaiterConfig=WAIT)
    job = sagemaker.describe_training_job(TrainingJobName="kill-twice")
    assert job["TrainingJobStatus"] == "Completed"
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
