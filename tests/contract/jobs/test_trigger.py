"""JobTrigger against the local AWS: whose job it stops, and that nothing keeps it from that."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

import pytest
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from frugal.jobs.trigger import JobTrigger
from tests.contract.jobs.attempts import SLEEP, operator, submit
from tests.contract.jobs.conftest import Account, TaskInstance
from tests.contract.waiting import await_true

States = Callable[[dict[str, dict[str, str | None]]], None]


@pytest.fixture
def job(account: Account) -> str:
    """The name of a job that runs."""
    task = f"task-{uuid.uuid4().hex[:8]}"
    deferred = submit(operator(task, SLEEP), account.context(task))
    return str(deferred.trigger.job)


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    """Say what Airflow answers when it is asked for states: by run id, by task id."""

    def answer(found: dict[str, dict[str, str | None]]) -> None:
        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", lambda **query: found)

    return answer


def trigger(job: str) -> JobTrigger:
    made = JobTrigger("processing", job, 0.1)
    made.task_instance = cast(Any, TaskInstance("train", {}))
    return made


def status(account: Account, job: str) -> str:
    return str(
        account.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"]
    )


@pytest.mark.parametrize(
    "found", [{"manual__1": {"train": "failed"}}, {"manual__1": {"train": None}}, {}]
)
def test_the_job_of_an_ended_cleared_or_deleted_task_is_stopped(
    account: Account, job: str, states: States, found: dict[str, dict[str, str | None]]
) -> None:
    states(found)
    asyncio.run(trigger(job).on_kill())
    await_true(lambda: status(account, job) == "Stopped")


@pytest.mark.parametrize("task", ["train", "train_3"])  # Airflow names a mapped task with its index
def test_a_trigger_that_only_moved_lets_the_job_go_on(
    account: Account, job: str, states: States, task: str
) -> None:
    states({"manual__1": {task: "deferred"}})
    asyncio.run(trigger(job).on_kill())
    assert status(account, job) == "InProgress"
    account.sagemaker.stop_processing_job(ProcessingJobName=job)


def test_what_a_stop_logs_is_the_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow binds a trigger's log to its task by context variables, which a thread does not have by itself."""
    bound: ContextVar[str] = ContextVar("bound", default="nobody's")
    seen: list[str] = []
    monkeypatch.setattr(JobTrigger, "_let_go", lambda self: seen.append(bound.get()))

    async def kill() -> None:
        bound.set("train's")
        await trigger("job").on_kill()

    asyncio.run(kill())
    assert seen == ["train's"]


def test_being_cancelled_again_keeps_no_job_running(
    account: Account, job: str, states: States
) -> None:
    states({})

    async def cancelled() -> None:
        killing = asyncio.create_task(trigger(job).on_kill())
        await asyncio.sleep(0)
        killing.cancel()

    asyncio.run(cancelled())
    await_true(lambda: status(account, job) == "Stopped")


def test_a_cancel_is_understood_at_any_time(account: Account, job: str) -> None:
    async def cancelled(after: float) -> tuple[Any, ...]:
        async def watch() -> None:
            async for _ in trigger(job).run():
                pass

        watching = asyncio.create_task(watch())
        await asyncio.sleep(after)
        watching.cancel("said")
        with pytest.raises(asyncio.CancelledError) as error:
            await watching
        return error.value.args

    for hundredths in range(0, 20, 2):
        assert asyncio.run(cancelled(hundredths / 100)) == ("said",)
    account.sagemaker.stop_processing_job(ProcessingJobName=job)
