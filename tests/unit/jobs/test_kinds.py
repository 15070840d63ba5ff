"""What the statuses of each kind mean, and what is called; AWS's own service model checks calls and answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from frugal.aws.names import unique
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.inference_component import INFERENCE_COMPONENT
from frugal.jobs.kind import JobKind
from frugal.jobs.kinds import KINDS, TRANSFORM
from frugal.jobs.outcome import (
    AlgorithmFailed,
    CapacityUnavailable,
    JobError,
    JobStopped,
    RolledBack,
    ServiceFailed,
    TimedOut,
)
from frugal.jobs.tuning import TUNING

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/frugal-train"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:"


@pytest.fixture
def client() -> Any:
    return boto3.client("sagemaker", region_name="us-east-1")


@pytest.fixture
def aws(client: Any) -> Iterator[Stubber]:
    """AWS's answers, in the order in which they are asked for; every one of them must be."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_call_and_status_is_one_of_aws(kind: JobKind, client: Any) -> None:
    model = client.meta.service_model
    operations = {
        what: model.operation_model(client.meta.method_to_api_mapping[call])
        for what, call in vars(kind).items()
        if what in ("create", "describe", "stop", "list")
    }
    for what in ("create", "describe", "stop"):
        assert kind.name_key in operations[what].input_shape.members
    shown = operations["describe"].output_shape.members
    assert {kind.name_key, kind.arn_key, kind.status_key} <= shown.keys()
    statuses = set(shown[kind.status_key].enum)
    assert kind.underway | kind.succeeded | kind.ended <= statuses
    assert not kind.underway & (kind.succeeded | kind.ended)
    assert kind.underway <= set(operations["list"].input_shape.members["StatusEquals"].enum)
    assert client.can_paginate(kind.list)
    longest = operations["create"].input_shape.members[kind.name_key].metadata["max"]
    assert kind.name_length <= longest
    assert len(unique("a" * 80, "run", length=kind.name_length)) == kind.name_length


def tuning(status: str, **changes: Any) -> dict[str, Any]:
    described = {
        "HyperParameterTuningJobName": "churn-tune",
        "HyperParameterTuningJobArn": f"{ARN}hyper-parameter-tuning-job/churn-tune",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 3600},
        },
        "HyperParameterTuningJobStatus": status,
        "CreationTime": START,
        "HyperParameterTuningEndTime": START + timedelta(seconds=600),
        "TrainingJobStatusCounters": {},
        "ObjectiveStatusCounters": {},
    }
    return described | changes


def trained(name: str, billed: int, **changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}training-job/{name}",
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://bucket/{name}/output/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 2,
            "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "CreationTime": START,
        "TrainingTimeInSeconds": 2 * billed,
        "BillableTimeInSeconds": billed,
        "EnableManagedSpotTraining": True,
        **changes,
    }


def summary(name: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"{ARN}training-job/{name}",
        "CreationTime": START,
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {},
    }


def test_a_tuning_job_bills_what_its_training_jobs_bill(client: Any, aws: Stubber) -> None:
    name = {"HyperParameterTuningJobName": "churn-tune"}
    best = tuning("Completed", BestTrainingJob=summary("churn-tune-2"))
    aws.add_response("describe_hyper_parameter_tuning_job", best, name)
    aws.add_response(
        "list_training_jobs_for_hyper_parameter_tuning_job",
        {"TrainingJobSummaries": [summary("churn-tune-1"), summary("churn-tune-2")]},
        {**name, "SortBy": "CreationTime", "SortOrder": "Ascending"},
    )
    for job, billed in (("churn-tune-1", 30), ("churn-tune-2", 50)):
        aws.add_response("describe_training_job", trained(job, billed), {"TrainingJobName": job})
    found = TUNING.find(client, "churn-tune")
    assert found is not None
    bill = TUNING.bill(found)
    assert (bill.seconds_run, bill.seconds_billed, bill.instances) == (600, 2 * 80, 1)
    assert (bill.instance, bill.spot) == ("ml.m5.large", True)
    assert TUNING.failure(found, {}) is None
    assert TUNING.artifact(found) == "s3://bucket/churn-tune-2/output/model.tar.gz"


def test_a_tuning_job_that_goes_on_is_asked_for_in_one_call(client: Any, aws: Stubber) -> None:
    aws.add_response("describe_hyper_parameter_tuning_job", tuning("InProgress"))
    found = TUNING.find(client, "churn-tune")
    assert found is not None
    assert not TUNING.is_over(found)


LOST = "InternalServerError: We encountered an internal error. Please try again."
NO_CAPACITY = "CapacityError: Insufficient capacity for ml.p4d.24xlarge"


@pytest.mark.parametrize(
    ("description", "error", "reason"),
    [
        (tuning("Completed"), AlgorithmFailed, "none of them reported the objective"),
        (
            tuning("Completed", TrainingJobs=[trained("a", 0, FailureReason="AlgorithmError: x")]),
            AlgorithmFailed,
            "AlgorithmError: x",
        ),
        (
            tuning("Completed", TrainingJobs=[trained("a", 0, FailureReason=NO_CAPACITY)]),
            CapacityUnavailable,
            "Insufficient capacity",
        ),
        (tuning("Failed", FailureReason="All training jobs failed"), AlgorithmFailed, "All"),
        (tuning("Failed", FailureReason="InternalServerError"), ServiceFailed, "Internal"),
        (
            tuning("Failed", TrainingJobs=[trained("a", 0, FailureReason=LOST)]),
            ServiceFailed,
            "Internal",
        ),
        (
            tuning(
                "Failed",
                TrainingJobs=[
                    trained("a", 0, FailureReason=LOST),
                    trained("b", 0, FailureReason="AlgorithmError: x"),
                ],
            ),
            AlgorithmFailed,
            "Failed",
        ),
        (tuning("Stopped"), JobStopped, "stopped before"),
        (
            tuning("Stopped", HyperParameterTuningEndTime=START + timedelta(seconds=3601)),
            TimedOut,
            "MaxRuntimeInSeconds of 3600",
        ),
    ],
)
def test_a_tuning_job_is_done_only_with_a_best_training_job(
    description: dict[str, Any], error: type[JobError], reason: str
) -> None:
    failure = TUNING.failure(description, {})
    assert type(failure) is error
    assert reason in str(failure)


def test_a_tuning_job_must_say_when_it_ends() -> None:
    request = tuning("InProgress")
    assert TUNING.limit(request) > timedelta(hours=1)
    del request["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"]
    with pytest.raises(ValueError, match=r"ResourceLimits\.MaxRuntimeInSeconds"):
        TUNING.limit(request)


@pytest.mark.parametrize(
    ("status", "error"), [("Completed", None), ("Stopped", JobStopped), ("Failed", AlgorithmFailed)]
)
def test_a_transform_job_bills_from_start_to_end(status: str, error: type[JobError] | None) -> None:
    description = {
        "TransformJobName": "churn-batch",
        "TransformJobStatus": status,
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 3},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out"},
        "TransformStartTime": START,
        "TransformEndTime": START + timedelta(seconds=90),
    }
    bill = TRANSFORM.bill(description)
    assert (bill.seconds_billed, bill.instances, bill.instance) == (90, 3, "ml.m5.large")
    failure = TRANSFORM.failure(description, {})
    assert failure is None if error is None else type(failure) is error
    assert TRANSFORM.artifact(description) == "s3://bucket/out"


ASKED = {"EndpointConfig": {"EndpointConfigName": "new"}}


def endpoint(status: str, config: str = "old", **changes: Any) -> dict[str, Any]:
    return {
        "EndpointName": "churn",
        "EndpointConfigName": config,
        "EndpointStatus": status,
        **changes,
    }


@pytest.mark.parametrize(
    ("description", "error"),
    [
        (endpoint("InService", "new"), None),
        (endpoint("InService"), RolledBack),
        (endpoint("InService", FailureReason=NO_CAPACITY), CapacityUnavailable),
        (endpoint("UpdateRollbackFailed", "new"), RolledBack),
        (endpoint("OutOfService", "new"), AlgorithmFailed),
        (endpoint("Failed", "new", FailureReason="did not pass the ping"), AlgorithmFailed),
    ],
)
def test_an_endpoint_is_done_only_when_it_serves_what_was_asked_for(
    description: dict[str, Any], error: type[JobError] | None
) -> None:
    assert ENDPOINT.is_over(description)
    failure = ENDPOINT.failure(description, ASKED)
    assert failure is None if error is None else type(failure) is error


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_an_endpoint_that_changes_is_waited_for(status: str) -> None:
    assert not ENDPOINT.is_over(endpoint(status, "new"))


def test_a_deployment_of_something_else_is_not_ours() -> None:
    assert ENDPOINT.is_for(endpoint("Creating", "new"), ASKED)
    variant = {
        "VariantName": "main",
        "CurrentInstanceCount": 1,
        "DesiredInstanceCount": 2,
        "VariantStatus": [{"Status": "Baking"}],
    }
    pending = {"EndpointConfigName": "new", "ProductionVariants": [variant]}
    ours = endpoint("Updating", PendingDeploymentSummary=pending)
    assert ENDPOINT.is_for(ours, ASKED)
    assert ENDPOINT.progress(ours) == "Updating: main Baking 1 of 2 instances"
    other = endpoint("Updating", PendingDeploymentSummary={"EndpointConfigName": "another"})
    assert not ENDPOINT.is_for(other, ASKED)


def test_a_guarded_deployment_may_take_as_long_as_its_policy_says() -> None:
    policy = {"MaximumExecutionTimeoutInSeconds": 7200, "TerminationWaitInSeconds": 600}
    guarded = {**ASKED, "DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}
    assert ENDPOINT.limit(guarded) - ENDPOINT.limit(ASKED) == timedelta(seconds=7800)


SPECIFICATION = {
    "Container": {"Image": "1.dkr.ecr.x/xgboost:3.0-5", "ArtifactUrl": "s3://b/model.tar.gz"},
    "ComputeResourceRequirements": {"MinMemoryRequiredInMb": 1024},
}


def component(status: str, memory: int = 1024, **changes: Any) -> dict[str, Any]:
    image = {"SpecifiedImage": "1.dkr.ecr.x/xgboost:3.0-5", "ResolvedImage": "1@sha256:f"}
    return {
        "InferenceComponentName": "churn",
        "InferenceComponentArn": f"{ARN}inference-component/churn",
        "EndpointName": "shared",
        "EndpointArn": f"{ARN}endpoint/shared",
        "InferenceComponentStatus": status,
        "Specification": {
            "Container": {"DeployedImage": image, "ArtifactUrl": "s3://b/model.tar.gz"},
            "ComputeResourceRequirements": {"MinMemoryRequiredInMb": memory},
        },
        "CreationTime": START,
        "LastModifiedTime": START,
        **changes,
    }


REQUEST = {
    "EndpointName": "shared",
    "VariantName": "main",
    "Specification": SPECIFICATION,
    "RuntimeConfig": {"CopyCount": 1},
    "Tags": [{"Key": "ManagedBy", "Value": "frugal"}],
}


@pytest.mark.parametrize(
    ("description", "error"),
    [
        (component("InService"), None),
        (component("InService", 2048), RolledBack),
        (component("Failed", FailureReason=NO_CAPACITY), CapacityUnavailable),
        (component("Failed", FailureReason="the container exited"), AlgorithmFailed),
    ],
)
def test_an_inference_component_is_done_only_with_the_specification_asked_for(
    description: dict[str, Any], error: type[JobError] | None
) -> None:
    assert INFERENCE_COMPONENT.is_over(description)
    failure = INFERENCE_COMPONENT.failure(description, REQUEST)
    assert failure is None if error is None else type(failure) is error


def test_an_inference_component_is_updated_to_another_specification(
    client: Any, aws: Stubber
) -> None:
    named = {"InferenceComponentName": "churn"}
    aws.add_response("describe_inference_component", component("InService", 2048), named)
    aws.add_response("list_tags", {"Tags": REQUEST["Tags"]})
    aws.add_response(
        "update_inference_component",
        {"InferenceComponentArn": f"{ARN}inference-component/churn"},
        {**named, "Specification": SPECIFICATION},
    )
    aws.add_response("describe_inference_component", component("Updating"), named)
    found = INFERENCE_COMPONENT.ensure(client, "churn", REQUEST)
    assert not INFERENCE_COMPONENT.is_over(found)


def test_an_inference_component_that_is_being_created_is_adopted_and_says_whose_it_is(
    client: Any, aws: Stubber
) -> None:
    """So whoever judges it later goes by the run that waits for it, not by the one that left it."""
    aws.add_response("describe_inference_component", component("Creating"))
    aws.add_response("list_tags", {"Tags": REQUEST["Tags"]})
    arn = f"{ARN}inference-component/churn"
    request = INFERENCE_COMPONENT.tagged(REQUEST, {"frugal:dag-run": "second"})
    aws.add_response("add_tags", {}, {"ResourceArn": arn, "Tags": request["Tags"]})
    aws.add_response("describe_inference_component", component("Creating"))
    INFERENCE_COMPONENT.ensure(client, "churn", request)


def test_a_failed_inference_component_is_made_anew(client: Any, aws: Stubber) -> None:
    named = {"InferenceComponentName": "churn"}
    aws.add_response("describe_inference_component", component("Failed"))
    aws.add_response("list_tags", {"Tags": REQUEST["Tags"]})
    aws.add_response("delete_inference_component", {}, named)
    aws.add_client_error(
        "describe_inference_component",
        "ValidationException",
        'Could not find inference component "churn".',
    )
    aws.add_response(
        "create_inference_component",
        {"InferenceComponentArn": f"{ARN}inference-component/churn"},
        {**REQUEST, **named},
    )
    aws.add_response("describe_inference_component", component("Creating"))
    INFERENCE_COMPONENT.ensure(client, "churn", REQUEST)


def test_an_inference_component_of_somebody_else_is_left_alone(client: Any, aws: Stubber) -> None:
    aws.add_response("describe_inference_component", component("InService", 2048))
    aws.add_response("list_tags", {"Tags": []})
    with pytest.raises(AlgorithmFailed, match="without the tag ManagedBy=frugal"):
        INFERENCE_COMPONENT.ensure(client, "churn", REQUEST)


@pytest.mark.parametrize("status", ["InService", "Updating", "Failed", "Deleting"])
def test_what_serves_or_is_updated_is_not_halted(client: Any, aws: Stubber, status: str) -> None:
    aws.add_response("describe_inference_component", component(status))
    assert not INFERENCE_COMPONENT.halt(client, "churn")
