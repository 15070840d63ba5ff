"""What one attempt of a task works with: its jobs on AWS, the rungs they may be on, and calls that insist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from frugal.aws import clients
from frugal.aws.retries import insist
from frugal.aws.run import Inputs, Run
from frugal.aws.settings import Settings
from frugal.jobs.adoption import Job, TaskJobs
from frugal.jobs.bills import Description
from frugal.jobs.capacity import Ladder, Rung
from frugal.jobs.kind import JobKind, Request
from frugal.jobs.trigger import JobTrigger


def gather(context: Any, upstream: Sequence[str]) -> Inputs:
    """The results of the tasks `upstream`, of which the first is the one that left the `Run`."""
    ti = context["ti"]
    results = {task_id: ti.xcom_pull(task_ids=task_id) for task_id in upstream}
    run = Run.from_json(results[upstream[0]])
    return Inputs(run=run, results=results, params=dict(context["params"]))


@dataclass(frozen=True)
class Work:
    """One attempt at one task; `context` is Airflow's."""

    kind: JobKind
    context: Any
    inputs: Inputs
    jobs: TaskJobs
    ladder: Ladder

    @property
    def state(self) -> str | None:
        """What Airflow says of this attempt now, however long that takes; None when its DAG run was deleted.

        Airflow refuses the deferral of a task that was ended meanwhile, without a call to on_kill.
        """
        ti = self.context["ti"]
        states = insist(
            lambda: ti.get_task_states(
                dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
            ),
            passes=lambda error: True,
        )
        return next(iter(states.get(ti.run_id, {}).values()), None)

    def rung(self, job: Job) -> Rung:
        """The rung that a job is on."""
        rungs = (*self.ladder.rungs, *self.ladder.left_out)
        return next(rung for rung in rungs if rung.index == job.rung)

    def next_rung(self, job: Job) -> Rung | None:
        """The rung after a job's. A ladder that was decided again may leave the job's out: then its first."""
        if job.rung in [rung.index for rung in self.ladder.rungs]:
            return self.ladder.after(job.rung)
        return self.ladder.first

    def job(self, generation: int, rung: Rung) -> Job:
        """The task's job on a rung; what has one name for life is always the same."""
        if not self.kind.one_per_attempt:
            return Job(self.jobs.base_name)
        return self.jobs.job(generation, rung.index, self._region(rung))

    def listed(self) -> list[Job]:
        """The task's jobs in every region of the ladder, oldest first."""
        if not self.kind.one_per_attempt:
            return []
        regions = {self._region(rung) for rung in (*self.ladder.rungs, *self.ladder.left_out)}
        return insist(lambda: self.jobs.listed(regions))

    def running(self, listed: list[Job], besides: Job | None = None) -> list[Job]:
        """Those that still run, or stop: AWS is asked, as its lists may be behind."""
        unsure = [
            job for job in listed if not job.over and (not besides or job.name != besides.name)
        ]
        return [job for job in unsure if (found := self.find(job)) and not self.kind.is_over(found)]

    def find(self, job: Job) -> Description | None:
        """The job's description; None when AWS has no such job."""
        return insist(lambda: self.kind.find(self._client(job), job.name))

    def ensure(self, job: Job, request: Callable[[], Request]) -> Description:
        """The job's description, once it is submitted: AWS is asked for it before each try to submit it, and
        `request` is called, which may raise.
        """
        return insist(lambda: self.kind.ensure(self._client(job), job.name, request()))

    def halt(self, job: Job) -> bool:
        """Tell AWS to stop the job; whether there was anything to stop."""
        return insist(lambda: self.kind.halt(self._client(job), job.name))

    def result(self, job: Job, found: Description, document: str | None) -> dict[str, Any]:
        """What the task returns of a job that did what was asked; `document` is the URI of what it left to read."""
        return {
            "kind": self.kind.name,
            "job": job.name,
            "arn": found[self.kind.arn_key],
            "status": found[self.kind.status_key],
            "artifact": self.kind.artifact(found),
            "image": found.get("InferenceImage"),
            "rung": job.rung,
            "region": self.rung(job).region,
            "document": insist(lambda: clients.read_json(document)) if document else None,
            **vars(self.kind.bill(found)),
        }

    def trigger(
        self, job: Job, patience: float | None = None, note: dict[str, Any] | None = None
    ) -> JobTrigger:
        """What waits for the job's end, or for the end of its rung's `patience` in seconds."""
        poll = Settings.load().poll_seconds
        return JobTrigger(self.kind.name, job.name, poll, job.region, patience, note)

    def _client(self, job: Job) -> Any:
        return clients.client("sagemaker", job.region)

    def _region(self, rung: Rung) -> str | None:
        return None if rung.region == self.inputs.run.region else rung.region
