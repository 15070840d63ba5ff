"""Batch transform jobs, from plain boto3."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contract.waiting import await_true

from .conftest import BUCKET, IMAGE, ROLE, LocalAws, archive

LOG_GROUP = "/aws/sagemaker/TransformJobs"


@pytest.fixture
def model(local_aws: LocalAws, name: str) -> str:
    """A model that answers with what its environment asks for."""
    return make_model(local_aws, name)


def make_model(local_aws: LocalAws, name: str, **environment: str) -> str:
    s3 = local_aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive({"name": "m"}))
    local_aws.client("sagemaker").create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE.replace("xgboost:3.0-5", "batch:1"),
            "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz",
            "Environment": environment,
        },
    )
    return name


def request(name: str, model: str, **changes: Any) -> dict[str, Any]:
    """CreateTransformJob on all of <name>/in/, line by line."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/in/"}
    transform_input = {
        "DataSource": {"S3DataSource": source | changes.pop("source", {})},
        "ContentType": "text/csv",
        "SplitType": "Line",
    }
    output = {
        "S3OutputPath": f"s3://{BUCKET}/{name}/out",
        "Accept": "text/csv",
        "AssembleWith": "Line",
    }
    return {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": transform_input | changes.pop("input", {}),
        "TransformOutput": output | changes.pop("output", {}),
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def put(s3: Any, name: str, **objects: str) -> None:
    for key, content in objects.items():
        s3.put_object(Bucket=BUCKET, Key=f"{name}/in/{key}", Body=content.encode())


def outputs(s3: Any, name: str) -> dict[str, str]:
    """What lies below <name>/out/."""
    prefix = f"{name}/out/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    keys = [entry["Key"] for entry in listed]
    return {
        key.removeprefix(prefix): s3.get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
        for key in keys
    }


def ended(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
        return found if found["TransformJobStatus"] not in ("InProgress", "Stopping") else None

    result: dict[str, Any] = await_true(described, f"{name} to end")
    return result


def logged(local_aws: LocalAws, name: str) -> list[str]:
    logs = local_aws.client("logs")
    streams = logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/")
    return [
        event["message"]
        for stream in streams["logStreams"]
        for event in logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=True
        )["events"]
    ]


def test_every_object_under_a_prefix_is_transformed(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    put(s3, name, **{"a.csv": "1,2\n3,4\n", "more/b.csv": "5,6\n"})
    arn = sagemaker.create_transform_job(
        **request(name, model, Tags=[{"Key": "team", "Value": "x"}])
    )["TransformJobArn"]
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Completed"
    assert job["CreationTime"] <= job["TransformStartTime"] <= job["TransformEndTime"]
    assert outputs(s3, name) == {"a.csv.out": "3.0\n7.0\n", "more/b.csv.out": "11.0\n"}
    (listed,) = sagemaker.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert (listed["TransformJobArn"], listed["TransformJobStatus"]) == (arn, "Completed")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "x"}]
    found = local_aws.client("resourcegroupstaggingapi").get_resources(
        ResourceTypeFilters=["sagemaker:transform-job"],
        TagFilters=[{"Key": "team", "Values": ["x"]}],
    )["ResourceTagMappingList"]
    assert arn in [entry["ResourceARN"] for entry in found]
    said = logged(local_aws, name)
    assert any(
        "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MultiRecord" in line
        for line in said
    )
    assert "batch of 2 lines, SAGEMAKER_BATCH=true" in said


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({"BatchStrategy": "SingleRecord"}, [1, 1, 1]),
        ({"BatchStrategy": "MultiRecord", "MaxConcurrentTransforms": 2}, [3]),
        ({"input": {"SplitType": "None"}}, [3]),
    ],
)
def test_records_are_sent_alone_together_or_as_a_whole_object(
    local_aws: LocalAws,
    sagemaker: Any,
    s3: Any,
    model: str,
    name: str,
    changes: dict[str, Any],
    sent: list[int],
) -> None:
    put(s3, name, **{"a.csv": "1,1\n2,2\n3,3\n"})
    sagemaker.create_transform_job(**request(name, model, **changes))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    assert outputs(s3, name) == {"a.csv.out": "2.0\n4.0\n6.0\n"}
    batches = [line for line in logged(local_aws, name) if line.startswith("batch of")]
    assert [int(line.split()[2]) for line in batches] == sent


def test_the_container_says_what_it_can_take_unless_the_request_does(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str
) -> None:
    wanted = {"MaxConcurrentTransforms": 2, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}
    make_model(local_aws, name, PARAMETERS=json.dumps(wanted))
    put(s3, name, **{"a.csv": "1,1\n2,2\n"})
    sagemaker.create_transform_job(**request(name, name, MaxPayloadInMB=7))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    expected = "MaxConcurrentTransforms=2, MaxPayloadInMB=7, BatchStrategy=SingleRecord"
    assert any(expected in line for line in logged(local_aws, name))


def test_batches_stay_below_the_payload(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    rows = "1,2\n" * 400_000  # 1.5 MB
    put(s3, name, **{"a.csv": rows})
    sagemaker.create_transform_job(**request(name, model, MaxPayloadInMB=1))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    batches = [line for line in logged(local_aws, name) if line.startswith("batch of")]
    assert len(batches) == 2
    assert outputs(s3, name)["a.csv.out"] == "3.0\n" * 400_000


def test_a_record_that_is_too_large_fails_the_job(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    put(s3, name, **{"a.csv": "1," * 600_000, "b.csv": "1,2\n"})
    sagemaker.create_transform_job(**request(name, model, MaxPayloadInMB=1))
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == "ClientError: See job logs for more information"
    assert any("Too much data for max payload size" in line for line in logged(local_aws, name))
    assert outputs(s3, name) == {"b.csv.out": "3.0\n"}


def test_manifests_and_gzip_are_inputs(sagemaker: Any, s3: Any, model: str, name: str) -> None:
    for key, text in (("x/a", "1,2\n"), ("y/b", "3,4\n"), ("z", "9,9\n")):
        body = gzip.compress(text.encode())
        s3.put_object(Bucket=BUCKET, Key=f"{name}/data/{key}", Body=body)
    manifest = [{"prefix": f"s3://{BUCKET}/{name}/data/"}, "x/a", "y/b"]
    s3.put_object(Bucket=BUCKET, Key=f"{name}/manifest", Body=json.dumps(manifest).encode())
    source = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{BUCKET}/{name}/manifest"}
    asked = request(name, model, source=source)
    asked["TransformInput"]["CompressionType"] = "Gzip"
    sagemaker.create_transform_job(**asked)
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    assert outputs(s3, name) == {"x/a.out": "3.0\n", "y/b.out": "7.0\n"}


@pytest.mark.parametrize(
    ("processing", "stored"),
    [
        ({"InputFilter": "$[1:]"}, "3.0\n7.0\n"),
        ({"InputFilter": "$[1:]", "JoinSource": "Input"}, 'id-1,1,2,3.0\n"id,2",3,4,7.0\n'),
        (
            {"InputFilter": "$[1,2]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            'id-1,3.0\n"id,2",7.0\n',
        ),
    ],
)
def test_csv_is_filtered_and_joined(
    sagemaker: Any, s3: Any, model: str, name: str, processing: dict[str, str], stored: str
) -> None:
    put(s3, name, **{"a.csv": 'id-1,1,2\n"id,2",3,4\n'})
    sagemaker.create_transform_job(**request(name, model, DataProcessing=processing))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    assert outputs(s3, name) == {"a.csv.out": stored}


def test_json_lines_are_filtered_and_joined(sagemaker: Any, s3: Any, model: str, name: str) -> None:
    put(s3, name, **{"a.jsonl": '{"id":1,"row":[1,2]}\n{"id":2,"row":[3,4]}\n'})
    kind = "application/jsonlines"
    processing = {
        "InputFilter": "$.row",
        "JoinSource": "Input",
        "OutputFilter": "$['id','SageMakerOutput']",
    }
    asked = request(
        name,
        model,
        input={"ContentType": kind},
        output={"Accept": kind},
        DataProcessing=processing,
    )
    sagemaker.create_transform_job(**asked)
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"
    assert outputs(s3, name) == {
        "a.jsonl.out": '{"id":1,"SageMakerOutput":3.0}\n{"id":2,"SageMakerOutput":7.0}\n'
    }


def test_what_was_read_and_written_is_captured_with_inference_ids(
    sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    put(s3, name, **{"a.csv": "1,2\n"})
    capture = {"DestinationS3Uri": f"s3://{BUCKET}/{name}/capture", "GenerateInferenceId": True}
    sagemaker.create_transform_job(**request(name, model, DataCaptureConfig=capture))
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Completed"
    total, mark, started = outputs(s3, name)["a.csv.out"].strip().split(",")
    assert (total, len(mark)) == ("3.0", 36)
    assert started == job["TransformStartTime"].strftime("%Y-%m-%dT%H:%M:%SZ")
    hour = job["TransformStartTime"].strftime("%Y/%m/%d/%H")

    def manifest(side: str) -> Any:
        prefix = f"{name}/capture/{side}/{hour}/"
        (entry,) = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
        return json.loads(s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read())

    assert manifest("input") == [{"prefix": f"s3://{BUCKET}/"}, f"{name}/in/a.csv"]
    assert manifest("output") == [{"prefix": f"s3://{BUCKET}/{name}/out/"}, "a.csv.out"]


@pytest.mark.parametrize(
    ("line", "reason", "note"),
    [
        ("boom", "AlgorithmError", "Bad HTTP status received from algorithm: 500"),
        ("bad", "ClientError", "Bad HTTP status received from algorithm: 400"),
    ],
)
def test_an_object_that_fails_fails_the_job_and_keeps_the_others(
    local_aws: LocalAws,
    sagemaker: Any,
    s3: Any,
    model: str,
    name: str,
    line: str,
    reason: str,
    note: str,
) -> None:
    put(s3, name, **{"a.csv": f"1,2\n{line}\n", "b.csv": "3,4\n"})
    client = {"InvocationsMaxRetries": 0}
    sagemaker.create_transform_job(
        **request(name, model, BatchStrategy="SingleRecord", ModelClientConfig=client)
    )
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"] == f"{reason}: See job logs for more information"
    assert any(note in said for said in logged(local_aws, name))
    assert outputs(s3, name) == {"b.csv.out": "7.0\n"}


def test_a_failure_is_tried_again(sagemaker: Any, s3: Any, model: str, name: str) -> None:
    put(s3, name, **{"a.csv": "once\n"})
    client = {"InvocationsMaxRetries": 1}
    sagemaker.create_transform_job(**request(name, model, ModelClientConfig=client))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Completed"


def test_a_container_that_does_not_answer_in_time_fails_the_job(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    put(s3, name, **{"a.csv": "sleep 3600\n"})
    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    sagemaker.create_transform_job(**request(name, model, ModelClientConfig=client))
    assert ended(sagemaker, name)["TransformJobStatus"] == "Failed"
    assert any("within 1 seconds" in line for line in logged(local_aws, name))


def test_a_container_that_dies_fails_the_job(
    local_aws: LocalAws, sagemaker: Any, s3: Any, name: str
) -> None:
    make_model(local_aws, name, FAIL="1")
    put(s3, name, **{"a.csv": "1,2\n"})
    sagemaker.create_transform_job(**request(name, name))
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError")


def test_a_container_fails_as_the_faults_say(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    rule = {"fault": "fail-container", "job": name, "message": "out of memory", "count": 1}
    assert local_aws.admin("POST", "faults", json.dumps(rule))[0] == 200
    put(s3, name, **{"a.csv": "1,2\n"})
    sagemaker.create_transform_job(**request(name, model))
    assert ended(sagemaker, name)["FailureReason"] == "AlgorithmError: out of memory"


def test_a_job_is_stopped_while_it_works(
    local_aws: LocalAws, sagemaker: Any, s3: Any, model: str, name: str
) -> None:
    put(s3, name, **{"a.csv": "1,2\n", "b.csv": "sleep 3600\n"})
    sagemaker.create_transform_job(**request(name, model))
    await_true(lambda: "a.csv.out" in outputs(s3, name), "the first object")
    sagemaker.stop_transform_job(TransformJobName=name)
    job = ended(sagemaker, name)
    assert (job["TransformJobStatus"], "FailureReason" in job) == ("Stopped", False)
    assert list(outputs(s3, name)) == ["a.csv.out"]


def test_inputs_that_are_not_there_fail_the_job(sagemaker: Any, model: str, name: str) -> None:
    sagemaker.create_transform_job(**request(name, model))
    job = ended(sagemaker, name)
    assert job["TransformJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in job["FailureReason"]


CSV_JOB = {"input": {"SplitType": "None"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"input": {"SplitType": "RecordIO"}}, "splits by Line or None"),
        ({"MaxPayloadInMB": 60, "MaxConcurrentTransforms": 2}, "must not exceed 100"),
        ({"DataProcessing": {"InputFilter": "$..a"}}, "allowed are .name"),
        ({"DataProcessing": {"InputFilter": "$.a"}}, "filters of CSV data are indexes"),
        (
            {"DataProcessing": {"JoinSource": "Input"}, **CSV_JOB},
            "need SplitType and AssembleWith",
        ),
        (
            {"DataProcessing": {"JoinSource": "Input"}, "output": {"Accept": "text/plain"}},
            "need the same TransformInput.ContentType and TransformOutput.Accept",
        ),
        (
            {
                "DataCaptureConfig": {"DestinationS3Uri": "s3://b/c", "GenerateInferenceId": True},
                **CSV_JOB,
            },
            "need SplitType and AssembleWith",
        ),
        (
            {"TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2}},
            "transform job usage",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    sagemaker: Any, model: str, name: str, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(sagemaker.exceptions.ClientError) as caught:
        sagemaker.create_transform_job(**(request(name, model, **changes)))
    assert said in str(caught.value)


def test_an_unknown_job_is_said_to_be_unknown(sagemaker: Any, name: str) -> None:
    with pytest.raises(sagemaker.exceptions.ClientError, match="Could not find requested job"):
        sagemaker.describe_transform_job(TransformJobName=name)
