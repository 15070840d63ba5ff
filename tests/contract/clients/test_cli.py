"""The AWS CLI against the local AWS, each command a process as in a shell script."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from frugal.local import LocalAws
from tests.contract.clients import example

BUCKET = "clients-cli"
JOB = "cli-training"
TEXT = ["--output", "text"]


class Cli:
    """`aws` in a home of its own; what it prints is its answer."""

    def __init__(self, program: Path, home: Path, environment: dict[str, str]) -> None:
        self.home = home
        self._program = program
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_PAGER": "",
            **environment,
        }

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *words],
            env=self._environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def text(self, *words: str) -> str:
        done = self.run(*words)
        assert done.returncode == 0, f"aws {' '.join(words)}: {done.stderr}"
        return done.stdout.strip()

    def json(self, *words: str) -> Any:
        return json.loads(self.text(*words, "--output", "json"))

    def call(self, operation: str, request: dict[str, Any]) -> str:
        """`aws sagemaker <operation>` with a request from a file."""
        path = self.home / f"{operation}.json"
        path.write_text(json.dumps(request))
        return self.text("sagemaker", operation, "--cli-input-json", f"file://{path}")

    def wait(self, waiter: str, *words: str) -> None:
        assert self.text("sagemaker", "wait", waiter, *words) == ""


def shorten_waits(python: Path, home: Path) -> None:
    """Make the CLI's SageMaker waiters ask five times a second.

    They ask every 30 to 120 seconds and have no option for it; service models in ~/.aws/models
    replace the CLI's own.
    """
    pattern = "lib/python*/site-packages/awscli/botocore/data/sagemaker/*/waiters-2.json"
    (builtin,) = python.parents[1].glob(pattern)
    model = json.loads(builtin.read_text())
    for waiter in model["waiters"].values():
        waiter |= {"delay": 0.2, "maxAttempts": 1200}
    target = home / ".aws" / "models" / "sagemaker" / builtin.parent.name / builtin.name
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(model))


@pytest.fixture(scope="module")
def aws(
    local_aws: LocalAws,
    python_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Cli:
    python, home = python_of("awscli"), tmp_path_factory.mktemp("cli")
    shorten_waits(python, home)
    return Cli(python.with_name("aws"), home, local_aws.client_environment())


@pytest.fixture(scope="module")
def trained(aws: Cli) -> dict[str, Any]:
    """The description of a training job that the CLI started and waited for."""
    aws.text("s3", "mb", f"s3://{BUCKET}")
    aws.text("s3", "sync", str(example.write_inputs(aws.home / "bucket")), f"s3://{BUCKET}")
    aws.call("create-training-job", example.training_job(JOB, BUCKET))
    aws.wait("training-job-completed-or-stopped", "--training-job-name", JOB)
    description: dict[str, Any] = aws.json(
        "sagemaker", "describe-training-job", "--training-job-name", JOB
    )
    return description


def test_a_training_job_leaves_its_model_and_its_log(aws: Cli, trained: dict[str, Any]) -> None:
    assert trained["TrainingJobStatus"] == "Completed"
    assert trained["FinalMetricDataList"][0]["Value"] == example.MEAN
    listed = aws.text("s3", "ls", trained["ModelArtifacts"]["S3ModelArtifacts"])
    assert listed.endswith(" model.tar.gz")

    group = ["--log-group-name", "/aws/sagemaker/TrainingJobs"]
    find = ["logs", "describe-log-streams", *group, "--log-stream-name-prefix", f"{JOB}/"]
    stream = aws.text(*find, "--query", "logStreams[].logStreamName", *TEXT)
    events = ["logs", "get-log-events", *group, "--log-stream-name", stream]
    messages = aws.json(*events, "--query", "events[].message")
    assert "train:mean=3.0;" in messages


def test_an_error_is_awss_and_the_exit_status_too(aws: Cli, trained: dict[str, Any]) -> None:
    done = aws.run("sagemaker", "describe-training-job", "--training-job-name", "no-such-job")
    assert done.returncode == 255
    assert "(ValidationException)" in done.stderr
    assert "Requested resource not found" in done.stderr


def test_an_endpoint_serves_until_it_is_deleted(aws: Cli, trained: dict[str, Any]) -> None:
    name = "cli-endpoint"
    artifacts = trained["ModelArtifacts"]["S3ModelArtifacts"]
    aws.call("create-model", example.model(name, BUCKET, artifacts))
    aws.call("create-endpoint-config", example.endpoint_config(name, name))
    aws.call("create-endpoint", {"EndpointName": name, "EndpointConfigName": name})
    endpoint = ["--endpoint-name", name]
    aws.wait("endpoint-in-service", *endpoint)

    invoke = ["sagemaker-runtime", "invoke-endpoint", *endpoint, "--content-type", "text/csv"]
    answer = aws.json(*invoke, "--body", example.ROWS, "predictions.csv")
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert (aws.home / "predictions.csv").read_text() == example.PREDICTIONS

    aws.text("sagemaker", "delete-endpoint", *endpoint)
    aws.wait("endpoint-deleted", *endpoint)


def test_a_list_is_paged_through_and_can_be_cut_short(aws: Cli, local_aws: LocalAws) -> None:
    client = boto3.client("sagemaker", endpoint_url=local_aws.url)
    for number in range(3):
        client.create_model_package_group(ModelPackageGroupName=f"cli-page-{number}")
    find = ["sagemaker", "list-model-package-groups", "--name-contains", "cli-page"]
    ask = [*find, "--sort-by", "Name", "--sort-order", "Ascending", "--page-size", "1"]

    def names(answer: dict[str, Any]) -> list[str]:
        return [group["ModelPackageGroupName"] for group in answer["ModelPackageGroupSummaryList"]]

    cut = aws.json(*ask, "--max-items", "1")
    assert names(cut) == ["cli-page-0"]
    rest = aws.json(*ask, "--starting-token", cut["NextToken"])
    assert names(rest) == ["cli-page-1", "cli-page-2"]


def test_what_was_tagged_is_found_by_its_tag(aws: Cli, trained: dict[str, Any]) -> None:
    arn = trained["TrainingJobArn"]
    tags = aws.json("sagemaker", "list-tags", "--resource-arn", arn, "--query", "Tags")
    assert tags == [{"Key": "client", "Value": BUCKET}]
    find = ["resourcegroupstaggingapi", "get-resources"]
    filters = ["--tag-filters", f"Key=client,Values={BUCKET}"]
    query = ["--query", "ResourceTagMappingList[].ResourceARN", *TEXT]
    assert aws.text(*find, *filters, *query) == arn
