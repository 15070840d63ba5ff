"""The tools: each is given an account, and does what it does, or only names things.

What is `run` is the program itself, against the local AWS by AWS_ENDPOINT_URL alone. Of what is `restated` the rule
stands here in a few lines, after its published source: it shows what such a rule takes, not how well the program runs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.harness import python_of
from tests.contract.cleanup.account import Account, Name

POLICIES = Path(__file__).parent
DAY = timedelta(days=1)
IDLE_DAYS = 14


@dataclass(frozen=True)
class Tool:
    """`use` returns what the tool names when it does nothing itself, else None."""

    name: str
    how: str
    use: Callable[[Account], set[Name] | None]


def custodian(policies: str) -> Callable[[Account], None]:
    """Cloud Custodian with one of the policy files beside this."""

    def use(account: Account) -> None:
        command = python_of("c7n").parent / "custodian"
        with tempfile.TemporaryDirectory() as output:
            arguments = ["run", "-s", output, "--cache-period", "0", "--region", "us-east-1"]
            done = subprocess.run(
                [str(command), *arguments, str(POLICIES / policies)],
                env={**os.environ, **account.local.client_environment()},
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise SystemExit(f"custodian {policies}: {done.stderr[-2000:]}")

    return use


def auto_shutdown(account: Account, *, goes_on: bool = False) -> None:
    """Every endpoint in service that is not serverless, newest first, then every running notebook, but those tagged
    env=prod. As there, the first refusal ends it, unless it `goes_on`: AWS deletes no endpoint with inference
    components on it.
    """
    sagemaker, exempt = account.aws("sagemaker"), {"Key": "env", "Value": "prod"}
    newest = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}
    running = {"StatusEquals": "InService", **newest}
    doomed = []
    for item in sagemaker.list_endpoints(**running)["Endpoints"]:
        endpoint = sagemaker.describe_endpoint(EndpointName=item["EndpointName"])
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=endpoint["EndpointConfigName"]
        )
        serverless = "ServerlessConfig" in config["ProductionVariants"][0]
        if exempt not in _tags(account, item["EndpointArn"]) and not serverless:
            doomed.append(item["EndpointName"])
    for name in doomed:
        try:
            sagemaker.delete_endpoint(EndpointName=name)
        except sagemaker.exceptions.ClientError:
            if not goes_on:
                return
    for item in sagemaker.list_notebook_instances(**running)["NotebookInstances"]:
        if exempt not in _tags(account, item["NotebookInstanceArn"]):
            sagemaker.stop_notebook_instance(NotebookInstanceName=item["NotebookInstanceName"])


def _tags(account: Account, arn: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = account.aws("sagemaker").list_tags(ResourceArn=arn)["Tags"]
    return found


def no_invocations(account: Account) -> set[Name]:
    """Every endpoint in service whose variants had no Invocations in 14 days, whatever its form, age and owner."""
    sagemaker, now = account.aws("sagemaker"), datetime.now(UTC)
    named: set[Name] = set()
    pages = sagemaker.get_paginator("list_endpoints").paginate(StatusEquals="InService")
    for item in (item for page in pages for item in page["Endpoints"]):
        endpoint = item["EndpointName"]
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
        dimensions = [
            {"EndpointName": endpoint, "VariantName": variant["VariantName"]}
            for variant in described["ProductionVariants"]
        ]
        if not any(_invocations(account, each, now) for each in dimensions):
            named.add(("endpoint", endpoint))
    return named


def _invocations(account: Account, dimensions: dict[str, str], now: datetime) -> float:
    answer = account.aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName="Invocations",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - IDLE_DAYS * DAY,
        EndTime=now,
        Period=IDLE_DAYS * 86400,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def frugal(account: Account) -> None:
    """Two nights, the second after the longest grace; a person lets both go above the caps."""
    from frugal.cleanup import night
    from frugal.cleanup.rules import load_rules

    with _pointed_at(account):
        rules = load_rules()
        grace = max((rule.grace or timedelta() for rule in rules.rules.values()), default=DAY)
        passed = timedelta()
        for number in range(2):
            here = night.here(
                clock=lambda: datetime.now(UTC) + passed,  # noqa: B023 - called within this turn
                connect=lambda service, region: account.aws(service),
            )
            made = night.plan(here, rules)
            night.mark(here, made)
            night.sweep(here, rules, made, f"bench-{number}", above_caps=True)
            account.settle()
            account.shift(grace + DAY)
            passed += grace + DAY


@contextmanager
def _pointed_at(account: Account) -> Iterator[None]:
    """This process's AWS clients and settings are the account's."""
    from frugal.aws import clients
    from tests.contract.cleanup.seeded.seed import BUCKET

    settings: dict[str, Any] = {
        **account.local.client_environment(),
        "FRUGAL_ENVIRONMENT": account.environment,
        "FRUGAL_BUCKET": BUCKET,
        "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
    }
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    clients.forget()
    try:
        yield
    finally:
        clients.forget()
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


TOOLS = (
    Tool("Frugal, `include/cleanup.yaml`", "run", frugal),
    Tool("Cloud Custodian, by age", "run", custodian("custodian_by_age.yml")),
    Tool("Cloud Custodian, careful", "run", custodian("custodian_careful.yml")),
    Tool("sagemaker-auto-shutdown", "restated", auto_shutdown),
    Tool("the same, past refusals", "restated", partial(auto_shutdown, goes_on=True)),
    Tool("aws-doctor", "restated, names only", no_invocations),
)
