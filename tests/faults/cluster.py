"""A real Airflow beside a local AWS, of which every process can be killed and started again."""

from __future__ import annotations

import io
import os
import signal
import sqlite3
import sys
import tarfile
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from demo.airflow import COMPONENTS, Airflow
from demo.api import AirflowApi
from demo.home import Home, clean_environment, free_port
from demo.processes import Programs
from frugal.jobs.kinds import KINDS
from frugal.local import REPOSITORY, LocalAws

HERE = Path(__file__).parent
BUCKET = "frugal-faults"
AWS = "local-aws"
SLOTS = "64"
FOREVER = 240
OVER = ("success", "failed", "skipped", "removed")
SETTINGS = {
    "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "4",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "4",
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
}
LISTS = {
    "processing": ("list_processing_jobs", "ProcessingJobSummaries"),
    "training": ("list_training_jobs", "TrainingJobSummaries"),
    "compilation": ("list_compilation_jobs", "CompilationJobSummaries"),
    "endpoint": ("list_endpoints", "Endpoints"),
}
DAGS = [f"{kind}{variant}" for kind in LISTS for variant in ("", "_task_timeout", "_run_timeout")]


def kinds() -> tuple[str, ...]:
    """All kinds when FRUGAL_FAULTS is `all`; else a job and what keeps its name for life."""
    return tuple(LISTS) if os.environ.get("FRUGAL_FAULTS") == "all" else ("training", "endpoint")


def until(condition: Callable[[], Any], what: str, seconds: float = FOREVER) -> None:
    """Return when `condition` holds; fail, saying `what` never came, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} never came within {seconds} s"
        time.sleep(0.1)


class SlottedAws(LocalAws):
    """A local AWS with more slots than cores, as held jobs idle, and programs that can be held."""

    def command(self) -> list[str]:
        table = yaml.safe_load((REPOSITORY / "include/local_aws/images/images.yaml").read_text())
        for entry in table:
            entry |= {role: str(HERE / "held.py") for role in ("serve", "compile") if role in entry}
        images = self.home / "images.yaml"
        images.write_text(yaml.safe_dump(table))
        return [*super().command(), "--slots", SLOTS, "--images", str(images)]


@dataclass
class TaskRun:
    """One DAG run of one task, and the AWS jobs that came of it."""

    kind: str
    dag: AirflowApi
    id: str
    name: str
    folder: Path
    sagemaker: Any
    logs: Path

    @property
    def state(self) -> str | None:
        """State of the task instance."""
        [task] = self.dag.tasks(self.id)
        return str(task["state"]) if task["state"] else None

    @property
    def attempts(self) -> int:
        """How many attempts the task needed."""
        [task] = self.dag.tasks(self.id)
        return int(task["try_number"])

    @property
    def jobs(self) -> dict[str, str]:
        """Status by name of everything that AWS has of this run, oldest first."""
        kind, (call, key) = KINDS[self.kind], LISTS[self.kind]
        listed = getattr(self.sagemaker, call)(NameContains=self.name, SortOrder="Ascending")[key]
        return {item[kind.name_key]: item[kind.status_key] for item in listed}

    @property
    def statuses(self) -> list[str]:
        """Statuses of the jobs in capitals, oldest first: kinds differ in how they write them."""
        return [status.upper() for status in self.jobs.values()]

    def until_held(self) -> None:
        """The task is deferred, the triggerer has its trigger, and its job is at work."""
        self.until("deferred")
        until(self.is_watched, f"{self.name}: its trigger")
        self.until_started()

    def is_watched(self) -> bool:
        """Whether a triggerer runs, or ran, a trigger of this run: its log says so."""
        return any(" starting" in log for log in self.trigger_logs)

    @property
    def trigger_logs(self) -> list[str]:
        """What the run's triggers logged, one text for each triggerer."""
        task = f"dag_id={self.dag.dag_id}/run_id={self.id}/task_id=job"
        return [log.read_text() for log in self.logs.glob(f"{task}/attempt=*.log.trigger.*")]

    def until_started(self) -> None:
        """The job is at work."""
        until((self.folder / "started").exists, f"{self.name}: the start of its program")

    def until(self, *states: str) -> None:
        """The task is in one of `states`. Fails at once when it is over in another one."""

        def reached() -> bool:
            state = self.state
            assert state in states or state not in OVER, f"{self.name} is {state}, not {states}"
            return state in states

        until(reached, f"{self.name}: state {' or '.join(states)}")

    def until_jobs(self, *statuses: str) -> None:
        """The jobs have exactly these statuses, oldest first."""
        until(lambda: self.statuses == list(statuses), f"{self.name}: {list(statuses)}")

    def until_stopped(self) -> None:
        """The run's one job is stopped; an endpoint, which was being created, is gone."""
        self.until_jobs(*(["STOPPED"] if KINDS[self.kind].one_per_attempt else []))

    def finish(self, *ended: str) -> None:
        """Release the run: it succeeds, with one job besides those before it that ended as told."""
        self.release()
        self.until("success")
        done = "COMPLETED" if KINDS[self.kind].one_per_attempt else "INSERVICE"
        assert self.statuses == [*ended, done]

    def release(self) -> None:
        """Let the run's jobs come to their end."""
        (self.folder / "release").touch()

    def mark(self, state: str) -> None:
        """Mark the task failed or success, as a user does."""
        path = f"/dags/{self.dag.dag_id}/dagRuns/{self.id}/taskInstances/job"
        self.dag._send("PATCH", path, new_state=state)

    def clear(self) -> None:
        """Clear the task, as a user does."""
        self.dag._send(
            "POST",
            f"/dags/{self.dag.dag_id}/clearTaskInstances",
            dry_run=False,
            dag_run_id=self.id,
            task_ids=["job"],
            only_failed=False,
            reset_dag_runs=True,
        )

    def delete(self) -> None:
        """Fail the DAG run, which Airflow wants first, and delete it."""
        path = f"/dags/{self.dag.dag_id}/dagRuns/{self.id}"
        self.dag._send("PATCH", path, state="failed")
        assert self.dag._client.delete(path).is_success


@dataclass
class Cluster:
    """Airflow's components and the local AWS, by name: see `COMPONENTS` and `AWS`."""

    programs: Programs
    airflow: Airflow
    local: LocalAws
    folder: Path
    token: str = ""
    sagemaker: Any = None
    s3: Any = None
    _starts: int = field(default=0)

    def launch(self) -> None:
        """Start everything, and wait until every DAG can be run."""
        import boto3

        self._start_aws()
        self.airflow.prepare(Path(sys.executable))
        self.airflow.start(self.programs)
        self._wait_for_aws()
        account = self.local.client_environment()
        session = boto3.Session(
            account["AWS_ACCESS_KEY_ID"],
            account["AWS_SECRET_ACCESS_KEY"],
            region_name=account["AWS_DEFAULT_REGION"],
        )
        self.sagemaker = session.client("sagemaker", endpoint_url=self.local.url)
        self.s3 = session.client("s3", endpoint_url=self.local.url)
        self.s3.create_bucket(Bucket=BUCKET)
        self.token = self.airflow.wait(self.programs)
        for dag in DAGS:
            self.dag(dag).wait_for_dag(self.airflow.started, self.programs.check)

    def dag(self, dag_id: str) -> AirflowApi:
        """Airflow's API for one DAG."""
        return AirflowApi(self.airflow.url, self.token, dag_id)

    def run(self, kind: str, variant: str = "", *, at: str = "") -> TaskRun:
        """Start a run of the DAG of `kind`, whose first attempt does what `at` says."""
        name = f"{kind}-{uuid.uuid4().hex[:8]}"
        folder = self.folder / name
        folder.mkdir()
        files = {"train.py": training(folder), "folder": str(folder)}
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}/source.tar.gz", Body=archive(files))
        dag = self.dag(kind + variant)
        conf = {"folder": str(folder), "name": name, "at": at}
        started = dag._send(
            "POST", f"/dags/{dag.dag_id}/dagRuns", logical_date=None, conf=conf, dag_run_id=name
        )
        logs = self.airflow.home.logs
        return TaskRun(kind, dag, started["dag_run_id"], name, folder, self.sagemaker, logs)

    def runs(self, variant: str = "", *, at: str = "") -> list[TaskRun]:
        """A run of each of `kinds`, all at the same time."""
        return [self.run(kind, variant, at=at) for kind in kinds()]

    def held(self) -> list[TaskRun]:
        """The same, each waiting for a job that is at work."""
        runs = self.runs()
        for run in runs:
            run.until_held()
        return runs

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

    def heal(self) -> None:
        """Whatever was done: what is frozen goes on, what is dead starts again, what is too many dies."""
        for name in self.programs.pids:
            if name not in self.programs.exited:
                self.signal(name, signal.SIGCONT)
                if name not in (*COMPONENTS, AWS):
                    self.kill(name)
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
        self.programs.start(name, ["airflow", *COMPONENTS[component]], log, fork=True)

    def _start_aws(self) -> None:
        self.programs.start(
            AWS,
            self.local.command(),
            self.airflow.home.logs / "local-aws.log",
            env=self.local.environment(),
        )

    def _wait_for_aws(self) -> None:
        until(lambda: self.local.status()["running"], "the local AWS")


def training(folder: Path) -> str:
    """A training script that is held, and leaves checkpoints."""
    return (
        "import os, pathlib, time\n"
        "base = pathlib.Path(os.environ['SAGEMAKER_BASE_DIR'])\n"
        "(base / 'checkpoints' / str(time.time_ns())).touch()\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "(folder / 'started').touch()\n"
        "while not (folder / 'release').exists(): time.sleep(0.05)\n"
        "(pathlib.Path(os.environ['SM_MODEL_DIR']) / 'model').touch()\n"
    )


def archive(files: dict[str, str]) -> bytes:
    """A tar.gz of text files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def make(folder: Path, envs: Path) -> Cluster:
    """A cluster with all its state in `folder`, on free ports, not started. `envs` are make's."""
    home = Home(folder)
    (folder / "envs").symlink_to(envs)
    local = SlottedAws(folder, free_port(0))
    environment = clean_environment() | local.client_environment()
    environment |= {
        "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
        "FRUGAL_POLL_SECONDS": "0.3",
        "FRUGAL_BUCKET": BUCKET,
    }
    airflow = Airflow(home, aws=environment, dags=HERE / "dags", port=0)
    airflow.environment |= {f"AIRFLOW__{name}": value for name, value in SETTINGS.items()}
    jobs = folder / "jobs"
    jobs.mkdir()
    programs = Programs(Path(sys.executable), airflow.environment, home.logs / "keeper.log")
    return Cluster(programs, airflow, local, jobs)
