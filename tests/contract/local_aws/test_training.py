"""Training jobs, from plain boto3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.waiting import await_true

from .conftest import BUCKET, LocalAws, await_training, passed_through, training_request, unpack

LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def test_a_job_runs_to_completion_and_leaves_what_aws_leaves(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str
) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{name}/train/rows.csv", Body=b"1,2\n")
    request = training_request(name, rounds="4")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/train/"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    sagemaker.create_training_job(**request, InputDataConfig=[channel])
    job = await_training(sagemaker, name)

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (
        f"s3://{BUCKET}/models/{name}/output/model.tar.gz"
    )
    history = job["SecondaryStatusTransitions"]
    assert [entry["Status"] for entry in history] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert len({entry["StatusMessage"] for entry in history}) == len(history)
    assert all("EndTime" in entry for entry in history)
    assert [(m["MetricName"], m["Value"]) for m in job["FinalMetricDataList"]] == [("loss", 0.25)]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]

    def stored(key: str) -> dict[str, str]:
        body = s3.get_object(Bucket=BUCKET, Key=f"models/{name}/output/{key}")["Body"]
        return unpack(body.read())

    assert stored("model.tar.gz") == {"name": "model-4"}
    assert json.loads(stored("output.tar.gz")["training.json"]) == {"resumed_at": 0}
    logs = local_aws.client("logs")
    (stream,) = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")[
        "logStreams"
    ]
    assert stream["logStreamName"].startswith(f"{name}/algo-1-")
    assert logged(local_aws, name)[:2] == ["starting at 0", "[1] loss=1.0000;"]


def test_a_script_that_fails_gives_its_reason(sagemaker: Any, name: str) -> None:
    sagemaker.create_training_job(**training_request(name, mode="fail"))
    job = await_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: the data is no good, exit code: 3"
    assert "ModelArtifacts" not in job


@pytest.mark.parametrize("mode", ["ok", "ignore-term"])
def test_stopping_keeps_the_model_so_far(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str, mode: str
) -> None:
    sagemaker.create_training_job(
        **training_request(name, rounds="9999", seconds="0.02", mode=mode)
    )
    await_training(sagemaker, name, "Training")
    await_true(lambda: len(logged(local_aws, name)) > 1, "a first round")
    sagemaker.stop_training_job(TrainingJobName=name)
    job = await_training(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert passed_through(sagemaker, name)[-3:] == ["Training", "Stopping", "Stopped"]
    body = s3.get_object(Bucket=BUCKET, Key=f"models/{name}/output/model.tar.gz")["Body"].read()
    assert unpack(body)["name"].startswith("model-")


def logged(local_aws: LocalAws, job: str) -> list[str]:
    """The lines of all of a job's log streams."""
    logs = local_aws.client("logs")
    streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{job}/")
    return [
        event["message"]
        for stream in streams["logStreams"]
        for event in logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]


def test_max_runtime_stops_a_job(sagemaker: Any, name: str) -> None:
    request = training_request(name, rounds="9999", seconds="0.05")
    request["StoppingCondition"]["MaxRuntimeInSeconds"] = 1
    sagemaker.create_training_job(**request)
    job = await_training(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "ModelArtifacts" in job


def test_a_reclaimed_spot_job_resumes_from_its_checkpoint(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    sagemaker.create_training_job(**training_request(name, spot=True, until=str(release)))
    await_training(sagemaker, name, "Training")
    key = f"checkpoints/{name}/round.json"
    await_true(
        lambda: s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"], "a first checkpoint"
    )
    status, _ = local_aws.admin("POST", "interrupt", json.dumps({"TrainingJobName": name}))
    assert status == 200
    await_true(lambda: "Interrupted" in passed_through(sagemaker, name), "the reclaim")
    release.touch()
    job = await_training(sagemaker, name)

    assert job["TrainingJobStatus"] == "Completed"
    statuses = passed_through(sagemaker, name)
    assert statuses.count("Training") == 2
    assert statuses.count("Interrupted") == 1
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]
    output = s3.get_object(Bucket=BUCKET, Key=f"models/{name}/output/output.tar.gz")["Body"].read()
    assert json.loads(unpack(output)["training.json"])["resumed_at"] > 0
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) == {"round": 3}
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix=f"checkpoints/{name}/round.tmp")["KeyCount"]
    streams = local_aws.client("logs").describe_log_streams(
        logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/"
    )["logStreams"]
    assert len(streams) == 2


def test_only_spot_jobs_can_be_reclaimed(local_aws: LocalAws, sagemaker: Any, name: str) -> None:
    sagemaker.create_training_job(**training_request(name))
    body = json.dumps({"TrainingJobName": name})
    assert local_aws.admin("POST", "interrupt", body)[0] == 400
    assert local_aws.admin("POST", "interrupt", '{"TrainingJobName": "nobody"}')[0] == 404
    await_training(sagemaker, name)


def test_missing_input_fails_the_job_as_aws_does(sagemaker: Any, name: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nothing-here/"}
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": source}}
    sagemaker.create_training_job(**training_request(name), InputDataConfig=[channel])
    job = await_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


def test_an_unknown_image_fails_the_job_and_names_the_known_ones(sagemaker: Any, name: str) -> None:
    request = training_request(name)
    request["AlgorithmSpecification"]["TrainingImage"] = "1.dkr.ecr.us-east-1.amazonaws.com/no:1"
    sagemaker.create_training_job(**request)
    job = await_training(sagemaker, name)
    assert "sagemaker-xgboost:3.0-5" in job["FailureReason"]


def test_jobs_wait_for_capacity_and_spot_jobs_give_up(mortal: LocalAws, name: str) -> None:
    sagemaker = mortal.client("sagemaker")
    running = [f"{name}-{letter}" for letter in "ab"]
    for each in running:
        sagemaker.create_training_job(**training_request(each, rounds="9999", seconds="0.05"))
        await_training(sagemaker, each, "Training")
    waiting = training_request(name, spot=True)
    waiting["StoppingCondition"] = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    sagemaker.create_training_job(**waiting)
    job = await_training(sagemaker, name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")
    assert "Pending" in passed_through(sagemaker, name)
    assert "TrainingStartTime" not in job
    for each in running:
        sagemaker.stop_training_job(TrainingJobName=each)
        await_training(sagemaker, each)


def test_state_changes_reach_a_queue(local_aws: LocalAws, sagemaker: Any, name: str) -> None:
    sqs, events = local_aws.client("sqs"), local_aws.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {"TrainingJobStatus": ["Completed"], "TrainingJobName": [name]},
    }
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    arn = attributes["Attributes"]["QueueArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    sagemaker.create_training_job(**training_request(name))
    await_training(sagemaker, name)
    (message,) = await_true(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "an event")
    assert json.loads(message["Body"])["detail"]["SecondaryStatus"] == "Completed"


def test_names_are_free_again_after_deletion(sagemaker: Any, name: str) -> None:
    sagemaker.create_training_job(**training_request(name))
    with pytest.raises(sagemaker.exceptions.ResourceInUse):
        sagemaker.create_training_job(**training_request(name))
    await_training(sagemaker, name)
    sagemaker.delete_training_job(TrainingJobName=name)
    with pytest.raises(sagemaker.exceptions.ClientError, match="Requested resource not found"):
        sagemaker.describe_training_job(TrainingJobName=name)
    sagemaker.create_training_job(**training_request(name))
    await_training(sagemaker, name)


def test_a_job_that_is_stopped_while_it_starts_never_looks_in_progress_again(
    sagemaker: Any, name: str
) -> None:
    sagemaker.create_training_job(**training_request(name, rounds="9999", seconds="0.05"))
    sagemaker.stop_training_job(TrainingJobName=name)
    await_training(sagemaker, name)
    assert passed_through(sagemaker, name)[-2:] == ["Stopping", "Stopped"]


def test_a_bucket_that_is_not_there_fails_the_job(sagemaker: Any, name: str) -> None:
    request = training_request(name)
    request["OutputDataConfig"]["S3OutputPath"] = "s3://no-such-bucket/models"
    sagemaker.create_training_job(**request)
    job = await_training(sagemaker, name)
    assert job["TrainingJobStatus"] == "Failed"
    assert "NoSuchBucket" in job["FailureReason"]
    request = training_request(f"{name}-ck", spot=True, rounds="9999", seconds="0.05")
    request["CheckpointConfig"]["S3Uri"] = "s3://no-such-bucket/checkpoints"
    sagemaker.create_training_job(**request)
    assert "NoSuchBucket" in await_training(sagemaker, f"{name}-ck")["FailureReason"]


def test_a_metric_that_is_no_regular_expression_is_refused(sagemaker: Any, name: str) -> None:
    request = training_request(name)
    request["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = "loss=("
    with pytest.raises(sagemaker.exceptions.ClientError, match="is invalid"):
        sagemaker.create_training_job(**request)


def test_a_log_group_may_go_while_a_job_writes(
    local_aws: LocalAws, sagemaker: Any, name: str, tmp_path: Path
) -> None:
    release = tmp_path / "release"
    sagemaker.create_training_job(**training_request(name, until=str(release)))
    await_training(sagemaker, name, "Training")
    await_true(lambda: len(logged(local_aws, name)) > 3, "a line of every round")
    local_aws.client("logs").delete_log_group(logGroupName=LOG_GROUP)
    release.touch()
    assert await_training(sagemaker, name)["TrainingJobStatus"] == "Completed"
    assert logged(local_aws, name) == ["released"]
