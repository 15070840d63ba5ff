"""A local AWS for the tests of this folder: a process of its own, with programs of the tests' own in
place of the images' programs."""

from __future__ import annotations

import http.client
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.contract.ports import hold_port
from tests.contract.waiting import PATIENCE_SECONDS, await_true

PROGRAMS = Path(__file__).with_name("programs")
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.0-5"
ROLE = "arn:aws:iam::123456789012:role/frugal-test"
BUCKET = "frugal-test"
IN_PROGRESS = ("Creating", "Updating", "SystemUpdating", "RollingBack")


@dataclass
class LocalAws:
    """One server process; `start` again after `kill` or `stop` continues from its state."""

    python: Path
    repository: Path
    home: Path
    options: list[str] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None
    held: socket.socket = field(default_factory=hold_port)

    def __post_init__(self) -> None:
        bin_directory = self.home / "envs" / "test" / "bin"
        bin_directory.mkdir(parents=True, exist_ok=True)
        for name in ("python", "python3"):
            if not (bin_directory / name).exists():
                (bin_directory / name).symlink_to(Path(sys.executable).resolve())
        table = (PROGRAMS / "images.yaml").read_text().replace("{programs}", str(PROGRAMS))
        (self.home / "images.yaml").write_text(table)

    @property
    def port(self) -> int:
        port: int = self.held.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> Path:
        return self.home / "state"

    def command(self) -> list[str]:
        arguments = ["--port", self.port, "--state", self.state, "--envs", self.home / "envs"]
        arguments += ["--images", self.home / "images.yaml", "--clock", "0.01"]
        serve = [self.python, "-m", "local_aws", "serve"]
        return [*map(str, [*serve, *arguments]), *self.options]

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command(),
            env={**os.environ, "PYTHONPATH": str(self.repository / "include")},
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert line.startswith("The local AWS is ready"), line

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.running:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE_SECONDS)

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}),
        )

    def admin(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, f"/_local/{path}", body)
        response = connection.getresponse()
        return response.status, response.read()

    def metric(
        self,
        name: str,
        dimensions: dict[str, str],
        statistic: str = "Sum",
        namespace: str = "AWS/SageMaker",
    ) -> float | None:
        """A metric's statistic over the last hour; None when it has no value."""
        now = datetime.now(UTC)
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=86400,
            Statistics=[statistic],
        )["Datapoints"]
        values = [float(point[statistic]) for point in points]  # two while midnight is in the hour
        if not values:
            return None
        return max(values) if statistic == "Maximum" else sum(values)

    def processes(self, variable: str = "") -> list[str]:
        """Command lines of what this server runs, itself excluded; of those with NAME=value in their
        environment, if one is given."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environ = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            ours = str(self.state).encode() in environ and variable.encode() in environ
            if ours and "-m local_aws" not in command:
                found.append(command)
        return found


@pytest.fixture(scope="session")
def start_local_aws(
    python_of: Callable[[str], Path], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., LocalAws]]:
    """Starts a server of its own for whoever needs to kill or configure it."""
    started: list[LocalAws] = []

    def start(*options: str) -> LocalAws:
        home = tmp_path_factory.mktemp("local-aws")
        server = LocalAws(python_of("local-aws"), repository, home, list(options))
        started.append(server)
        server.start()
        server.client("s3").create_bucket(Bucket=BUCKET)
        return server

    yield start
    for server in started:
        server.stop()
        server.held.close()


@pytest.fixture(scope="session")
def local_aws(start_local_aws: Callable[..., LocalAws]) -> LocalAws:
    """The server that tests share. Ten models fit into one of its instances."""
    return start_local_aws(
        *("--reclaim-seconds", "0.1", "--endpoint-instances", "64", "--loaded-models", "10")
    )


@pytest.fixture(scope="session")
def _mortal(start_local_aws: Callable[..., LocalAws]) -> LocalAws:
    return start_local_aws(
        *(
            "--reclaim-seconds",
            "0.1",
            "--slots",
            "2",
            "--serverless-idle-seconds",
            "1",
            "--seed",
            "7",
        )
    )


@pytest.fixture
def mortal(_mortal: LocalAws) -> LocalAws:
    """The server that tests share which kill it, and which need a machine of two slots."""
    if not _mortal.running:
        _mortal.start()
    return _mortal


@pytest.fixture(scope="session")
def unhurried(start_local_aws: Callable[..., LocalAws]) -> LocalAws:
    """The server whose time passes as tests say, and hardly by itself: AWS's waits are as long as AWS's."""
    return start_local_aws("--clock", "1")


@pytest.fixture
def sagemaker(local_aws: LocalAws) -> Any:
    return local_aws.client("sagemaker")


@pytest.fixture
def s3(local_aws: LocalAws) -> Any:
    return local_aws.client("s3")


@pytest.fixture
def name() -> str:
    """A name that nothing else has."""
    return f"test-{uuid.uuid4().hex[:12]}"


def archive(files: dict[str, str]) -> bytes:
    """A .tar.gz of name -> content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


def unpack(content: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(content)) as packed:
        members = [member for member in packed.getmembers() if member.isfile()]
        return {m.name: packed.extractfile(m).read().decode() for m in members}  # type: ignore[union-attr]


def training_request(name: str, spot: bool = False, **hyperparameters: str) -> dict[str, Any]:
    """CreateTrainingJob for programs/train.py."""
    request: dict[str, Any] = {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+);"}],
        },
        "HyperParameters": hyperparameters,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/models"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    if spot:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 7200
        request["CheckpointConfig"] = {"S3Uri": f"s3://{BUCKET}/checkpoints/{name}"}
    return request


def s3_input(name: str, uri: str, kind: str = "S3Prefix") -> dict[str, Any]:
    path = f"/opt/ml/processing/input/{name}"
    source = {"S3Uri": uri, "LocalPath": path, "S3DataType": kind, "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}


def s3_output(name: str, uri: str, mode: str = "EndOfJob") -> dict[str, Any]:
    path = f"/opt/ml/processing/output/{name}"
    output = {"S3Uri": uri, "LocalPath": path, "S3UploadMode": mode}
    return {"OutputName": name, "S3Output": output}


def processing_request(
    s3: Any,
    name: str,
    script: str,
    *arguments: str,
    inputs: Sequence[dict[str, Any]] = (),
    outputs: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """CreateProcessingJob for a Python script, which has `base` as its /opt/ml."""
    imports = "import os, sys, time, pathlib, subprocess\n"
    start = 'base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])\n'
    key = f"code/{name}/main.py"
    s3.put_object(Bucket=BUCKET, Key=key, Body=(imports + start + script).encode())
    program = "/opt/ml/processing/input/code/main.py"
    return {
        "ProcessingJobName": name,
        "RoleArn": ROLE,
        "AppSpecification": {
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", program, *arguments],
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 5,
            }
        },
        "ProcessingInputs": [s3_input("code", f"s3://{BUCKET}/{key}"), *inputs],
        "ProcessingOutputConfig": {"Outputs": list(outputs)},
    }


def await_training(sagemaker: Any, name: str, *statuses: str) -> dict[str, Any]:
    """The description of a training job in one of the secondary statuses, final ones by default."""
    wanted = statuses or ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded")
    wanted += ("MaxWaitTimeExceeded",) if not statuses else ()

    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_training_job(TrainingJobName=name)
        return found if found["SecondaryStatus"] in wanted else None

    result: dict[str, Any] = await_true(described, f"{name} to be {' or '.join(wanted)}")
    return result


def passed_through(sagemaker: Any, name: str) -> list[str]:
    """The secondary statuses that a training job was in until now, in order."""
    described = sagemaker.describe_training_job(TrainingJobName=name)
    return [entry["Status"] for entry in described["SecondaryStatusTransitions"]]


def await_processing(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_processing_job(ProcessingJobName=name)
        return found if found["ProcessingJobStatus"] not in ("InProgress", "Stopping") else None

    result: dict[str, Any] = await_true(described, f"{name} to end")
    return result


def make_config(
    local_aws: LocalAws, name: str, environment: dict[str, str] | None = None, **config: Any
) -> None:
    """A model and an endpoint configuration of the same name; the model answers with that name."""
    s3, sagemaker = local_aws.client("s3"), local_aws.client("sagemaker")
    s3.put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=archive({"name": name}))
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": IMAGE,
            "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz",
            "Environment": environment or {},
        },
    )
    variant: dict[str, Any] = {"VariantName": "AllTraffic", "ModelName": name}
    if "ServerlessConfig" in config:
        variant["ServerlessConfig"] = config.pop("ServerlessConfig")
    else:
        variant |= {"InstanceType": config.pop("InstanceType", "ml.m5.large")}
        variant |= {"InitialInstanceCount": config.pop("InitialInstanceCount", 1)}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], **config
    )


def await_endpoint(sagemaker: Any, name: str) -> dict[str, Any]:
    def described() -> dict[str, Any] | None:
        found: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name)
        return found if found["EndpointStatus"] not in IN_PROGRESS else None

    result: dict[str, Any] = await_true(described, f"{name} to settle")
    return result
