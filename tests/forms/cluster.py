"""A real Airflow and a local AWS whose waits are short, with models that train in a second."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import boto3

from demo.airflow import Airflow
from demo.api import AirflowApi
from demo.home import REPOSITORY, Home, clean_environment, free_port
from demo.processes import Programs
from frugal.local import LocalAws

BUCKET = "frugal-forms"
EXAMPLE = REPOSITORY / "include/models/house-prices"
CLOCK = "0.02"
PATIENCE_SECONDS = 1800.0
SETTINGS = {
    "CORE__PARALLELISM": "6",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "1",
    "DAG_PROCESSOR__REFRESH_INTERVAL": "1",
}
SPEC = """\
name: {name}
owner: {{team: growth, cost_center: cc-12}}
data:
  target: y
  key: [id]
  columns: {{id: string, x: float, z: float, y: float}}
train:
  hyperparameters: {{objective: "reg:squarederror", num_round: {rounds}, nthread: 1}}
evaluate: {{metric: rmse, floor: 1000, must_beat_champion: false}}
deploy: {deploy}
"""
ROWS = 300


@dataclass(frozen=True)
class Ran:
    """A DAG run that is over: its state, its tasks', what failed ones said, and what a task returned."""

    state: str
    tasks: dict[str, str]
    failures: str
    result: Callable[[str], Any]


class FastAws(LocalAws):
    """A local AWS on which AWS's waits are short."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", CLOCK]


class Cluster:
    """`start` it inside of `programs`; then `write` models and `run` their DAGs."""

    def __init__(self, folder: Path, envs: Path) -> None:
        self.folder, self.include = folder, folder / "include"
        (folder / "envs").symlink_to(envs)
        self.models = self.include / "models"
        self.models.mkdir(parents=True)
        for name in ("container", "images.yaml", "prices"):
            (self.include / name).symlink_to(REPOSITORY / "include" / name)
        self.local = FastAws(folder, free_port(0))
        home = Home(folder)
        environment = clean_environment() | self.local.client_environment()
        environment |= {
            "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
            "FRUGAL_HOME": str(folder),
            "FRUGAL_INCLUDE": str(self.include),
            "FRUGAL_BUCKET": BUCKET,
            "FRUGAL_POLL_SECONDS": "0.3",
        }
        self.airflow = Airflow(home, aws=environment, dags=REPOSITORY / "dags", port=0)
        self.airflow.environment |= {f"AIRFLOW__{key}": value for key, value in SETTINGS.items()}
        self.environment = self.airflow.environment
        self.programs = Programs(Path(sys.executable), self.environment, home.logs / "keeper.log")
        self.token = ""
        self._written: dict[str, datetime] = {}
        # Two users' calls at a time may stop Airflow's API server: see demo/airflow.py.
        self._one_call = Lock()

    def start(self) -> None:
        """Start Airflow and the local AWS, and make what an account has before a pipeline comes."""
        self.programs.start(
            "local-aws",
            self.local.command(),
            self.airflow.home.logs / "local-aws.log",
            env=self.local.environment(),
        )
        self.airflow.prepare(Path(sys.executable))
        self.airflow.start(self.programs)
        self.until(lambda: self.local.status()["running"], "the local AWS")
        self.client("s3").create_bucket(Bucket=BUCKET)
        self.token = self.airflow.wait(self.programs)

    def client(self, service: str) -> Any:
        """A boto3 client of the local AWS."""
        account = self.local.client_environment()
        return boto3.client(
            service,
            endpoint_url=self.local.url,
            aws_access_key_id=account["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=account["AWS_SECRET_ACCESS_KEY"],
            region_name=account["AWS_DEFAULT_REGION"],
        )

    def write(self, name: str, deploy: str, rounds: int = 3, inference: str = "") -> None:
        """A model of that name with this deploy section, and its raw data; `inference` is added to its inference.py."""
        folder = self.models / name
        if not folder.exists():
            folder.mkdir()
            (folder / "train.py").symlink_to(EXAMPLE / "train.py")
            lines = [f"r{i},{i % 7},{i % 11},{3 * (i % 7) + i % 11}" for i in range(ROWS)]
            body = "\n".join(["id,x,z,y", *lines, ""])
            self.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/raw/a.csv", Body=body)
        (folder / "inference.py").write_text((EXAMPLE / "inference.py").read_text() + inference)
        text = SPEC.format(name=name, deploy=deploy, rounds=rounds)
        if not (folder / "model.yaml").exists() or (folder / "model.yaml").read_text() != text:
            (folder / "model.yaml").write_text(text)
            self._written[name] = datetime.now(UTC)

    def run(self, dag: str, model: str, conf: dict[str, Any] | None = None) -> Ran:
        """Run the DAG `<dag>_<model>`, as it is since the model was written, to its end."""
        api = AirflowApi(self.airflow.url, self.token, f"{dag}_{model.replace('-', '_')}")
        api.wait_for_dag(self._written[model], self.programs.check)
        with self._one_call:
            run = api.trigger(conf or {})
        state = self.until(
            lambda: (found := api.state(run)) in ("success", "failed") and found,
            f"{dag} of {model}",
        )
        failures = " ".join(str(failure) for failure in api.failures(run))
        states = {task["task_id"]: str(task["state"]) for task in api.tasks(run)}
        return Ran(state, states, failures, lambda task: api.result(run, task))

    def frugal(self, *arguments: str) -> str:
        """What the `frugal` command prints. Fails when it does."""
        command = [sys.executable, "-m", "frugal.cli", *arguments]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, endpoint: str, **target: str) -> str:
        """What an endpoint answers to a row."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body="1,1", **target
        )
        return str(answer["Body"].read().decode().strip())

    def left(self, name: str) -> list[str]:
        """Everything that serves, or scales what serves, and carries the name."""
        sagemaker, scaler = self.client("sagemaker"), self.client("application-autoscaling")
        listed = [
            ("Endpoints", "EndpointName", sagemaker.list_endpoints(NameContains=name)),
            (
                "EndpointConfigs",
                "EndpointConfigName",
                sagemaker.list_endpoint_configs(NameContains=name),
            ),
            ("Models", "ModelName", sagemaker.list_models(NameContains=name)),
            (
                "ScalableTargets",
                "ResourceId",
                scaler.describe_scalable_targets(ServiceNamespace="sagemaker"),
            ),
            ("MetricAlarms", "AlarmName", self.client("cloudwatch").describe_alarms()),
        ]
        return [
            item[key] for member, key, page in listed for item in page[member] if name in item[key]
        ]

    def until(self, condition: Callable[[], Any], what: str) -> Any:
        """The first true value of `condition`; fails, saying `what` never came."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (value := condition()):
            self.programs.check()
            assert time.monotonic() < deadline, f"{what} never came"
            time.sleep(0.3)
        return value
