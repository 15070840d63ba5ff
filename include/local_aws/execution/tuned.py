"""The training jobs of a tuning job: where each stands, and how good it was."""

from __future__ import annotations

from dataclasses import dataclass

from local_aws.execution.search import Values
from local_aws.execution.states import TRAINING
from local_aws.store import Record, Store

STATUS_COUNTERS = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
OBJECTIVE_COUNTERS = ("Succeeded", "Pending", "Failed")


def objective_of(record: Record | None, metric: str) -> float | None:
    """The last value that an ended training job logged of the objective metric."""
    final = (record or {}).get("FinalMetricDataList", [])
    return next((float(m["Value"]) for m in final if m["MetricName"] == metric), None)


@dataclass(frozen=True)
class Training:
    """A training job of a tuning job; `record` is None until it was created, or once it is deleted."""

    name: str
    values: Values
    record: Record | None
    objective: float | None

    @property
    def running(self) -> bool:
        return self.record is not None and not TRAINING.done(self.record)

    @property
    def ended(self) -> bool:
        return not self.running

    def counted_as(self) -> str:
        """Its place in TrainingJobStatusCounters."""
        if self.record is None:
            return "NonRetryableError"
        status: str = self.record["TrainingJobStatus"]
        if status == "Failed":
            own = self.record.get("FailureReason", "").startswith("InternalServerError")
            return "RetryableError" if own else "NonRetryableError"
        return "InProgress" if self.running else status

    def objective_status(self) -> str:
        if self.running:
            return "Pending"
        failed = self.objective is None or self.counted_as().endswith("Error")
        return "Failed" if failed else "Succeeded"


def trainings_of(store: Store, region: str, tuning: Record) -> list[Training]:
    """Every training job that a tuning job started, in that order."""
    goal = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    found = []
    for trial in tuning["_trials"]:
        record = store.get(TRAINING.kind, region, trial["name"])
        objective = objective_of(record, goal["MetricName"])
        found.append(Training(trial["name"], trial["values"], record, objective))
    return found


def summary(tuning: Record, training: Training) -> Record:
    """HyperParameterTrainingJobSummary."""
    record = training.record or {}
    goal = tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    members = {
        "TrainingJobName": training.name,
        "TunedHyperParameters": training.values,
        "ObjectiveStatus": training.objective_status(),
    }
    for name in (
        *("TrainingJobArn", "CreationTime", "TrainingStartTime", "TrainingEndTime"),
        *("TrainingJobStatus", "FailureReason"),
    ):
        if name in record:
            members[name] = record[name]
    definition = tuning["TrainingJobDefinition"].get("DefinitionName")
    members |= {"TrainingJobDefinitionName": definition} if definition else {}
    if training.objective is not None:
        members["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": goal["Type"],
            "MetricName": goal["MetricName"],
            "Value": training.objective,
        }
    return members
