"""Run the example model's DAG on a started docker-compose stack, through Airflow's REST API, and see it succeed."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx

from demo.api import UNFINISHED, AirflowApi
from demo.home import DemoError

DAG = "train_house_prices"
START_SECONDS = 600
RUN_SECONDS = 1800


def settings() -> dict[str, str]:
    """What docker compose reads: .env, and the shell's environment above it."""
    lines = (Path(__file__).resolve().parents[1] / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line) | dict(os.environ)


def log_in(url: str, password: str) -> str:
    """An access token, once the API server answers. Raises DemoError after START_SECONDS."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = httpx.post(
                f"{url}/auth/token",
                json={"username": "admin", "password": password},
                trust_env=False,
                timeout=20,
            )
        except httpx.HTTPError:
            time.sleep(1)
            continue
        if answer.is_error:
            raise DemoError(f"Airflow refused the log-in: {answer.status_code} {answer.text}")
        return str(answer.json()["access_token"])
    raise DemoError(f"no Airflow answers at {url} after {START_SECONDS} s")


def prove(url: str, password: str) -> bool:
    """Trigger the DAG, wait for its end, print its tasks; whether it succeeded."""
    api = AirflowApi(url, log_in(url, password), DAG)
    api.wait_for_dag(datetime(1970, 1, 1, tzinfo=UTC), lambda: None)
    run, started = api.trigger({}), time.monotonic()
    while (state := api.state(run)) in UNFINISHED and time.monotonic() - started < RUN_SECONDS:
        time.sleep(1)
    print(f"{DAG} {run}: {state} after {time.monotonic() - started:.0f} s")
    for task in api.tasks(run):
        print(f"  {task['task_id']:<16} {task['state']}")
    for failure in api.failures(run):
        print(f"{failure.task} failed: {failure.reason}\n{failure}")
    return state == "success"


def main() -> None:
    """Exit 1, with the reason, unless the run succeeded."""
    given = settings()
    url = f"http://127.0.0.1:{given.get('AIRFLOW_PORT', '8080')}"
    try:
        succeeded = prove(url, given["AIRFLOW_ADMIN_PASSWORD"])
    except DemoError as error:
        raise SystemExit(str(error)) from error
    if not succeeded:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
