"""Who can say what became of the task that made a thing."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, Protocol

from frugal.aws.tags import NOT_MAPPED, TaskKey

RunState = Literal["active", "over", "unknown"]
GONE = "gone"
OVER = frozenset({"success", "failed", "skipped", "upstream_failed", "removed", GONE})
ACTIVE_RUN = ["queued", "running"]


class Witness(Protocol):
    """What the reaper asks."""

    def run(self, task: TaskKey) -> RunState:
        """Whether the task's DAG run still goes on; "unknown" when there is none of that id."""

    def task(self, task: TaskKey) -> str | None:
        """State of the task instance; `GONE` when its DAG run has none of that id."""


class ThisAirflow:
    """The Airflow that runs the current task, asked through the task SDK, without its database.

    `ti` is that task's instance. A deleted DAG run, and one of another Airflow, is not an error: it is counted
    as 0 (`get_dr_count` of Airflow 3; `get_dagrun_state` raises, and takes no id with a slash).
    """

    def __init__(self, ti: Any) -> None:
        self._count, self._states = cache(self._ask_count), cache(self._ask_states)
        self._ti = ti

    def run(self, task: TaskKey) -> RunState:
        """Whether the DAG run goes on; "unknown" when it was deleted, or this Airflow never had it."""
        if self._count(task.dag_id, task.run_id, active=True):
            return "active"
        return "over" if self._count(task.dag_id, task.run_id, active=False) else "unknown"

    def task(self, task: TaskKey) -> str | None:
        """State of the task instance now, in Airflow's words; `GONE` when there is none."""
        mapped = task.map_index != NOT_MAPPED
        key = f"{task.task_id}_{task.map_index}" if mapped else task.task_id
        state = self._states(task.dag_id, task.run_id).get(key, GONE)
        return str(state) if state is not None else None

    def _ask_count(self, dag_id: str, run_id: str, *, active: bool) -> int:
        states = ACTIVE_RUN if active else None
        return int(self._ti.get_dr_count(dag_id=dag_id, run_ids=[run_id], states=states))

    def _ask_states(self, dag_id: str, run_id: str) -> dict[str, Any]:
        states = self._ti.get_task_states(dag_id=dag_id, run_ids=[run_id])
        return dict(states.get(run_id, {}))
