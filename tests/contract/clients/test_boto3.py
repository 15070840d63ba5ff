"""Plain boto3 against the local AWS, with its own waiters and paginators."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import WaiterError

from frugal.local import LocalAws
from tests.contract.clients import example

BUCKET = "clients-boto3"
JOB = "boto3-training"
WAIT = {"Delay": 0.2, "MaxAttempts": 1200}


class Aws:
    """boto3 clients with the address and the keys given, as a script without environment has them."""

    def __init__(self, local: LocalAws) -> None:
        self._session = boto3.Session("local", "local", region_name="us-east-1")
        self._url = local.url

    def __getattr__(self, service: str) -> Any:
        return self._session.client(service.replace("_", "-"), endpoint_url=self._url)


@pytest.fixture(scope="module")
def aws(local_aws: LocalAws) -> Aws:
    return Aws(local_aws)


@pytest.fixture(scope="module")
def trained(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The description of a training job that boto3 started and waited for."""
    aws.s3.create_bucket(Bucket=BUCKET)
    inputs = example.write_inputs(tmp_path_factory.mktemp("boto3"))
    for key in (example.CODE_KEY, example.DATA_KEY):
        aws.s3.upload_file(str(inputs / key), BUCKET, key)
    aws.sagemaker.create_training_job(**example.training_job(JOB, BUCKET))
    waiter = aws.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName=JOB, WaiterConfig=WAIT)
    description: dict[str, Any] = aws.sagemaker.describe_training_job(TrainingJobName=JOB)
    return description


def test_a_training_job_leaves_its_model_its_metrics_and_its_log(
    aws: Aws, trained: dict[str, Any], tmp_path: Path
) -> None:
    assert trained["TrainingJobStatus"] == "Completed"
    assert trained["TrainingEndTime"] >= trained["TrainingStartTime"] >= trained["CreationTime"]
    (metric,) = trained["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("train:mean", example.MEAN)

    key = trained["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    aws.s3.download_file(BUCKET, key, str(tmp_path / "model.tar.gz"))
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        content = archive.extractfile("mean.json")
        assert content is not None
        assert json.load(content) == example.MEAN

    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = aws.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{JOB}/")[
        "logStreams"
    ]
    pages = aws.logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, logStreamNames=[stream["logStreamName"]]
    )
    messages = [event["message"] for page in pages for event in page["events"]]
    assert "train:mean=3.0;" in messages


def test_a_second_job_of_that_name_is_refused(aws: Aws, trained: dict[str, Any]) -> None:
    client = aws.sagemaker
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_training_job(**example.training_job(JOB, BUCKET))


def test_the_waiter_ends_when_the_job_failed(aws: Aws, trained: dict[str, Any]) -> None:
    request = example.training_job("boto3-failing", BUCKET)
    request["HyperParameters"]["scale"] = "no number"
    aws.sagemaker.create_training_job(**request)
    waiter = aws.sagemaker.get_waiter("training_job_completed_or_stopped")
    with pytest.raises(WaiterError) as failed:
        waiter.wait(TrainingJobName="boto3-failing", WaiterConfig=WAIT)
    assert "invalid float value: 'no number'" in failed.value.last_response["FailureReason"]


def test_an_endpoint_serves_until_it_is_deleted(aws: Aws, trained: dict[str, Any]) -> None:
    client, name = aws.sagemaker, "boto3-endpoint"
    artifacts = trained["ModelArtifacts"]["S3ModelArtifacts"]
    client.create_model(**example.model(name, BUCKET, artifacts))
    client.create_endpoint_config(**example.endpoint_config(name, name))
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    client.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=WAIT)

    answer = aws.sagemaker_runtime.invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Body=example.ROWS
    )
    assert answer["Body"].read().decode() == example.PREDICTIONS
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    with pytest.raises(aws.sagemaker_runtime.exceptions.ModelError):
        aws.sagemaker_runtime.invoke_endpoint(
            EndpointName=name, ContentType="text/csv", Body="no number"
        )

    client.delete_endpoint(EndpointName=name)
    client.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=WAIT)
    client.delete_endpoint_config(EndpointConfigName=name)
    client.delete_model(ModelName=name)
    with pytest.raises(aws.sagemaker_runtime.exceptions.ClientError, match="not found"):
        aws.sagemaker_runtime.invoke_endpoint(EndpointName=name, Body=example.ROWS)


def test_lists_come_in_pages(aws: Aws) -> None:
    names = [f"boto3-page-{number:02}" for number in range(12)]
    for name in names:
        aws.sagemaker.create_model(**example.model(name, BUCKET, f"s3://{BUCKET}/none.tar.gz"))
    first = aws.sagemaker.list_models(NameContains="boto3-page")
    assert len(first["Models"]) == 10
    pages = list(
        aws.sagemaker.get_paginator("list_models").paginate(
            NameContains="boto3-page", SortBy="Name", PaginationConfig={"PageSize": 5}
        )
    )
    assert [len(page["Models"]) for page in pages] == [5, 5, 2]
    listed = [model["ModelName"] for page in pages for model in page["Models"]]
    assert sorted(listed) == names


def test_what_was_tagged_is_found_by_its_tag(aws: Aws, trained: dict[str, Any]) -> None:
    arn = trained["TrainingJobArn"]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "train"}])
    tags = aws.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn).build_full_result()
    assert tags["Tags"] == [
        {"Key": "client", "Value": BUCKET},
        {"Key": "stage", "Value": "train"},
    ]
    found = aws.resourcegroupstaggingapi.get_resources(
        ResourceTypeFilters=["sagemaker:training-job"],
        TagFilters=[{"Key": "client", "Values": [BUCKET]}, {"Key": "stage"}],
    )
    assert [item["ResourceARN"] for item in found["ResourceTagMappingList"]] == [arn]


def test_what_was_uploaded_in_parts_is_read_whole_with_its_checksum(
    aws: Aws, trained: dict[str, Any], tmp_path: Path
) -> None:
    """boto3 checks the checksum of what it reads, unless it is one of checksums: `<value>-<parts>`."""
    content = bytes(range(256)) * (9 << 12)
    (tmp_path / "large").write_bytes(content)
    aws.s3.upload_file(str(tmp_path / "large"), BUCKET, "large")
    answer = aws.s3.get_object(Bucket=BUCKET, Key="large")
    assert answer["Body"].read() == content
    head = aws.s3.head_object(Bucket=BUCKET, Key="large", ChecksumMode="ENABLED")
    assert head["ChecksumCRC32"] == answer["ChecksumCRC32"]
    assert head["ChecksumCRC32"].endswith("-2")
    aws.s3.copy({"Bucket": BUCKET, "Key": "large"}, BUCKET, "copy")
    aws.s3.download_file(BUCKET, "copy", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_bytes() == content
