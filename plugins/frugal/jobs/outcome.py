"""How a job ended, as exceptions that a retry policy or a person can tell apart."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException, AirflowFailException


class JobError(AirflowException):
    """A job that did not do what was asked; the message names the job and AWS's reason."""

    def __init__(self, job: str, reason: str) -> None:
        self.job, self.reason = job, reason
        super().__init__(f"{job}: {reason}")


class CapacityUnavailable(JobError):
    """No capacity came in time: the next rung, or a later try, may get it."""


class ServiceFailed(JobError):
    """AWS's own fault (InternalServerError): the same request may work again."""


class JobStopped(JobError):
    """Somebody stopped the job."""


class TimedOut(JobError, AirflowFailException):
    """The job reached its own MaxRuntimeInSeconds, which is what a user allows it to bill.

    As an AirflowFailException it ends the task without a retry; clearing the task goes on from the checkpoints.
    """


class RolledBack(JobError, AirflowFailException):
    """The endpoint serves, but not on the configuration that was asked for.

    As an AirflowFailException it ends the task without a retry, which would send users to the bad model again.
    """


class AlgorithmFailed(JobError, AirflowFailException):
    """The container or the request is at fault: the same attempt would fail, and bill, again.

    As an AirflowFailException it ends the task without a retry.
    """


def refused_capacity(job: str, error: Exception) -> CapacityUnavailable | None:
    """What a Create call says that met the account's quota of an instance type; None of any other error.

    botocore's model of ResourceLimitExceeded: "You have exceeded an SageMaker resource limit."
    """
    answer = getattr(error, "response", None) or {}
    if answer.get("Error", {}).get("Code") != "ResourceLimitExceeded":
        return None
    return CapacityUnavailable(job, answer["Error"].get("Message", "ResourceLimitExceeded"))
