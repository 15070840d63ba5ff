"""The kinds of things that bill, as data: which calls start, show and stop one, what its statuses
mean, and where its bill stands. Statuses are botocore's enums of the Describe calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws.run import MANAGED_BY as OWNED
from frugal.jobs import bills
from frugal.jobs.bills import Description
from frugal.jobs.outcome import (
    AlgorithmFailed,
    CapacityUnavailable,
    JobError,
    JobStopped,
    RolledBack,
    ServiceFailed,
    TimedOut,
)

Request = Mapping[str, Any]

# What FailureReason starts with, or holds, when AWS and not the container is at fault. CapacityError is
# the prefix in SageMaker's troubleshooting pages; the exact set on AWS is not verified here.
CAPACITY_REASONS = ("CapacityError", "InsufficientInstanceCapacity", "Insufficient capacity")
SERVICE_REASONS = ("InternalServerError", "InternalError")
SLACK = timedelta(minutes=15)  # AWS's own time to provision, download and upload


@dataclass(frozen=True)
class JobKind:
    """One kind of job. `create`, `describe` and `stop` are methods of the boto3 SageMaker client;
    `bill`, `limit` and `artifact` read a description or a request. A job is `one_per_attempt`; an
    endpoint is not: it keeps its name for life.
    """

    name: str
    create: str
    describe: str
    stop: str
    name_key: str
    arn_key: str
    status_key: str
    succeeded: frozenset[str]
    ended: frozenset[str]
    bill: Callable[[Description], bills.Bill]
    limit: Callable[[Request], timedelta]
    artifact: Callable[[Description], str | None] = lambda description: None
    one_per_attempt: bool = True

    def find(self, client: Any, name: str) -> Description | None:
        """The description of `name`, or None when AWS has no such thing."""
        try:
            description: Description = getattr(client, self.describe)(**{self.name_key: name})
        except client.exceptions.ClientError as error:
            if _is_missing(error.response["Error"]):
                return None
            raise
        return description

    def ensure(self, client: Any, name: str, request: Request) -> Description:
        """Submit `request` under `name`, or adopt what already has that name; returns it described."""
        found = self.find(client, name)
        if found is not None:
            return found
        try:
            getattr(client, self.create)(**{**request, self.name_key: name})
        except client.exceptions.ClientError as error:
            if not _exists_already(error.response["Error"]):
                raise
        return getattr(client, self.describe)(**{self.name_key: name})  # type: ignore[no-any-return]

    def halt(self, client: Any, name: str) -> bool:
        """Stop `name` if it still runs; returns whether there was anything to stop."""
        found = self.find(client, name)
        if found is None or self.is_over(found) or found[self.status_key].lower() == "stopping":
            return False
        getattr(client, self.stop)(**{self.name_key: name})
        return True

    def is_over(self, description: Description) -> bool:
        """Whether the status will not change any more by itself."""
        return description[self.status_key] in self.succeeded | self.ended

    def failure(self, description: Description, request: Request) -> JobError | None:
        """Why the job did not do what `request` asked, as a typed error; None when it did."""
        status = description[self.status_key]
        if status in self.succeeded:
            return None
        job = description[self.name_key]
        reason = description.get("ExitMessage") or description.get("FailureReason") or status
        secondary = description.get("SecondaryStatus", "")
        if secondary == "MaxWaitTimeExceeded" or any(text in reason for text in CAPACITY_REASONS):
            return CapacityUnavailable(job, f"no capacity: {reason}")
        if status.lower() in ("stopped", "stopping"):
            limit = description.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
            ran = self.bill(description).seconds_run
            if secondary == "MaxRuntimeExceeded" or (limit and ran >= limit):
                return TimedOut(job, f"reached its MaxRuntimeInSeconds of {limit}")
            return JobStopped(job, "was stopped before it was done")
        if reason.startswith(SERVICE_REASONS):
            return ServiceFailed(job, reason)
        return AlgorithmFailed(job, reason)


def _is_missing(error: Mapping[str, str]) -> bool:
    """AWS answers ValidationException "Could not find ..." or "... not found" for what is not there."""
    text = error.get("Message", "").lower()
    missing = "could not find" in text or "not found" in text or "does not exist" in text
    return error["Code"] == "ResourceNotFound" or (
        error["Code"] == "ValidationException" and missing
    )


def _is_ours(client: Any, arn: str) -> bool:
    """Whether what stands under `arn` carries our ownership tag: nothing else may be changed or deleted."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    return OWNED.items() <= tags.items()


def _exists_already(error: Mapping[str, str]) -> bool:
    text = error.get("Message", "").lower()
    return error["Code"] == "ResourceInUse" or "already exist" in text


def _stopping_condition(request: Request) -> timedelta:
    limits = request["StoppingCondition"]
    seconds = limits.get("MaxWaitTimeInSeconds", limits["MaxRuntimeInSeconds"])
    return timedelta(seconds=seconds) + SLACK


TRAINING = JobKind(
    name="training",
    create="create_training_job",
    describe="describe_training_job",
    stop="stop_training_job",
    name_key="TrainingJobName",
    arn_key="TrainingJobArn",
    status_key="TrainingJobStatus",
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped"}),
    bill=bills.training,
    limit=_stopping_condition,
    artifact=lambda description: description["ModelArtifacts"]["S3ModelArtifacts"],
)
PROCESSING = JobKind(
    name="processing",
    create="create_processing_job",
    describe="describe_processing_job",
    stop="stop_processing_job",
    name_key="ProcessingJobName",
    arn_key="ProcessingJobArn",
    status_key="ProcessingJobStatus",
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped"}),
    bill=bills.processing,
    limit=_stopping_condition,
)
COMPILATION = JobKind(
    name="compilation",
    create="create_compilation_job",
    describe="describe_compilation_job",
    stop="stop_compilation_job",
    name_key="CompilationJobName",
    arn_key="CompilationJobArn",
    status_key="CompilationJobStatus",
    succeeded=frozenset({"COMPLETED"}),
    ended=frozenset({"FAILED", "STOPPED"}),
    bill=bills.compilation,
    limit=_stopping_condition,
    artifact=lambda description: description["ModelArtifacts"]["S3ModelArtifacts"],
)


@dataclass(frozen=True)
class EndpointKind(JobKind):
    """An endpoint: created or updated, done only when it serves the configuration asked for.

    Its request holds three: {"Model": ..., "EndpointConfig": ..., "Endpoint": ...}.
    """

    def ensure(self, client: Any, name: str, request: Request) -> Description:
        """Create the model and the configuration when missing, then create or update the endpoint.

        Raises AlgorithmFailed, before anything is made, when the endpoint exists and is not ours.
        """
        found = self.find(client, name)
        if found is not None and not _is_ours(client, found["EndpointArn"]):
            owner = ", ".join(f"{key}={value}" for key, value in OWNED.items())
            raise AlgorithmFailed(
                name, f"there is an endpoint of this name without the tag {owner}"
            )
        model, config = request["Model"], request["EndpointConfig"]
        parts = (
            (client.describe_model, client.create_model, "ModelName", model),
            (
                client.describe_endpoint_config,
                client.create_endpoint_config,
                "EndpointConfigName",
                config,
            ),
        )
        for describe, create, key, part in parts:
            try:
                describe(**{key: part[key]})
            except client.exceptions.ClientError as error:
                if not _is_missing(error.response["Error"]):
                    raise
                create(**part)
        wanted = config["EndpointConfigName"]
        if found is None:
            client.create_endpoint(**request["Endpoint"])
        elif found["EndpointStatus"] == "Failed":  # AWS refuses to update a failed endpoint
            client.delete_endpoint(EndpointName=name)
            client.get_waiter("endpoint_deleted").wait(EndpointName=name)
            client.create_endpoint(**request["Endpoint"])
        elif self.is_over(found) and found["EndpointConfigName"] != wanted:
            client.update_endpoint(EndpointName=name, EndpointConfigName=wanted)
        return client.describe_endpoint(EndpointName=name)  # type: ignore[no-any-return]

    def halt(self, client: Any, name: str) -> bool:
        """Delete the endpoint if it is still being created; one that serves, or is being updated, stays:
        AWS has no call that cancels an update, and the old model goes on serving.
        """
        found = self.find(client, name)
        if found is None or found["EndpointStatus"] != "Creating":
            return False
        if not _is_ours(client, found["EndpointArn"]):
            return False
        client.delete_endpoint(EndpointName=name)
        return True

    def failure(self, description: Description, request: Request) -> JobError | None:
        """RolledBack when another configuration serves than the one asked for."""
        job, status = description["EndpointName"], description["EndpointStatus"]
        reason = description.get("FailureReason") or f"the endpoint is {status}"
        if status == "UpdateRollbackFailed":
            return RolledBack(job, f"the update failed and so did its rollback: {reason}")
        if status != "InService":
            return AlgorithmFailed(job, reason)
        wanted, serves = (
            request["EndpointConfig"]["EndpointConfigName"],
            description["EndpointConfigName"],
        )
        if serves != wanted:
            return RolledBack(job, f"still serves {serves}, not {wanted}: {reason}")
        return None


ENDPOINT = EndpointKind(
    name="endpoint",
    create="create_endpoint",
    describe="describe_endpoint",
    stop="delete_endpoint",
    name_key="EndpointName",
    arn_key="EndpointArn",
    status_key="EndpointStatus",
    succeeded=frozenset({"InService"}),
    ended=frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"}),
    bill=bills.endpoint,
    limit=lambda request: timedelta(hours=1),
    one_per_attempt=False,
)

KINDS = {kind.name: kind for kind in (TRAINING, PROCESSING, COMPILATION, ENDPOINT)}
