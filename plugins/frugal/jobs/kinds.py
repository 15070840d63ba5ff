"""The kinds of things that bill, as data: which calls start, show, list and stop one, what its statuses
mean, and where its bill stands.
"""

from __future__ import annotations

from datetime import timedelta

from frugal.jobs import bills
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.inference_component import INFERENCE_COMPONENT
from frugal.jobs.kind import SLACK, JobKind, Request
from frugal.jobs.tuning import TUNING

TRANSFORMED_WITHIN = timedelta(days=1)


def _stopping_condition(request: Request) -> timedelta:
    limits = request["StoppingCondition"]
    seconds = limits.get("MaxWaitTimeInSeconds", limits["MaxRuntimeInSeconds"])
    return timedelta(seconds=seconds) + SLACK


TRAINING = JobKind(
    name="training",
    resource="training-job",
    create="create_training_job",
    describe="describe_training_job",
    stop="stop_training_job",
    list="list_training_jobs",
    name_key="TrainingJobName",
    arn_key="TrainingJobArn",
    status_key="TrainingJobStatus",
    underway=frozenset({"InProgress"}),
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped"}),
    bill=bills.training,
    limit=_stopping_condition,
    artifact=lambda description: description["ModelArtifacts"]["S3ModelArtifacts"],
)
PROCESSING = JobKind(
    name="processing",
    resource="processing-job",
    create="create_processing_job",
    describe="describe_processing_job",
    stop="stop_processing_job",
    list="list_processing_jobs",
    name_key="ProcessingJobName",
    arn_key="ProcessingJobArn",
    status_key="ProcessingJobStatus",
    underway=frozenset({"InProgress"}),
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped"}),
    bill=bills.processing,
    limit=_stopping_condition,
)
COMPILATION = JobKind(
    name="compilation",
    resource="compilation-job",
    create="create_compilation_job",
    describe="describe_compilation_job",
    stop="stop_compilation_job",
    list="list_compilation_jobs",
    name_key="CompilationJobName",
    arn_key="CompilationJobArn",
    status_key="CompilationJobStatus",
    underway=frozenset({"STARTING", "INPROGRESS"}),
    succeeded=frozenset({"COMPLETED"}),
    ended=frozenset({"FAILED", "STOPPED"}),
    bill=bills.compilation,
    limit=_stopping_condition,
    artifact=lambda description: description["ModelArtifacts"]["S3ModelArtifacts"],
)
# CreateTransformJob has no StoppingCondition: its task's execution_timeout, or else a day, is its only limit.
TRANSFORM = JobKind(
    name="transform",
    resource="transform-job",
    create="create_transform_job",
    describe="describe_transform_job",
    stop="stop_transform_job",
    list="list_transform_jobs",
    name_key="TransformJobName",
    arn_key="TransformJobArn",
    status_key="TransformJobStatus",
    underway=frozenset({"InProgress"}),
    succeeded=frozenset({"Completed"}),
    ended=frozenset({"Failed", "Stopped"}),
    bill=bills.transform,
    limit=lambda request: TRANSFORMED_WITHIN,
    artifact=lambda description: description["TransformOutput"]["S3OutputPath"],
)

KINDS: dict[str, JobKind] = {
    kind.name: kind
    for kind in (
        TRAINING,
        PROCESSING,
        COMPILATION,
        TUNING,
        TRANSFORM,
        ENDPOINT,
        INFERENCE_COMPONENT,
    )
}
