"""One DAG run of one task under test, and what Airflow and AWS said of it when they were last asked."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frugal.jobs.kind import JobKind

if TYPE_CHECKING:
    from tests.faults.cluster import Cluster

OVER = ("success", "failed", "skipped", "removed")
DELETED = "deleted"
#: A task whose work AWS has, in whichever mode its operator waits.
WAITING = {"frugal": "deferred", "deferrable": "deferred", "sync": "running"}


@dataclass
class TaskRun:
    """A run of the DAG `<subject>_<kind><variant>`; `id` is also what its job's name starts with."""

    cluster: Cluster
    subject: str
    kind: JobKind
    variant: str
    id: str
    folder: Path
    task: dict[str, Any] | None = None
    #: (name, seconds since 1970 of its creation) -> status, of every job that AWS ever listed of it
    jobs: dict[tuple[str, float], str] = field(default_factory=dict)
    #: when a user, or a limit, ended what it then waited for: from then on its jobs are not wanted
    unwanted: list[datetime] = field(default_factory=list)
    #: whether what it is to update stood before it
    stood: bool = False
    is_started: bool = False
    lost_too_much: bool = False
    notes: list[str] = field(default_factory=list)
    _was_seen: bool = False

    @property
    def dag(self) -> str:
        """Id of its DAG."""
        return f"{self.subject}_{self.kind.name}{self.variant}"

    def start(self, at: str = "") -> None:
        """Start the DAG run, whose first attempt does what `at` says."""
        self.is_started = True
        conf = {"folder": str(self.folder), "name": self.id, "at": at}
        self.cluster.api.start(self.dag, self.id, conf)

    def learn(self, task: dict[str, Any] | None, jobs: dict[tuple[str, float], str]) -> None:
        """What Airflow and AWS say now. A thing that AWS does not list any more is deleted."""
        self.task = task
        self._was_seen = self._was_seen or task is not None
        self.jobs = dict.fromkeys(self.jobs, DELETED) | jobs

    @property
    def state(self) -> str:
        """State of the task instance; "deleted" when its DAG run is."""
        if self.task is None:
            return DELETED if self._was_seen else ""
        return str(self.task["state"] or "")

    @property
    def attempts(self) -> int:
        """How many attempts the task needed so far."""
        return int(self.task["try_number"]) if self.task else 0

    @property
    def ended(self) -> datetime | None:
        """When the task ended, if Airflow says."""
        end = self.task["end_date"] if self.task else None
        return datetime.fromisoformat(end) if end else None

    @property
    def is_over(self) -> bool:
        """Whether Airflow is done with the task."""
        return self.state in (*OVER, DELETED)

    @property
    def is_held(self) -> bool:
        """Whether the task waits, somebody watches, and its job is at work; or it is over, of which nothing came."""
        waits = self.state == WAITING[self.subject] and self.has_started
        return self.is_over or (waits and self.is_watched)

    @property
    def is_watched(self) -> bool:
        """Whether this attempt's worker submitted, or a triggerer has the trigger and the scheduler heard of the
        deferral: one that hears of it only when the task is resumed takes the resumed one for lost.
        """
        if self.subject == "sync":
            return (self.folder / f"submitted-{self.attempts}").exists()
        heard = (self.id, self.attempts) in self.cluster.heard
        return heard and any(" starting" in log for log in self.trigger_logs)

    @property
    def has_started(self) -> bool:
        """Whether the work of a job began."""
        return (self.folder / "started").exists()

    def has_started_since(self, time: datetime) -> bool:
        """Whether the work of a job began, or began again, after that."""
        return (self.folder / "started").stat().st_mtime > time.timestamp()

    @property
    def running(self) -> list[str]:
        """Names of the jobs that bill: those under way, and what stands although the task did not bring it about."""
        kind = self.kind
        bills = kind.underway | {"Stopping", "STOPPING", "Updating", "RollingBack", "Deleting"}
        if not (kind.one_per_attempt or self.stood or self.state == "success"):
            bills |= kind.succeeded
        return [name for (name, _), status in self.jobs.items() if status in bills]

    @property
    def trigger_logs(self) -> list[str]:
        """What the triggers of this attempt logged, one text for each triggerer."""
        logs = self.cluster.airflow.home.logs
        task = f"dag_id={self.dag}/run_id={self.id}/task_id=job"
        return [
            log.read_text() for log in logs.glob(f"{task}/attempt={self.attempts}.log.trigger.*")
        ]

    def release(self, how: str = "") -> None:
        """Let the run's jobs come to their end; "fail": as failures."""
        partial = self.folder / "release.tmp"
        partial.write_text(how)
        partial.rename(self.folder / "release")

    def hold(self) -> None:
        """What starts from now on waits for a release, and leaves `started`, again."""
        for name in ("release", "started"):
            (self.folder / name).unlink(missing_ok=True)

    def kill_worker(self) -> None:
        """SIGKILL to the process of the task's attempt."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)

    def mark(self, state: str) -> None:
        """Mark the task, as a user does: its job is not wanted any more."""
        self.unwant()
        self.cluster.api.mark(self.dag, self.id, state)

    def clear(self) -> None:
        """Clear the task, as a user does: a job that it had is not wanted any more."""
        self.unwant()
        self.cluster.api.clear(self.dag, self.id)

    def delete(self) -> None:
        """Delete the DAG run, as a user does."""
        self.unwant()
        self.cluster.api.delete(self.dag, self.id)

    def unwant(self, since: datetime | None = None) -> None:
        """What AWS ran then, or runs now, is not wanted any more."""
        self.unwanted.append(since or datetime.now(UTC))

    def lose(self, most: int) -> None:
        """Note how many steps the training did again, of which up to `most` are right."""
        log = self.folder / "steps"
        steps = [int(line) for line in log.read_text().split()] if log.exists() else []
        lost = len(steps) - len(set(steps))
        self.notes.append(
            f"{lost} of {len(set(steps))} steps were done again, at most {most} are right"
        )
        self.lost_too_much = lost > most
