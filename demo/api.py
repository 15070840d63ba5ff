"""The few calls of Airflow's REST API (v2) that the demo makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from demo.failure import Failure
from demo.home import DemoError

ANSWER_SECONDS = 120.0  # longer than Airflow waits for its database
DAG_SECONDS = 300
UNFINISHED = ("queued", "running")


class AirflowApi:
    """One DAG of one Airflow, by its REST API."""

    def __init__(self, url: str, token: str, dag_id: str) -> None:
        self.dag_id = dag_id
        self.page = f"{url}/dags/{dag_id}"
        self._client = httpx.Client(
            base_url=f"{url}/api/v2",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=ANSWER_SECONDS,
        )

    def wait_for_dag(self, since: datetime, check: Callable[[], None]) -> None:
        """Return once the DAG was parsed after `since`. Raises DemoError with its import error."""
        deadline = time.monotonic() + DAG_SECONDS
        while time.monotonic() < deadline:
            check()
            answer = self._client.get(f"/dags/{self.dag_id}")
            if (
                answer.is_success
                and datetime.fromisoformat(answer.json()["last_parsed_time"]) > since
            ):
                return
            if errors := self._get("/importErrors")["import_errors"]:
                texts = [f"{error['filename']}:\n{error['stack_trace']}" for error in errors]
                raise DemoError("a DAG file cannot be imported: " + "\n".join(texts))
            time.sleep(0.2)
        raise DemoError(
            f"no DAG {self.dag_id!r} after {DAG_SECONDS} s; is its model.yaml in place?"
        )

    def trigger(self, conf: dict[str, Any]) -> str:
        """Unpause the DAG, fail runs that an earlier Airflow left unfinished, start a run; its id."""
        for left in self._get(f"/dags/{self.dag_id}/dagRuns", state=UNFINISHED)["dag_runs"]:
            self._send("PATCH", f"/dags/{self.dag_id}/dagRuns/{left['dag_run_id']}", state="failed")
        self._send("PATCH", f"/dags/{self.dag_id}", is_paused=False)
        run = self._send("POST", f"/dags/{self.dag_id}/dagRuns", logical_date=None, conf=conf)
        return str(run["dag_run_id"])

    def state(self, run: str) -> str:
        """State of a DAG run: queued, running, success or failed."""
        return str(self._get(f"/dags/{self.dag_id}/dagRuns/{run}")["state"])

    def tasks(self, run: str) -> list[dict[str, Any]]:
        """The run's task instances: task_id, state, try_number, start_date, end_date, ..."""
        found = self._get(f"/dags/{self.dag_id}/dagRuns/{run}/taskInstances", limit=100)
        instances: list[dict[str, Any]] = found["task_instances"]
        return instances

    def result(self, run: str, task_id: str) -> Any:
        """What the task returned, or None."""
        path = f"/dags/{self.dag_id}/dagRuns/{run}/taskInstances/{task_id}/xcomEntries/return_value"
        answer = self._client.get(path)
        return answer.json()["value"] if answer.is_success else None

    def failures(self, run: str) -> list[Failure]:
        """The run's failed tasks with the logs of their last attempts, in the order in which they ended."""
        failed = [task for task in self.tasks(run) if task["state"] == "failed"]
        return [
            Failure(task["task_id"], task["try_number"], self._log(run, task))
            for task in sorted(failed, key=lambda task: str(task["end_date"]))
        ]

    def _log(self, run: str, task: dict[str, Any]) -> list[Any]:
        """Events of a task's last attempt."""
        path = f"/dags/{self.dag_id}/dagRuns/{run}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        events: list[Any] = self._get(path, full_content=True).get("content", [])
        return events

    def _get(self, path: str, **query: Any) -> dict[str, Any]:
        answer: dict[str, Any] = checked(self._client.get(path, params=query)).json()
        return answer

    def _send(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer: dict[str, Any] = checked(self._client.request(method, path, json=body)).json()
        return answer


def checked(answer: httpx.Response) -> httpx.Response:
    """`answer`. Raises DemoError with Airflow's own words when it refused."""
    if answer.is_error:
        raise DemoError(
            f"Airflow answered {answer.status_code} to {answer.request.url}: {answer.text}"
        )
    return answer
