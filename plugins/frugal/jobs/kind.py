"""What every kind of thing that bills has in common: how it is found, started or adopted, stopped, and
judged. Statuses are botocore's enums of the Describe calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.aws.names import MAX_LENGTH
from frugal.aws.tags import as_dict, as_list
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
Tags = Mapping[str, str]

# What FailureReason starts with, or holds, when AWS and not the container is at fault. CapacityError is
# the prefix in SageMaker's troubleshooting pages; the exact set on AWS is not verified here.
CAPACITY_REASONS = ("CapacityError", "InsufficientInstanceCapacity", "Insufficient capacity")
SERVICE_REASONS = ("InternalServerError", "InternalError")
STOPPING = frozenset({"stopping", "stopped"})
SLACK = timedelta(minutes=15)  # AWS's own time to provision, download and upload


@dataclass(frozen=True)
class JobKind:
    """One kind of job. `create`, `describe`, `stop` and `list` are methods of the boto3 SageMaker client;
    `bill`, `limit` and `artifact` read a description or a request. A job is `one_per_attempt`; an
    endpoint is not: it keeps its name for life.

    `resource` is what its ARNs call it, `underway` are the statuses in which it bills and may be stopped,
    and `name_length` is how many characters AWS lets its name have.
    """

    name: str
    resource: str
    create: str
    describe: str
    stop: str
    list: str
    name_key: str
    arn_key: str
    status_key: str
    underway: frozenset[str]
    succeeded: frozenset[str]
    ended: frozenset[str]
    bill: Callable[[Description], bills.Bill]
    limit: Callable[[Request], timedelta]
    artifact: Callable[[Description], str | None] = lambda description: None
    one_per_attempt: bool = True
    name_length: int = MAX_LENGTH

    def find(self, client: Any, name: str) -> Description | None:
        """The description of `name`, or None when AWS has no such thing."""
        try:
            description: Description = getattr(client, self.describe)(**{self.name_key: name})
        except client.exceptions.ClientError as error:
            if is_missing(error.response["Error"]):
                return None
            raise
        return description

    def tagged(self, request: Request, tags: Tags) -> Request:
        """`request` with `tags` besides its own, on everything that it makes."""
        return {**request, "Tags": as_list({**as_dict(request.get("Tags", [])), **tags})}

    def ensure(self, client: Any, name: str, request: Request) -> Description:
        """Submit `request` under `name`, or adopt what already has that name; returns it described."""
        found = self.find(client, name)
        if found is not None:
            return found
        try:
            getattr(client, self.create)(**{**request, self.name_key: name})
        except client.exceptions.ClientError as error:
            if not exists_already(error.response["Error"]):
                raise
        return getattr(client, self.describe)(**{self.name_key: name})  # type: ignore[no-any-return]

    def halt(self, client: Any, name: str) -> bool:
        """Stop `name` if it still runs; returns whether there was anything to stop.

        AWS refuses to stop what ended meanwhile: that is nothing to stop, not an error.
        """
        if not self._is_stoppable(client, self.find(client, name)):
            return False
        try:
            getattr(client, self.stop)(**{self.name_key: name})
        except client.exceptions.ClientError:
            if self._is_stoppable(client, self.find(client, name)):
                raise
            return False
        return True

    def _is_stoppable(self, client: Any, found: Description | None) -> bool:
        return found is not None and found[self.status_key] in self.underway

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
        if status.lower() in STOPPING:
            limit = self.max_runtime(description)
            ran = self.bill(description).seconds_run
            if secondary == "MaxRuntimeExceeded" or (limit and ran >= limit):
                return TimedOut(job, f"reached its MaxRuntimeInSeconds of {limit}")
            return JobStopped(job, "was stopped before it was done")
        if reason.startswith(SERVICE_REASONS):
            return ServiceFailed(job, reason)
        return AlgorithmFailed(job, reason)

    def is_for(self, description: Description, request: Request) -> bool:
        """Whether what is under way, or stands, is what `request` asks for: always so for a job of its own."""
        return True

    def progress(self, description: Description) -> str:
        """How far it is, in few words of AWS: its status, and the secondary one where there is one."""
        secondary = description.get("SecondaryStatus")
        return ": ".join(filter(None, [description[self.status_key], secondary]))

    def max_runtime(self, description: Description) -> int | None:
        """Seconds after which AWS stops it; None when AWS knows no such limit for this kind."""
        seconds: int | None = description.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
        return seconds


def is_missing(error: Mapping[str, str]) -> bool:
    """AWS answers ValidationException "Could not find ..." or "... not found" for what is not there."""
    text = error.get("Message", "").lower()
    missing = "could not find" in text or "not found" in text or "does not exist" in text
    return error["Code"] == "ResourceNotFound" or (
        error["Code"] == "ValidationException" and missing
    )


def exists_already(error: Mapping[str, str]) -> bool:
    """Whether AWS refused a Create call because there is something of that name."""
    text = error.get("Message", "").lower()
    return error["Code"] == "ResourceInUse" or "already exist" in text


def is_busy(error: Mapping[str, str]) -> bool:
    """Whether AWS refused an update because another one, such as autoscaling's, is under way."""
    return error["Code"] == "ValidationException" and "in-progress" in error.get("Message", "")
