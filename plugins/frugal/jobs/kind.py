"""What every kind of thing that bills has in common: how it is found, started or adopted, stopped, and
judged. Statuses are botocore's enums of the Describe calls.
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
    ServiceFailed,
    TimedOut,
)

Request = Mapping[str, Any]

# What FailureReason starts with, or holds, when AWS and not the container is at fault. CapacityError is
# the prefix in SageMaker's troubleshooting pages; the exact set on AWS is not verified here.
CAPACITY_REASONS = ("CapacityError", "InsufficientInstanceCapacity", "Insufficient capacity")
SERVICE_REASONS = ("InternalServerError", "InternalError")


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
            if is_missing(error.response["Error"]):
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


def is_missing(error: Mapping[str, str]) -> bool:
    """AWS answers ValidationException "Could not find ..." or "... not found" for what is not there."""
    text = error.get("Message", "").lower()
    missing = "could not find" in text or "not found" in text or "does not exist" in text
    return error["Code"] == "ResourceNotFound" or (
        error["Code"] == "ValidationException" and missing
    )


def is_ours(client: Any, arn: str) -> bool:
    """Whether what stands under `arn` carries our ownership tag: nothing else may be changed or deleted."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
    return OWNED.items() <= tags.items()


def _exists_already(error: Mapping[str, str]) -> bool:
    text = error.get("Message", "").lower()
    return error["Code"] == "ResourceInUse" or "already exist" in text
