"""A real Airflow on this machine: API servers, scheduler, DAG processor and triggerer on SQLite.

The settings trade idle CPU for latency, as one person waits for one DAG run, and have patience with a machine
that is busy: Airflow's own limits are those of a cluster. Measured on two cores: the
API server's route tables are most of the time to start (about six seconds, and three more for the
Execution API's at its first request, which is why `wait` makes one), importing Airflow the rest.

Users' API and tasks' API are a process each, as users' calls write the audit log in the event loop
(`log_action` of Airflow 3.3): with both in one, such a call stopped the loop to wait for SQLite's one write
lock, held by a task's call that needed the loop to let go of it, until one of them failed.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from demo.home import LOOPBACK, REPOSITORY, DemoError, Home, free_port
from demo.processes import Programs

USER = "admin"
START_SECONDS = 600
#: For the one writer that SQLite has; sqlite3's 5 are too few under load. Who asks Airflow waits longer.
DATABASE_PATIENCE_SECONDS = 60
ANSWER_SECONDS = 2.0 * DATABASE_PATIENCE_SECONDS
COMPONENTS = {
    "api-server": ("api-server", "--apps", "core"),
    "execution-api": ("api-server", "--apps", "execution"),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
PRELOAD = (
    "airflow.__main__",
    "airflow.models.dag",
    "airflow.serialization.serialized_objects",
    "airflow.jobs.scheduler_job_runner",
    "airflow.jobs.triggerer_job_runner",
    "airflow.dag_processing.processor",
    "airflow.providers.amazon.aws.hooks.base_aws",
    "airflow.providers.standard.decorators.python",
    "aiobotocore.session",
)
HEARTBEATS = {
    "scheduler": "latest_scheduler_heartbeat",
    "dag_processor": "latest_dag_processor_heartbeat",
    "triggerer": "latest_triggerer_heartbeat",
}
SETTINGS = {
    "CORE__EXECUTOR": "LocalExecutor",
    "CORE__PARALLELISM": "4",
    "CORE__LOAD_EXAMPLES": "False",
    "CORE__DAGBAG_IMPORT_TIMEOUT": "300",
    "CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
    "API__HOST": LOOPBACK,
    "API__WORKERS": "1",
    "API__INSTANCE_NAME": "Frugal",
    "DATABASE__CHECK_MIGRATIONS": "False",
    "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "WORKERS__EXECUTION_API_TIMEOUT": str(ANSWER_SECONDS),
    "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "300",
    "LOGGING__COLORED_CONSOLE_LOG": "False",
    "USAGE_DATA_COLLECTION__ENABLED": "False",
}


@dataclass(frozen=True)
class Secrets:
    """What Airflow's components share, and the admin's password. Made once a home, readable by its owner only."""

    fernet_key: str
    jwt_secret: str
    session_key: str
    password: str

    @classmethod
    def load(cls, path: Path) -> Secrets:
        """Read `path`, or make it."""
        if path.exists():
            return cls(**json.loads(path.read_text()))
        fernet = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        fresh = {
            name: secrets.token_urlsafe(64 if name == "jwt_secret" else 16)
            for name in ("jwt_secret", "session_key", "password")
        }
        made = cls(fernet_key=fernet, **fresh)
        write_private(path, json.dumps(vars(made)))
        return made


class Airflow:
    """One Airflow, its database kept between runs. `prepare`, `start`, then `wait`."""

    def __init__(self, home: Home, *, aws: dict[str, str], dags: Path, port: int = 8080) -> None:
        self.home = home
        self.dags = dags
        self.port = free_port(port)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.execution_port = free_port(0)
        self.execution_url = f"http://{LOOPBACK}:{self.execution_port}/execution/"
        home.airflow.mkdir(parents=True, exist_ok=True)
        self.secrets = Secrets.load(home.airflow / "secrets.json")
        self.environment = self._environment(aws)

    def prepare(self, python: Path) -> None:
        """Write the password file and bring the database to this Airflow's version, when it is not there yet."""
        write_private(
            self.home.airflow / "simple_auth_manager_passwords.json.generated",
            json.dumps({USER: self.secrets.password}),
        )
        version = installed_version(python)
        marker = self.home.airflow / "database-version"
        database = self.home.airflow / "airflow.db"
        if database.exists() and marker.exists() and marker.read_text() == version:
            return
        log = self.home.logs / "migrate.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            done = subprocess.run(
                [python, "-m", "airflow", "db", "migrate"],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        if done.returncode:
            raise DemoError(f"`airflow db migrate` failed; see {log}")
        marker.write_text(version)

    def start(self, programs: Programs) -> None:
        """Start the components, forked from one import of Airflow. `programs` must run in `environment`."""
        self.started = datetime.now(UTC)
        programs.preload(*PRELOAD)
        for name in COMPONENTS:
            programs.start(name, self.command(name), self.home.logs / f"{name}.log", fork=True)

    def command(self, component: str) -> list[str]:
        """Command line of one of `COMPONENTS`."""
        port = ("--port", str(self.execution_port)) if component == "execution-api" else ()
        return ["airflow", *COMPONENTS[component], *port]

    def wait(self, programs: Programs) -> str:
        """Wait until every component has reported since `start`; an access token for the REST API."""
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, trust_env=False, timeout=ANSWER_SECONDS) as client:
            while waiting := self._waiting(client):
                programs.check()
                if time.monotonic() > deadline:
                    raise DemoError(
                        f"Airflow's {', '.join(waiting)} did not report within {START_SECONDS} s; "
                        f"logs are in {self.home.logs}"
                    )
                time.sleep(0.2)
            login = {"username": USER, "password": self.secrets.password}
            answer = client.post("/auth/token", json=login)
            answer.raise_for_status()
            return str(answer.json()["access_token"])

    def _waiting(self, client: httpx.Client) -> list[str]:
        """Components that have not reported since `start`. The first answer warms the Execution API."""
        try:
            client.get(f"{self.execution_url}health").raise_for_status()
            health = client.get("/api/v2/monitor/health").raise_for_status().json()
        except httpx.HTTPError:
            return ["api-server"]
        return [
            name
            for name, field in HEARTBEATS.items()
            if not (beat := health[name][field]) or datetime.fromisoformat(beat) < self.started
        ]

    def _environment(self, aws: dict[str, str]) -> dict[str, str]:
        values = {
            **SETTINGS,
            "DATABASE__SQL_ALCHEMY_CONN": (
                f"sqlite:///{self.home.airflow}/airflow.db?timeout={DATABASE_PATIENCE_SECONDS}"
            ),
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "CORE__FERNET_KEY": self.secrets.fernet_key,
            "CORE__EXECUTION_API_SERVER_URL": self.execution_url,
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__SECRET_KEY": self.secrets.session_key,
            "API_AUTH__JWT_SECRET": self.secrets.jwt_secret,
            "LOGGING__BASE_LOG_FOLDER": str(self.home.logs),
            "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(self.home.logs / "dags"),
        }
        return {
            **aws,
            "AIRFLOW_HOME": str(self.home.airflow),
            "PYTHONPATH": os.pathsep.join(map(str, (REPOSITORY / "plugins", REPOSITORY))),
            **{f"AIRFLOW__{name}": value for name, value in values.items()},
        }


def installed_version(python: Path) -> str:
    """Version of apache-airflow beside `python`, without importing it."""
    code = "from importlib.metadata import version; print(version('apache-airflow'))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
