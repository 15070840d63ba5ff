"""What AWS refuses is refused, with AWS's error codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import (
    BUCKET,
    ROLE,
    LocalAws,
    make_config,
    processing_request,
    training_request,
)


def code(call: Callable[[], Any]) -> tuple[str, str]:
    """Error code and message of a call that has to fail."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def change(request: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The request with the member at a dotted path set; None removes it."""
    *parents, last = path.split(".")
    inner = request
    for parent in parents:
        inner = inner.setdefault(parent, {})
    if value is None:
        inner.pop(last)
    else:
        inner[last] = value
    return request


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("TrainingJobName", "under_score", "Member must satisfy regular expression pattern"),
        ("TrainingJobName", "a" * 64, "Member must have length less than or equal to 63"),
        ("ResourceConfig.InstanceType", "ml.huge.1", "Member must satisfy enum value set"),
        ("StoppingCondition.MaxRuntimeInSeconds", 0, "value greater than or equal to 1"),
        ("RoleArn", "some-role-that-is-no-arn", "at 'roleArn' failed to satisfy constraint"),
        ("StoppingCondition.MaxWaitTimeInSeconds", 50, "greater than or equal to MaxRuntime"),
        ("StoppingCondition.MaxWaitTimeInSeconds", None, "greater than or equal to MaxRuntime"),
        ("ResourceConfig.KeepAlivePeriodInSeconds", 60, "not supported with managed spot"),
        ("EnableManagedSpotTraining", False, "only allowed when EnableManagedSpotTraining"),
        ("AlgorithmSpecification.TrainingImage", None, "TrainingImage"),
    ],
)
def test_training_requests(
    local_aws: LocalAws, name: str, path: str, value: Any, message: str
) -> None:
    sagemaker = unchecked(local_aws)
    request = change(training_request(name, spot=True), path, value)
    error, said = code(lambda: sagemaker.create_training_job(**request))
    assert error == "ValidationException"
    assert message in said


def unchecked(local_aws: LocalAws) -> Any:
    """A client that leaves checking to the server."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "sagemaker",
        endpoint_url=local_aws.url,
        region_name="us-east-1",
        config=Config(parameter_validation=False, retries={"max_attempts": 1}),
    )


def test_several_faults_are_told_at_once(local_aws: LocalAws) -> None:
    error, said = code(lambda: unchecked(local_aws).create_training_job(TrainingJobName="a_b"))
    assert error == "ValidationException"
    assert said.startswith("3 validation errors detected: ")
    assert "Value 'null' at 'outputDataConfig' failed" in said


def test_wrong_types_are_serialization_errors(local_aws: LocalAws, name: str) -> None:
    request = change(training_request(name), "ResourceConfig.InstanceCount", "one")
    error, said = code(lambda: unchecked(local_aws).create_training_job(**request))
    assert error == "SerializationException"
    assert "resourceConfig.instanceCount" in said


def test_more_than_one_instance_is_above_the_quota(sagemaker: Any, name: str) -> None:
    request = change(training_request(name), "ResourceConfig.InstanceCount", 2)
    assert code(lambda: sagemaker.create_training_job(**request))[0] == "ResourceLimitExceeded"


def test_processing_paths(sagemaker: Any, s3: Any, name: str) -> None:
    output = {"S3Uri": f"s3://{BUCKET}/x", "LocalPath": "/tmp/x", "S3UploadMode": "EndOfJob"}
    request = processing_request(s3, name, "", outputs=[{"OutputName": "x", "S3Output": output}])
    error, said = code(lambda: sagemaker.create_processing_job(**request))
    assert error == "ValidationException"
    assert "/opt/ml/processing" in said


@pytest.mark.parametrize(
    ("operation", "arguments", "error", "message"),
    [
        ("describe_training_job", {"TrainingJobName": "no"}, "ValidationException", "not found"),
        ("stop_training_job", {"TrainingJobName": "no"}, "ValidationException", "not found"),
        ("describe_processing_job", {"ProcessingJobName": "no"}, "ValidationException", "Could"),
        ("describe_compilation_job", {"CompilationJobName": "no"}, "ResourceNotFound", "Could"),
        ("describe_model", {"ModelName": "no"}, "ValidationException", "Could not find model"),
        ("delete_model", {"ModelName": "no"}, "ValidationException", "Could not find model"),
        ("describe_endpoint", {"EndpointName": "no"}, "ValidationException", "Could not find"),
        (
            "describe_endpoint_config",
            {"EndpointConfigName": "no"},
            "ValidationException",
            "Could not find endpoint configuration",
        ),
        (
            "create_endpoint",
            {"EndpointName": "no", "EndpointConfigName": "no"},
            "ValidationException",
            "Could not find endpoint configuration",
        ),
        (
            "describe_model_package_group",
            {"ModelPackageGroupName": "no"},
            "ValidationException",
            "does not exist",
        ),
    ],
)
def test_what_is_missing(
    sagemaker: Any, operation: str, arguments: dict[str, str], error: str, message: str
) -> None:
    found, said = code(lambda: getattr(sagemaker, operation)(**arguments))
    assert found == error
    assert message in said


def test_what_exists_already(local_aws: LocalAws, sagemaker: Any, name: str) -> None:
    make_config(local_aws, name)
    for again in (
        lambda: sagemaker.create_model(
            ModelName=name, PrimaryContainer={"Image": "x"}, ExecutionRoleArn=ROLE
        ),
        lambda: sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "a",
                    "ModelName": name,
                    "InstanceType": "ml.m5.large",
                    "InitialInstanceCount": 1,
                }
            ],
        ),
    ):
        error, said = code(again)
        assert error == "ValidationException"
        assert said.startswith("Cannot create already existing")


CAPTURE = {
    "InitialSamplingPercentage": 1,
    "DestinationS3Uri": "s3://b/c",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
INSTANCE = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = {"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}
POOLS = {"InstancePools": [{"InstanceType": "ml.m5.large", "Priority": 1}]}


@pytest.mark.parametrize(
    ("variant", "config", "message"),
    [
        (SERVERLESS, {"DataCaptureConfig": CAPTURE}, "not supported for serverless"),
        (SERVERLESS | INSTANCE, {}, "cannot be specified with ServerlessConfig"),
        ({"ServerlessConfig": {"MemorySizeInMB": 1500, "MaxConcurrency": 5}}, {}, "of 1024"),
        (INSTANCE | POOLS, {}, "exactly one of InstanceType and InstancePools"),
        ({"InstanceType": "ml.m5.large"}, {}, "InitialInstanceCount"),
        (INSTANCE, {"AsyncInferenceConfig": {"OutputConfig": {}}}, "needs an S3OutputPath"),
    ],
)
def test_endpoint_configurations(
    local_aws: LocalAws,
    sagemaker: Any,
    name: str,
    variant: dict[str, Any],
    config: dict[str, Any],
    message: str,
) -> None:
    make_config(local_aws, name)
    variants = [{"VariantName": "v", "ModelName": name, **variant}]
    error, said = code(
        lambda: sagemaker.create_endpoint_config(
            EndpointConfigName=f"{name}-x", ProductionVariants=variants, **config
        )
    )
    assert error == "ValidationException"
    assert message in said


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("sagemaker", "list_auto_ml_jobs", {}),
        ("dynamodb", "list_tables", {}),
        ("ec2", "describe_instances", {}),
    ],
)
def test_what_is_not_implemented_says_so(
    local_aws: LocalAws, service: str, operation: str, arguments: dict[str, Any]
) -> None:
    error, said = code(lambda: getattr(local_aws.client(service), operation)(**arguments))
    assert error == "UnknownOperationException"
    assert "does not implement" in said


def test_events_from_aws_s_own_sources(local_aws: LocalAws) -> None:
    entries = [
        {"Source": source, "DetailType": "t", "Detail": "{}"}
        for source in ("mine", "aws.sagemaker", "mine")
    ]
    answer = local_aws.client("events").put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    codes = [entry.get("ErrorCode") for entry in answer["Entries"]]
    assert codes == [None, "NotAuthorizedForSourceException", None]


def test_logs_are_kept_for_as_long_as_aws_offers(local_aws: LocalAws, name: str) -> None:
    logs = local_aws.client("logs")
    logs.create_log_group(logGroupName=name)
    refused, message = code(
        lambda: logs.put_retention_policy(logGroupName=name, retentionInDays=10)
    )
    assert refused == "InvalidParameterException"
    assert "7, 14, 30" in message
    logs.put_retention_policy(logGroupName=name, retentionInDays=14)
    [group] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 14
