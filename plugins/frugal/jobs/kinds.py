"""The kinds of things that bill, as data: which calls start, show and stop one, what its statuses
mean, and where its bill stands.
"""

from __future__ import annotations

from datetime import timedelta

from frugal.jobs import bills
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.kind import JobKind, Request

SLACK = timedelta(minutes=15)  # AWS's own time to provision, download and upload


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

KINDS = {kind.name: kind for kind in (TRAINING, PROCESSING, COMPILATION, ENDPOINT)}
