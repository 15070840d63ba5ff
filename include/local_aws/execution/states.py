"""The states of each kind of job, as data: which are final, what they are called, what is told to
EventBridge when one is entered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from local_aws import clock
from local_aws.store import Record

# The kind of a monitoring schedule, which an endpoint cannot be deleted under.
SCHEDULE = "monitoring-schedule"

RESTARTED = (
    "InternalServerError: We encountered an internal error. Please try again. "
    "(The local AWS was restarted while the job ran.)"
)


def now() -> float:
    """Seconds since 1970, to the millisecond, as every AWS time here."""
    return round(clock.now(), 3)


@dataclass(frozen=True)
class States:
    """A kind of job: `noun` is its name in the API, `terminal` its final statuses.

    `start`, `stopping`, `stopped`, `failed` are how that kind spells those statuses; `event` is its
    EventBridge detail type, None where AWS sends none. `instance` is the path to the instance type
    in a request.
    """

    noun: str
    kind: str
    start: str = "InProgress"
    stopping: str = "Stopping"
    stopped: str = "Stopped"
    failed: str = "Failed"
    completed: str = "Completed"
    event: str | None = None
    event_members: Sequence[str] = ()
    instance: Sequence[str] = ()

    @property
    def name(self) -> str:
        return f"{self.noun}Name"

    @property
    def arn(self) -> str:
        return f"{self.noun}Arn"

    @property
    def status(self) -> str:
        return f"{self.noun}Status"

    @property
    def terminal(self) -> frozenset[str]:
        return frozenset({self.stopped, self.failed, self.completed})

    def instance_type(self, record: Record) -> str:
        """What a job runs on; "" for a kind that does not say."""
        found: Any = record if self.instance else ""
        for member in self.instance:
            found = found.get(member, {})
        return found or ""

    def done(self, record: Record) -> bool:
        return record[self.status] in self.terminal

    def ends(self, status: str) -> bool:
        """Whether entering a status ends the job."""
        return status in self.terminal

    def move(self, record: Record, status: str) -> None:
        """Put a record into a status, now."""
        record[self.status] = status
        record["LastModifiedTime"] = now()


# Secondary status -> StatusMessage of its transition.
TRAINING_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Pending": "Training job waiting for capacity",
    "Downloading": "Downloading the training image and input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Interrupted": "Training job interrupted: the managed spot capacity was reclaimed",
    "Restarting": "Restarting the training job on new capacity",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "Failed": "Training job failed",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job exceeded MaxWaitTimeInSeconds provided",
}

# Secondary status -> the TrainingJobStatus that goes with it; any other goes with InProgress.
_PRIMARY = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
}


@dataclass(frozen=True)
class TrainingStates(States):
    """Training jobs, whose statuses are secondary ones with a history.

    Every transition has a message of its own: Airflow's hook takes two equal ones for one.
    """

    start: str = "Starting"
    messages: dict[str, str] = field(default_factory=lambda: TRAINING_MESSAGES)

    def ends(self, status: str) -> bool:
        return _PRIMARY.get(status) in self.terminal

    def move(self, record: Record, status: str) -> None:
        history, at = record.setdefault("SecondaryStatusTransitions", []), now()
        if history:
            history[-1]["EndTime"] = at
        again = sum(entry["Status"] == status for entry in history)
        message = self.messages[status] + (f" (attempt {again + 1})" if again else "")
        entry = {"Status": status, "StartTime": at, "StatusMessage": message}
        history.append(entry)
        primary = _PRIMARY.get(status, "InProgress")
        if primary in self.terminal:
            entry["EndTime"] = at
        record["SecondaryStatus"] = status
        super().move(record, primary)


TRAINING = TrainingStates(
    "TrainingJob",
    "training-job",
    event="SageMaker Training Job State Change",
    event_members=[
        "TrainingJobName",
        "TrainingJobArn",
        "TrainingJobStatus",
        "SecondaryStatus",
        "SecondaryStatusTransitions",
        "FailureReason",
        "RoleArn",
        "CreationTime",
        "LastModifiedTime",
        "TrainingStartTime",
        "TrainingEndTime",
        "ModelArtifacts",
        "BillableTimeInSeconds",
    ],
    instance=["ResourceConfig", "InstanceType"],
)

PROCESSING = States(
    "ProcessingJob",
    "processing-job",
    event="SageMaker Processing Job State Change",
    event_members=[
        "ProcessingJobName",
        "ProcessingJobArn",
        "ProcessingJobStatus",
        "ExitMessage",
        "FailureReason",
        "RoleArn",
        "CreationTime",
        "LastModifiedTime",
        "ProcessingStartTime",
        "ProcessingEndTime",
    ],
    instance=["ProcessingResources", "ClusterConfig", "InstanceType"],
)

TRANSFORM = States(
    "TransformJob",
    "transform-job",
    event="SageMaker Transform Job State Change",
    event_members=[
        "TransformJobName",
        "TransformJobArn",
        "TransformJobStatus",
        "FailureReason",
        "ModelName",
        "MaxConcurrentTransforms",
        "MaxPayloadInMB",
        "BatchStrategy",
        "Environment",
        "TransformInput",
        "TransformOutput",
        "TransformResources",
        "CreationTime",
        "LastModifiedTime",
        "TransformStartTime",
        "TransformEndTime",
        "DataProcessing",
    ],
    instance=["TransformResources", "InstanceType"],
)

TUNING = States(
    "HyperParameterTuningJob",
    "hyper-parameter-tuning-job",
    event="SageMaker HyperParameter Tuning Job State Change",
    event_members=[
        "HyperParameterTuningJobName",
        "HyperParameterTuningJobArn",
        "HyperParameterTuningJobConfig",
        "TrainingJobDefinition",
        "HyperParameterTuningJobStatus",
        "CreationTime",
        "LastModifiedTime",
        "HyperParameterTuningEndTime",
        "TrainingJobStatusCounters",
        "ObjectiveStatusCounters",
        "FailureReason",
    ],
)

COMPILATION = States(
    "CompilationJob",
    "compilation-job",
    start="STARTING",
    stopping="STOPPING",
    stopped="STOPPED",
    failed="FAILED",
    completed="COMPLETED",
)
