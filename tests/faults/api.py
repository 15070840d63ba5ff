"""The calls of Airflow's REST API (v2) that tests on a real Airflow make, for all DAGs and runs."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from demo.api import checked

PAGE = 100
PATIENCE_SECONDS = 120


class Api:
    """One Airflow, asked with the token of its administrator."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v2",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )

    def dags(self, since: datetime) -> set[str]:
        """Ids of the DAGs that were parsed after `since`. Raises AssertionError with what cannot be imported."""
        errors = self._send("GET", "/importErrors")["import_errors"]
        assert not errors, "\n".join(error["stack_trace"] for error in errors)
        found: list[dict[str, Any]] = []
        while page := self._send("GET", f"/dags?limit={PAGE}&offset={len(found)}")["dags"]:
            found += page
        times = {dag["dag_id"]: dag["last_parsed_time"] for dag in found}
        return {dag for dag, at in times.items() if at and datetime.fromisoformat(at) > since}

    def start(self, dag: str, run: str, conf: dict[str, Any]) -> None:
        """Start a DAG run of that id."""
        self._send("POST", f"/dags/{dag}/dagRuns", logical_date=None, conf=conf, dag_run_id=run)

    def tasks(self, runs: Collection[str]) -> dict[str, dict[str, Any]]:
        """The one task instance of each DAG run that exists, by the run's id."""
        found: dict[str, dict[str, Any]] = {}
        ids = list(runs)
        for first in range(0, len(ids), PAGE):
            some = "|".join(ids[first : first + PAGE])
            path = f"/dags/~/dagRuns/~/taskInstances?limit={PAGE}&run_id_prefix_pattern={some}"
            for task in self._send("GET", path)["task_instances"]:
                found[task["dag_run_id"]] = task
        return found

    def state(self, dag: str, run: str) -> str:
        """State of a DAG run."""
        return str(self._send("GET", f"/dags/{dag}/dagRuns/{run}")["state"])

    def task_state(self, dag: str, run: str, task: str) -> str:
        """State of a task of a DAG run; "" of one that nobody scheduled yet."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}"
        return str(self._send("GET", path)["state"] or "")

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """DAG runs, the first first: dag_run_id, run_type, state, ..."""
        path = f"/dags/{dag}/dagRuns?limit={PAGE}&order_by=id"
        found: list[dict[str, Any]] = self._send("GET", path)["dag_runs"]
        return found

    def log(self, dag: str, run: str, task: str) -> str:
        """What a task's first attempt logged, as JSON."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1?full_content=true"
        return json.dumps(self._send("GET", path))

    def events(self, asset: str) -> int:
        """How many events of an asset there were."""
        found = self._send("GET", f"/assets?name_pattern={quote(asset)}")["assets"]
        ids = [one["id"] for one in found if one["name"] == asset]
        return sum(self._send("GET", f"/assets/events?asset_id={i}")["total_entries"] for i in ids)

    def unpause(self, dag: str) -> None:
        """Let the DAG run."""
        self._send("PATCH", f"/dags/{dag}", is_paused=False)

    def pause(self, dag: str) -> None:
        """Start no run of the DAG any more."""
        self._send("PATCH", f"/dags/{dag}", is_paused=True)

    def mark(self, dag: str, run: str, state: str) -> None:
        """Mark the task failed or success, as a user does."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/job"
        self._send("PATCH", path, new_state=state)

    def clear(self, dag: str, run: str) -> None:
        """Clear the task, as a user does."""
        self._send(
            "POST",
            f"/dags/{dag}/clearTaskInstances",
            dry_run=False,
            dag_run_id=run,
            task_ids=["job"],
            only_failed=False,
            reset_dag_runs=True,
        )

    def fail(self, dag: str, run: str) -> None:
        """Mark the DAG run failed, as a user does."""
        self._send("PATCH", f"/dags/{dag}/dagRuns/{run}", state="failed")

    def delete(self, dag: str, run: str) -> None:
        """Fail the DAG run, which Airflow wants first, and delete it."""
        self.fail(dag, run)
        checked(self._client.delete(f"/dags/{dag}/dagRuns/{run}"))

    def _send(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        """Airflow's answer. What may be done twice is asked again while SQLite keeps Airflow from answering."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            last = method == "POST" or time.monotonic() > deadline
            try:
                answer = self._client.request(method, path, json=body or None)
            except httpx.TransportError:
                if last:
                    raise
            else:
                if last or not answer.is_server_error:
                    return dict(checked(answer).json())
            time.sleep(1)
