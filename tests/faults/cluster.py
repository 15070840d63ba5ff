"""A real Airflow beside a local AWS, of which every process can be killed and started again."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import sys
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from demo.airflow import COMPONENTS, PRELOAD, Airflow
from demo.processes import Programs
from frugal.jobs.kinds import KINDS
from frugal.local import LocalAws
from tests.faults import materials, work
from tests.faults.api import Api
from tests.faults.task_run import TaskRun

AWS = "local-aws"
FOREVER = 240
HEARD = re.compile(r"Received executor event .* run_id='([^']+)', try_number=(\d+)")


def until(condition: Callable[[], Any], what: str, seconds: float = FOREVER) -> None:
    """Return when `condition` holds; fail, saying `what` never came, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came within {seconds} s"
        time.sleep(0.1)


@dataclass
class Cluster:
    """Airflow's components and the local AWS, by name: see `COMPONENTS` and `AWS`."""

    programs: Programs
    airflow: Airflow
    local: LocalAws
    folder: Path
    api: Api = field(init=False)
    sagemaker: Any = None
    s3: Any = None
    #: (DAG run, attempt) of everything that the scheduler heard of from its executor
    heard: set[tuple[str, int]] = field(default_factory=set)
    _read: dict[Path, int] = field(default_factory=dict)
    _starts: int = field(default=0)

    def launch(self, dags: Collection[str]) -> None:
        """Start everything, and wait until these DAGs can be run."""
        self._start_aws()
        self.airflow.prepare(Path(sys.executable))
        self.programs.preload(*PRELOAD, "airflow.providers.amazon.aws.operators.sagemaker")
        self.airflow.start(self.programs)
        self._wait_for_aws()
        self.sagemaker, self.s3 = self.client("sagemaker"), self.client("s3")
        self.s3.create_bucket(Bucket=work.BUCKET)
        self.api = Api(self.airflow.url, self.airflow.wait(self.programs))
        self.await_dags(dags)

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        import boto3

        account = self.local.client_environment()
        return boto3.client(
            service,
            account["AWS_DEFAULT_REGION"],
            endpoint_url=self.local.url,
            aws_access_key_id=account["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=account["AWS_SECRET_ACCESS_KEY"],
        )

    def await_dags(self, dags: Collection[str]) -> None:
        """Return when these DAGs can be run."""
        wanted = set(dags)
        until(lambda: wanted <= self.api.dags(self.airflow.started), f"the DAGs {sorted(wanted)}")

    def task_run(self, subject: str, kind: str, variant: str = "") -> TaskRun:
        """A run that is not started yet, with what its job's requests refer to."""
        name = f"{kind[:2]}{uuid.uuid4().hex[:8]}"  # AWS allows a tuning job 32 characters
        folder = self.folder / name
        folder.mkdir()
        materials.prepare(self.s3, self.sagemaker, kind, name, folder)
        return TaskRun(self, subject, KINDS[kind], variant, name, folder)

    def look(self, runs: Collection[TaskRun]) -> None:
        """Ask Airflow and AWS once, for all of these runs."""
        self.revive()
        self._listen()
        tasks = self.api.tasks([run.id for run in runs])
        listed = {kind: self._listed(kind) for kind in {run.kind.name for run in runs}}
        for run in runs:
            jobs = {
                (name, created): status
                for (name, created), status in listed[run.kind.name].items()
                if name.startswith(run.id)
            }
            run.learn(tasks.get(run.id), jobs)

    def _listen(self) -> None:
        """Read on in the scheduler's logs, up to their last whole line."""
        for log in self.airflow.home.logs.glob("scheduler*.log"):
            with log.open("rb") as file:
                file.seek(self._read.get(log, 0))
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read[log] = self._read.get(log, 0) + len(whole)
            for run, attempt in HEARD.findall(whole.decode(errors="replace")):
                self.heard.add((run, int(attempt)))

    def _listed(self, name: str) -> dict[tuple[str, float], str]:
        """Status by name and time of creation of everything of a kind."""
        kind = KINDS[name]
        pages = self.sagemaker.get_paginator(kind.list).paginate(
            PaginationConfig={"PageSize": 100}, SortBy="CreationTime", SortOrder="Ascending"
        )
        items = (
            item
            for page in pages
            for key in page
            if isinstance(page[key], list)
            for item in page[key]
        )
        return {
            (item[kind.name_key], item["CreationTime"].timestamp()): item[kind.status_key]
            for item in items
        }

    def kill(self, name: str) -> None:
        """SIGKILL to a component and all its processes."""
        self.signal(name, signal.SIGKILL)
        until(lambda: name in self.programs.exited, f"{name}: its end")

    def signal(self, name: str, number: signal.Signals) -> None:
        """A signal to a component and all its processes."""
        os.killpg(self.programs.pids[name], number)

    def freeze(self, name: str) -> None:
        """SIGSTOP to a component, at a moment when it does not hold the database's one write lock."""
        path = self.airflow.home.airflow / "airflow.db"
        while True:
            self.signal(name, signal.SIGSTOP)
            with closing(sqlite3.connect(path, timeout=2, isolation_level=None)) as database:
                try:
                    database.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError:
                    self.signal(name, signal.SIGCONT)

    def resume(self, name: str) -> None:
        """SIGCONT to a component that was frozen."""
        self.signal(name, signal.SIGCONT)

    def heal(self) -> None:
        """Whatever was done: what is frozen goes on, what is dead starts again, what is too many dies."""
        for name in self.programs.pids:
            if name not in self.programs.exited:
                self.signal(name, signal.SIGCONT)
                if name not in (*COMPONENTS, AWS):
                    self.kill(name)
        self.revive()
        self.local.ask("DELETE", "/_local/faults")

    def revive(self) -> None:
        """What is dead starts again, as any supervisor of Airflow has it.

        The scheduler of Airflow 3.3 was seen to die, on SQLite, of a DAG run that a user deleted while it
        looked at it.
        """
        for name in (*COMPONENTS, AWS):
            if name in self.programs.exited:
                self.restart(name)

    def restart(self, name: str) -> None:
        """Start again what was killed."""
        if name == AWS:
            self._start_aws()
            self._wait_for_aws()
        else:
            self.start(name, name)

    def start(self, component: str, name: str) -> None:
        """Start one of Airflow's components under a name, besides those that run."""
        self._starts += 1
        log = self.airflow.home.logs / f"{name}-{self._starts}.log"
        before = self.programs.pids.get(name)
        self.programs.start(name, self.airflow.command(component), log, fork=True)
        until(lambda: self.programs.pids.get(name) != before, f"{name}: its start")

    def fault(self, fault: str, **rule: Any) -> None:
        """Make something go wrong in the local AWS: a rule of `frugal local fault add`."""
        self.local.ask("POST", "/_local/faults", {"fault": fault, **rule})

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass for the local AWS at once."""
        self.local.ask("POST", "/_local/clock", {"Shift": seconds})

    @contextmanager
    def at(self, time: datetime) -> Iterator[None]:
        """Let the local AWS take it for this time."""
        ahead = time.timestamp() - self.local.ask("GET", "/_local/clock")["Now"]
        self.pass_time(ahead)
        try:
            yield
        finally:
            self.pass_time(-ahead)

    def interruptions(self, run: TaskRun) -> list[datetime]:
        """When capacity was taken away from the run's training jobs, those of a tuning job included."""
        listed = self.sagemaker.list_training_jobs(NameContains=run.id)["TrainingJobSummaries"]
        jobs = [
            self.sagemaker.describe_training_job(TrainingJobName=job["TrainingJobName"])
            for job in listed
        ]
        return [
            step["StartTime"]
            for job in jobs
            for step in job["SecondaryStatusTransitions"]
            if step["Status"] == "Interrupted"
        ]

    def _start_aws(self) -> None:
        self.programs.start(
            AWS,
            self.local.command(),
            self.airflow.home.logs / "local-aws.log",
            env=self.local.environment(),
        )

    def _wait_for_aws(self) -> None:
        until(lambda: self.local.status()["running"], "the local AWS")
