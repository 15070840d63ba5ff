"""The reaper's verdicts on what cannot be had quickly: things that serve, tuning jobs, things that no tag explains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from frugal.aws.tags import MODEL, TEMPORARY, TaskKey, as_list
from frugal.jobs.kinds import KINDS
from frugal.jobs.reaper import Reaper
from frugal.jobs.underway import Underway
from frugal.jobs.witness import GONE, RunState

NOW = datetime.now(UTC)
TASK = TaskKey("train_churn", "run", "deploy")
MODELLED = {**TASK.as_tags("prod"), MODEL: "churn"}


@dataclass
class Told:
    """A witness that says of every task what it was told to say."""

    run_state: RunState
    state: str | None = None

    def run(self, task: TaskKey) -> RunState:
        return self.run_state

    def task(self, task: TaskKey) -> str | None:
        return self.state


@dataclass
class Endpoints:
    """SageMaker with one endpoint, whose configuration carries `tags`."""

    tags: dict[str, str] = field(default_factory=dict)

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        return {"EndpointConfigName": "config", "EndpointStatus": "InService"}

    def describe_endpoint_config(self, EndpointConfigName: str) -> dict[str, str]:  # noqa: N803
        return {"EndpointConfigArn": f"arn:{EndpointConfigName}"}

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_tags"
        return SimpleNamespace(paginate=lambda ResourceArn: [{"Tags": as_list(self.tags)}])  # noqa: N803


def thing(kind: str, status: str, tags: dict[str, str], *, hours: float = 0, name: str = "") -> Any:
    created = NOW - timedelta(hours=hours)
    name = name or f"{kind}-1"
    return Underway(KINDS[kind], name, f"arn:{name}", status, created, "us-east-1", tags)


def stopped(
    found: Iterable[Underway],
    witness: Told | None,
    *,
    config: dict[str, str] = MODELLED,
    approved: bool = False,
    run_ends: bool = False,
) -> list[str]:
    reaper = Reaper(
        lambda service, region: Endpoints(config), "prod", witness, promoted=lambda model: approved
    )
    return [
        item.name for item, judge in reaper.judges(list(found), run_ends=run_ends) if judge().stop
    ]


SERVING = thing("endpoint", "InService", MODELLED)
CREATING = thing("endpoint", "Creating", MODELLED)


@pytest.mark.parametrize("state", ["failed", "skipped", "upstream_failed", "removed"])
def test_an_endpoint_that_came_to_serve_when_nobody_waited_is_removed(state: str) -> None:
    assert stopped([SERVING], Told("over", state)) == ["endpoint-1"]


@pytest.mark.parametrize(
    ("witness", "config", "approved"),
    [
        (Told("over", "failed"), MODELLED, True),
        (Told("over", "success"), MODELLED, False),
        (Told("over", GONE), MODELLED, False),
        (Told("active", "failed"), MODELLED, False),
        (Told("unknown", GONE), MODELLED, False),
        (Told("over", "failed"), {}, False),
        (Told("over", "failed"), TASK.as_tags("prod"), False),
        (None, MODELLED, False),
    ],
    ids=[
        "approved",
        "deployed",
        "deploy task renamed",
        "run goes on",
        "run deleted",
        "configuration made by hand",
        "no model said",
        "no Airflow",
    ],
)
def test_an_endpoint_that_may_be_used_is_never_touched(
    witness: Told | None, config: dict[str, str], approved: bool
) -> None:
    assert stopped([SERVING], witness, config=config, approved=approved) == []


def test_an_inference_component_that_serves_is_never_touched() -> None:
    assert (
        stopped([thing("inference-component", "InService", MODELLED)], Told("over", "failed")) == []
    )


@pytest.mark.parametrize("kind", ["endpoint", "inference-component"])
def test_what_is_still_being_created_for_a_run_that_is_over_is_removed(kind: str) -> None:
    creating = thing(kind, "Creating", MODELLED)
    assert stopped([creating], Told("over", "failed")) == [creating.name]
    assert stopped([creating], Told("active", "deferred")) == []


def test_a_temporary_endpoint_lives_no_longer_than_its_run() -> None:
    """The task that made it is long over when another one of the run measures it."""
    temporary = thing("endpoint", "InService", MODELLED | TEMPORARY)
    assert stopped([temporary], Told("active", "success"), approved=True) == []
    assert stopped([temporary], Told("active", "success"), run_ends=True) == ["endpoint-1"]
    assert stopped([temporary], Told("over", "success"), approved=True) == ["endpoint-1"]
    old = thing("endpoint", "InService", {**TEMPORARY}, hours=25)
    assert stopped([temporary, old], None) == [old.name]


def test_the_training_jobs_of_a_tuning_job_are_left_to_it() -> None:
    tuning = thing("tuning", "InProgress", MODELLED)
    children = [thing("training", "InProgress", MODELLED, name=f"child-{n}") for n in range(3)]
    assert stopped([tuning, *children], Told("active", "deferred")) == []
    assert stopped([tuning, *children], Told("over")) == ["tuning-1"]


@pytest.mark.parametrize(("hours", "gone"), [(23, False), (25, True)])
def test_age_decides_where_no_tag_says_whose_it_is(hours: float, gone: bool) -> None:
    untold = thing("training", "InProgress", {}, hours=hours)
    assert bool(stopped([untold], Told("active", "running"))) is gone
    assert bool(stopped([thing("training", "InProgress", MODELLED, hours=hours)], None)) is gone


@pytest.mark.parametrize(
    "state", [None, "queued", "running", "deferred", "up_for_retry", "restarting"]
)
def test_a_task_that_goes_on_keeps_its_job(state: str | None) -> None:
    assert stopped([thing("training", "InProgress", MODELLED)], Told("active", state)) == []
