"""A hyperparameter tuning job: many training jobs that live, bill and end with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from frugal.jobs import bills
from frugal.jobs.bills import Description
from frugal.jobs.kind import CAPACITY_REASONS, SERVICE_REASONS, SLACK, JobKind, Request
from frugal.jobs.outcome import AlgorithmFailed, CapacityUnavailable, JobError, ServiceFailed

NAME_LENGTH = 32  # HyperParameterTuningJobName, botocore's model


@dataclass(frozen=True)
class TuningKind(JobKind):
    """StopHyperParameterTuningJob stops its training jobs, too, and AWS gives them its tags: what botocore's
    model says of both calls. So nothing here touches a training job.
    """

    def find(self, client: Any, name: str) -> Description | None:
        """DescribeHyperParameterTuningJob; once it is over with its training jobs, described, as "TrainingJobs"."""
        found = super().find(client, name)
        if found is None or not self.is_over(found):
            return found
        pages = client.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=name, SortBy="CreationTime", SortOrder="Ascending"
        )
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
        jobs = [client.describe_training_job(TrainingJobName=job) for job in names]
        return {**found, "TrainingJobs": jobs}

    def failure(self, description: Description, request: Request) -> JobError | None:
        """Completed is success only with a best training job: one whose objective AWS could read.

        It fails for the reason that its training jobs failed for: AWS says of it only that none succeeded.
        """
        error = super().failure(description, request)
        jobs = description.get("TrainingJobs", [])
        reasons = [job["FailureReason"] for job in jobs if job.get("FailureReason")]
        if error is None and best_job(description) is None:
            name = description[self.name_key]
            error = AlgorithmFailed(name, "completed, but no training job is the best")
        if not isinstance(error, AlgorithmFailed):
            return error
        reason = f"{error.reason}: {next(iter(reasons), 'none of them reported the objective')}"
        if any(text in reason for text in CAPACITY_REASONS):
            return CapacityUnavailable(error.job, reason)
        if reasons and all(reason.startswith(SERVICE_REASONS) for reason in reasons):
            return ServiceFailed(error.job, reason)
        return AlgorithmFailed(error.job, reason)

    def max_runtime(self, description: Description) -> int | None:
        """ResourceLimits.MaxRuntimeInSeconds of the tuning job as a whole."""
        limits = description["HyperParameterTuningJobConfig"]["ResourceLimits"]
        seconds: int | None = limits.get("MaxRuntimeInSeconds")
        return seconds


def best_job(description: Description) -> str | None:
    """Name of the training job with the best objective, or None."""
    name: str | None = description.get("BestTrainingJob", {}).get("TrainingJobName")
    return name


def _limit(request: Request) -> timedelta:
    """As long as the whole tuning job may run. Raises ValueError when the request does not say."""
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    if "MaxRuntimeInSeconds" not in limits:
        raise ValueError(
            "a tuning job without HyperParameterTuningJobConfig.ResourceLimits.MaxRuntimeInSeconds"
            " has no end of its own: set it"
        )
    return timedelta(seconds=limits["MaxRuntimeInSeconds"]) + SLACK


def _artifact(description: Description) -> str | None:
    best = best_job(description)
    artifacts = {
        job["TrainingJobName"]: job["ModelArtifacts"]["S3ModelArtifacts"]
        for job in description.get("TrainingJobs", [])
        if job["TrainingJobName"] == best
    }
    return artifacts.get(best or "")


TUNING = TuningKind(
    name="tuning",
    resource="hyper-parameter-tuning-job",
    create="create_hyper_parameter_tuning_job",
    describe="describe_hyper_parameter_tuning_job",
    stop="stop_hyper_parameter_tuning_job",
    list="list_hyper_parameter_tuning_jobs",
    name_key="HyperParameterTuningJobName",
    arn_key="HyperParameterTuningJobArn",
    status_key="HyperParameterTuningJobStatus",
    underway=frozenset({"InProgress"}),
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped", "DeleteFailed"}),
    bill=bills.tuning,
    limit=_limit,
    artifact=_artifact,
    name_length=NAME_LENGTH,
)
