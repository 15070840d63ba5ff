"""The only operator that starts anything that bills: submit or adopt, watch, stop on every way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowSkipException, TaskDeferralError, TaskDeferralTimeout

from frugal.aws import clients, names
from frugal.aws.run import Inputs, Run
from frugal.aws.settings import Settings
from frugal.aws.tags import TaskKey
from frugal.jobs.bills import Description
from frugal.jobs.kinds import KINDS
from frugal.jobs.memory import Memory
from frugal.jobs.outcome import CapacityUnavailable, JobStopped
from frugal.jobs.trigger import JobTrigger

BuildRequest = Callable[[Inputs], dict[str, Any]]
MAX_GENERATIONS = 100


def gather(context: Context, upstream: Sequence[str]) -> Inputs:
    """The results of the tasks `upstream`, of which the first is the one that left the `Run`."""
    ti = context["ti"]
    results = {task_id: ti.xcom_pull(task_ids=task_id) for task_id in upstream}
    run = Run.from_json(results[upstream[0]])
    return Inputs(run=run, results=results, params=dict(context["params"]))


def _state(context: Context) -> str | None:
    """What Airflow says of this attempt now; None when its DAG run was deleted.

    Airflow refuses the deferral of a task that was ended meanwhile, without a call to on_kill.
    """
    ti: Any = context["ti"]
    states = ti.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    return next(iter(states.get(ti.run_id, {}).values()), None)


class JobOperator(BaseOperator):
    """Runs one AWS job to its end, once.

    :param kind: name of a `JobKind`: training, processing, compilation or endpoint
    :param base_name: what the job's name starts with
    :param requests: one builder of the Create request for each rung of the capacity ladder
    :param upstream: ids of the tasks whose results the builders read; the first holds the `Run`
    :param skip: reason to skip the task, or None
    :param reuse: the result of an earlier job that makes this one needless, or None
    :param document: URI of a JSON document that the job leaves, returned with the result

    Returns {"kind", "job", "arn", "status", "artifact", "rung", "document", seconds and bill}.
    Raises a `JobError`; capacity that does not come moves to the next rung first.
    """

    def __init__(
        self,
        *,
        kind: str,
        base_name: str,
        requests: Sequence[BuildRequest],
        upstream: Sequence[str],
        skip: Callable[[Inputs], str | None] = lambda inputs: None,
        reuse: Callable[[Inputs], dict[str, Any] | None] = lambda inputs: None,
        document: Callable[[Inputs], str | None] = lambda inputs: None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kind = KINDS[kind]
        self.base_name = base_name
        self.requests = requests
        self.upstream = upstream
        self.skip, self.reuse, self.document = skip, reuse, document
        self._watched: str | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """Skip, reuse, or start (or adopt) the job and defer until it is over."""
        inputs = self._inputs(context)
        if reason := self.skip(inputs):
            raise AirflowSkipException(reason)
        if result := self.reuse(inputs):
            self.log.info("Reused, nothing was started: %s", result)
            return result
        memory = Memory(context.get("task_state_store"))
        if self.kind.one_per_attempt and memory.was_cleared(context["ti"].max_tries):
            self._stop(self._name(context, inputs, memory, memory.rung)[0])
            memory.ended()
        memory.started(context["ti"].max_tries)
        return self._start(context, inputs, memory, memory.rung)

    def resume(
        self, context: Context, event: dict[str, Any], job: str, rung: int, again: bool = False
    ) -> dict[str, Any]:
        """The trigger saw the job end: look again, and succeed only if it really did what was asked.

        Airflow was seen to resume an attempt after a clear; that one begins at the beginning. So does one that
        waited for somebody else's change of what it is to change itself: `again`.
        """
        self._watched = job
        memory = Memory(context.get("task_state_store"))
        found = self.kind.find(clients.client("sagemaker"), job)
        runs = found is not None and not self.kind.is_over(found)
        if runs or again or memory.was_cleared(context["ti"].max_tries):
            return self.execute(context)
        return self._finish(context, self._inputs(context), memory, job, rung)

    def resume_execution(
        self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context
    ) -> Any:
        """As Airflow's, but a deferral that timed out or broke stops its job first."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except (TaskDeferralTimeout, TaskDeferralError):
            inputs = self._inputs(context)
            memory = Memory(context.get("task_state_store"))
            name, _ = self._name(context, inputs, memory, memory.rung)
            self._stop(name)
            raise

    def on_kill(self) -> None:
        """Stop the job when the worker is told to end the task."""
        if self._watched is not None:
            self._stop(self._watched)

    def _start(self, context: Context, inputs: Inputs, memory: Memory, rung: int) -> dict[str, Any]:
        request = self.requests[rung](inputs)
        name, found = self._name(context, inputs, memory, rung)
        if found is not None and isinstance(self.kind.failure(found, request), JobStopped):
            memory.ended(next_rung=rung)  # a user's kill stopped it: this is another attempt
            name, found = self._name(context, inputs, memory, rung)
        self._watched = name
        tags = TaskKey.of(context["ti"]).as_tags(Settings.load().environment)
        description = self.kind.ensure(
            clients.client("sagemaker"), name, self.kind.tagged(request, tags)
        )
        self.log.info("%s %s %s", "Adopted" if found else "Submitted", self.kind.name, name)
        if not self.kind.is_over(description):
            if (state := _state(context)) != "running":
                self._stop(name)
                raise JobStopped(name, f"the task became {state} while its job was submitted")
            self.defer(
                trigger=JobTrigger(self.kind.name, name, Settings.load().poll_seconds),
                method_name="resume",
                kwargs={
                    "job": name,
                    "rung": rung,
                    "again": not self.kind.is_for(description, request),
                },
                timeout=min(filter(None, (self.kind.limit(request), self.execution_timeout))),
            )
        return self._finish(context, inputs, memory, name, rung)

    def _finish(
        self, context: Context, inputs: Inputs, memory: Memory, job: str, rung: int
    ) -> dict[str, Any]:
        request = self.requests[rung](inputs)
        description = self.kind.find(clients.client("sagemaker"), job)
        if description is None:
            raise JobStopped(job, "is gone: it was deleted before its task ended")
        error = self.kind.failure(description, request)
        if isinstance(error, CapacityUnavailable) and rung + 1 < len(self.requests):
            self.log.warning("%s. Next rung: %d of %d", error, rung + 2, len(self.requests))
            memory.ended(next_rung=rung + 1)
            return self._start(context, inputs, memory, rung + 1)
        memory.ended()
        if error is not None:
            raise error
        return self._result(inputs, description, rung)

    def _result(self, inputs: Inputs, description: Description, rung: int) -> dict[str, Any]:
        bill = self.kind.bill(description)
        uri = self.document(inputs)
        return {
            "kind": self.kind.name,
            "job": description[self.kind.name_key],
            "arn": description[self.kind.arn_key],
            "status": description[self.kind.status_key],
            "artifact": self.kind.artifact(description),
            "image": description.get("InferenceImage"),
            "rung": rung,
            "document": clients.read_json(uri) if uri else None,
            **vars(bill),
        }

    def _name(
        self, context: Context, inputs: Inputs, memory: Memory, rung: int
    ) -> tuple[str, Description | None]:
        """Name of this task's current job, and the job if AWS has it already."""
        client = clients.client("sagemaker")
        if not self.kind.one_per_attempt:
            return self.base_name, self.kind.find(client, self.base_name)
        ti = context["ti"]
        task = (ti.dag_id, ti.run_id, ti.task_id, ti.map_index)
        first = memory.generation
        for generation in range(first, first + MAX_GENERATIONS):
            name = names.unique(
                self.base_name, *task, generation, rung, length=self.kind.name_length
            )
            found = self.kind.find(client, name)
            if memory.is_kept or found is None or not self.kind.is_over(found):
                return name, found
            if self.kind.failure(found, {}) is None:
                return name, found
        raise RuntimeError(f"{self.base_name}: {MAX_GENERATIONS} jobs of this task have failed")

    def _stop(self, name: str) -> None:
        stopped = self.kind.halt(clients.client("sagemaker"), name)
        self.log.info(
            "%s %s %s", "Stopped" if stopped else "Nothing to stop:", self.kind.name, name
        )

    def _inputs(self, context: Context) -> Inputs:
        return gather(context, self.upstream)
