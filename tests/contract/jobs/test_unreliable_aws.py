"""Throttling, errors of AWS's own, old credentials and lost connections: one job all the same, and no stop is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ParamValidationError

from frugal.aws import clients, retries
from frugal.jobs.trigger import JobTrigger
from tests.contract.jobs.attempts import SLEEP, jobs, operator, result_of, statuses, submit
from tests.contract.jobs.conftest import ROLE, Account
from tests.contract.waiting import await_true

Fault = Callable[..., None]
THROTTLED = {"fault": "throttle", "count": 4}
BROKEN = {"fault": "error", "error": "InternalFailure", "count": 4}
EXPIRED = {"fault": "error", "error": "ExpiredTokenException", "count": 2}
DROPPED = {"fault": "error", "error": "drop-before", "count": 2}
UNHEARD = {"fault": "error", "error": "drop-after", "count": 2}
#: The clients of these tests, beside those of all others.
GIVE_UP_AT_ONCE: dict[tuple[str, str | None], Any] = {}


@pytest.fixture
def fault(account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    """Adds a fault to the local AWS until the test ends; botocore itself does not try again."""

    def add(operation: str, **keys: Any) -> None:
        account.local.ask("POST", "/_local/faults", {"operation": operation, **keys})

    monkeypatch.setattr(clients, "RETRIES", {"mode": "standard", "total_max_attempts": 1})
    monkeypatch.setattr(clients, "_clients", GIVE_UP_AT_ONCE)
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)
    yield add
    account.local.ask("DELETE", "/_local/faults")


@pytest.mark.parametrize(
    ("operation", "strike"),
    [
        *(
            ("CreateProcessingJob", strike)
            for strike in (THROTTLED, BROKEN, EXPIRED, DROPPED, UNHEARD)
        ),
        ("DescribeProcessingJob", THROTTLED),
        ("DescribeProcessingJob", EXPIRED),
        ("ListProcessingJobs", THROTTLED),
    ],
)
def test_one_job_comes_of_it(
    account: Account,
    task: str,
    fault: Fault,
    operation: str,
    strike: dict[str, Any],
) -> None:
    fault(operation, **strike)
    assert result_of(operator(task), account.context(task))["status"] == "Completed"
    assert len(jobs(task)) == 1


def test_old_credentials_are_forgotten(account: Account, task: str, fault: Fault) -> None:
    before = clients.client("sagemaker")
    fault("Create*", fault="error", error="ExpiredTokenException", count=1)
    result_of(operator(task), account.context(task))
    assert clients.client("sagemaker") is not before


def test_what_is_no_fault_of_aws_is_not_tried_again(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "frugal.aws.retries.time.sleep", lambda seconds: pytest.fail("waited to try again")
    )
    with pytest.raises(ParamValidationError, match="ProcessingResources"):
        operator(task, requests=[lambda inputs: {"RoleArn": ROLE}]).execute(account.context(task))


@pytest.mark.parametrize("strike", [THROTTLED, UNHEARD])
def test_a_stop_of_the_worker_lands(
    account: Account,
    task: str,
    fault: Fault,
    strike: dict[str, Any],
) -> None:
    job = operator(task, SLEEP)
    submit(job, account.context(task))
    fault("StopProcessingJob", **strike)
    job.on_kill()
    await_true(lambda: statuses(task) == ["Stopped"])


@pytest.mark.parametrize("strike", [THROTTLED, EXPIRED])
def test_a_stop_of_the_trigger_lands(
    account: Account,
    task: str,
    fault: Fault,
    strike: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deferred = submit(operator(task, SLEEP), account.context(task))
    fault("*ProcessingJob", **strike)
    monkeypatch.setattr(JobTrigger, "_states", lambda self: [])
    asyncio.run(deferred.trigger.on_kill())
    await_true(lambda: statuses(task) == ["Stopped"])


def test_stops_that_wait_for_their_turn_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow cancels on_kill every second until it has returned."""
    gate, let_go = threading.Event(), list[str]()

    def slowly(self: JobTrigger) -> None:
        gate.wait(30)
        let_go.append(self.job)

    monkeypatch.setattr(JobTrigger, "_let_go", slowly)
    made = [JobTrigger("training", f"job-{number}", 0.1) for number in range(60)]

    async def kill() -> None:
        killing = [asyncio.create_task(trigger.on_kill()) for trigger in made]
        await asyncio.sleep(0)
        for task in killing:
            task.cancel()
        await asyncio.gather(*killing, return_exceptions=True)

    asyncio.run(kill())
    gate.set()
    await_true(lambda: len(let_go) == len(made))


def test_a_job_that_was_submitted_is_not_left_because_airflow_does_not_answer(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)
    answers = iter([ConnectionError("the API server restarts"), {"manual__1": {task: "running"}}])

    def states(**query: Any) -> Any:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    job, context = operator(task, SLEEP), account.context(task)
    monkeypatch.setattr(context["ti"], "get_task_states", states)
    submit(job, context)
    assert statuses(task) == ["InProgress"]
    job.on_kill()


def test_a_stop_waits_until_airflow_says_what_became_of_the_task(
    account: Account, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT", 0.02)
    deferred = submit(operator(task, SLEEP), account.context(task))
    silences = iter([ConnectionError("the API server restarts")])

    def states(self: JobTrigger) -> list[str]:
        for silence in silences:
            raise silence
        return ["failed"]

    monkeypatch.setattr(JobTrigger, "_states", states)
    asyncio.run(deferred.trigger.on_kill())
    await_true(lambda: statuses(task) == ["Stopped"])
