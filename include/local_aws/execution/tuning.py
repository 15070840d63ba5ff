"""Tuning jobs: training jobs with ever other hyperparameters, until enough were tried."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from local_aws.execution.early_stopping import hopeless
from local_aws.execution.job import Job
from local_aws.execution.search import STRATEGIES, Trial, Values
from local_aws.execution.search_space import dimensions
from local_aws.execution.states import TRAINING, now
from local_aws.execution.tuned import (
    OBJECTIVE_COUNTERS,
    STATUS_COUNTERS,
    Training,
    summary,
    trainings_of,
)

log = logging.getLogger(__name__)

PERIOD = 0.1

#: Training jobs without a success after which a tuning job fails, as users report it.
ATTEMPTS = 5

#: An objective that is better by less is no improvement (BestObjectiveNotImproving).
IMPROVEMENT = 0.01


class TuningRun:
    """One tuning job. `launch` creates the training job of a name with hyperparameters, `stop` stops
    one.

    Which hyperparameters are next is drawn from the request's RandomSeed, or from the job's name,
    and from what ended so far. A trial is on record before its training job is created, so that a
    restart of the local AWS neither loses nor repeats one.
    """

    def __init__(
        self, job: Job, launch: Callable[[str, Values], None], stop: Callable[[str], None]
    ) -> None:
        self.job, self._launch, self._stop = job, launch, stop
        record = job.record
        self._config: dict[str, Any] = record["HyperParameterTuningJobConfig"]
        self._limits: dict[str, Any] = self._config["ResourceLimits"]
        self._space = dimensions(self._config["ParameterRanges"])
        self._seed = self._config.get("RandomSeed", job.name)
        self._created: float = record["CreationTime"]
        goal = self._config["HyperParameterTuningJobObjective"]
        self._metric = goal["MetricName"]
        self._sign = 1 if goal["Type"] == "Maximize" else -1
        self._over = False
        self._told: set[str] = set()
        self._judged: dict[str, int] = {}

    def __call__(self) -> None:
        try:
            while not self._step():
                time.sleep(PERIOD)
        except Exception as error:
            log.exception("Tuning job %s", self.job.name)
            for training in self.trainings():
                self._end(training)
            self._finish(self.job.states.failed, f"InternalServerError: {error}")

    def trainings(self) -> list[Training]:
        """Every training job so far, in the order in which they were started."""
        return trainings_of(self.job.app.store, self.job.region, self.job.record)

    def restore(self) -> None:
        """Start again what the last process had on record and may not have created."""
        trainings = self.trainings()
        if trainings and trainings[-1].record is None:
            self._launch(trainings[-1].name, trainings[-1].values)

    def _step(self) -> bool:
        """Start, watch and stop what has to be; whether all is over."""
        trainings = self.trainings()
        self._show(trainings)
        self._over = self._over or self.job.stopped() or self._enough(trainings)
        running = [training for training in trainings if training.running]
        if self._over:
            for training in running:
                self._end(training)
        else:
            missing = self._limits["MaxParallelTrainingJobs"] - len(running)
            launched = [self._next(trainings) for _ in range(missing)]
            self._stop_early(trainings)
            if any(launched):
                return False
        if running:
            return False
        self._conclude(trainings)
        return True

    def _next(self, trainings: list[Training]) -> bool:
        """Start one training job more; False when there is none left to try."""
        number = len(trainings) + 1
        if number > self._limits.get("MaxNumberOfTrainingJobs", number):
            return False
        trials = [Trial(t.values, self._score(t.objective)) for t in trainings]
        rng = Random(f"{self._seed}/{number}")
        values = STRATEGIES[self._config["Strategy"]](self._space, trials, rng)
        if values is None:
            return False
        suffix = Random(f"{self.job.name}/{self._created}/{number}").getrandbits(32)
        name = f"{self.job.name}-{number:03d}-{suffix:08x}"
        tried = [*self.job.record["_trials"], {"name": name, "values": values}]
        self.job.update(_trials=tried)
        self._launch(name, values)
        record = self.job.app.store.get(TRAINING.kind, self.job.region, name)
        trainings.append(Training(name, values, record, None))
        return True

    def _score(self, objective: float | None) -> float | None:
        return None if objective is None else self._sign * objective

    def _end(self, training: Training) -> None:
        if training.running and training.name not in self._told:
            self._told.add(training.name)
            self._stop(training.name)

    def _stop_early(self, trainings: list[Training]) -> None:
        if self._config.get("TrainingJobEarlyStoppingType", "Off") != "Auto":
            return
        ended = [self._history(t) for t in trainings if t.ended]
        for training in trainings:
            if not training.running:
                continue
            scores = self._history(training)
            if hopeless(scores, ended, self._judged.get(training.name, 0)):
                self._end(training)
            self._judged[training.name] = len(scores)

    def _history(self, training: Training) -> list[float]:
        """The scores that a training job has logged, oldest first."""
        job = self.job.app.supervisor.find(TRAINING.kind, self.job.region, training.name)
        kept = (training.record or {}).get("_history", {})
        logged = (job.history if job else kept).get(self._metric, [])
        return [self._sign * value for value in logged]

    def _enough(self, trainings: list[Training]) -> bool:
        """Whether a completion criterion is met, or nothing succeeds."""
        if now() - self._created >= self._limits.get("MaxRuntimeInSeconds", float("inf")):
            return True
        ended = [t for t in trainings if t.ended]
        scores = [self._sign * t.objective for t in ended if t.objective is not None]
        if len(ended) >= ATTEMPTS and all(t.objective_status() == "Failed" for t in ended):
            return True
        criteria = self._config.get("TuningJobCompletionCriteria", {})
        target = criteria.get("TargetObjectiveMetricValue")
        if target is not None and scores and max(scores) >= self._sign * target:
            return True
        patience = criteria.get("BestObjectiveNotImproving", {})
        allowed: float = patience.get("MaxNumberOfTrainingJobsNotImproving", float("inf"))
        return not_improving(scores) >= allowed

    def _show(self, trainings: list[Training]) -> None:
        """Put the counters, the best training job and the rest of the progress on record."""
        statuses = Counter(training.counted_as() for training in trainings)
        objectives = Counter(training.objective_status() for training in trainings)
        scores = [
            self._sign * t.objective for t in trainings if t.ended and t.objective is not None
        ]
        shown: dict[str, Any] = {
            "TrainingJobStatusCounters": {name: statuses[name] for name in STATUS_COUNTERS},
            "ObjectiveStatusCounters": {name: objectives[name] for name in OBJECTIVE_COUNTERS},
            "TuningJobCompletionDetails": {
                "NumberOfTrainingJobsObjectiveNotImproving": not_improving(scores)
            },
        }
        good = [t for t in trainings if t.objective_status() == "Succeeded"]
        if good:
            best = max(good, key=lambda t: self._sign * (t.objective or 0.0))
            shown["BestTrainingJob"] = summary(self.job.record, best)
        record = self.job.record
        if any(record.get(name) != value for name, value in shown.items()):
            self.job.update(**shown)

    def _conclude(self, trainings: list[Training]) -> None:
        states = self.job.states
        if self.job.stopped():
            self._finish(states.stopped)
        elif any(t.objective_status() == "Succeeded" for t in trainings):
            self._finish(states.completed)
        else:
            self._finish(
                states.failed,
                f"No training job succeeded after {len(trainings)} attempts. Please take a look at "
                "the training job failures to get more details.",
            )

    def _finish(self, status: str, reason: str | None = None) -> None:
        members = {"FailureReason": reason[:1024]} if reason else {}
        self.job.enter(status, HyperParameterTuningEndTime=now(), **members)


def not_improving(scores: list[float]) -> int:
    """How many training jobs in a row were not better than the best before by `IMPROVEMENT`."""
    count, best = 0, None
    for score in scores:
        if best is None or score > best + abs(best) * IMPROVEMENT:
            count, best = 0, score
        else:
            count += 1
    return count
