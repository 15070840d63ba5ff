"""The retrain_on_drift DAG of a model that asks, and the train DAG that it starts. `python asked.py FILE` runs the
first once for each answer, without a scheduler, and writes to FILE what came of it.

An answer is what Airflow's REST API makes of one, called in this process, and no answer what the scheduler does.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from frugal.aws import clients, windows
from frugal.aws.prepare import place
from frugal.pipelines import retrain_on_drift, train
from frugal.retraining import records
from frugal.spec import parse_spec

SPEC = parse_spec(os.environ["ASKED_SPEC"])
HOUR = timedelta(hours=1)

dag = retrain_on_drift.build_dag(SPEC)
trains = train.build_dag(SPEC)


def approves() -> None:
    """A person approves: what Airflow's REST API does of `PATCH .../hitlDetails`."""
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.utils.session import create_session

    run = _asking_run()
    payload = UpdateHITLDetailPayload(chosen_options=["Approve"], params_input={})
    with create_session() as session:
        update_hitl_detail(
            dag_id=dag.dag_id,
            dag_run_id=str(run),
            task_id=retrain_on_drift.APPROVE,
            update_hitl_detail_payload=payload,
            user=SimpleAuthManagerUser(username="ann", role="admin"),
            session=session,
        )


def lets_it_be() -> None:
    """Nobody answers, and the scheduler's sweep finds that it has been too long."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    scheduler, run = SchedulerJobRunner(Job()), _asking_run()
    while _asking_run(wait=False) == run:
        scheduler.check_awaiting_input_timeouts()
        time.sleep(0.2)


def _asking_run(*, wait: bool = True) -> str | None:
    """Id of the run that waits for an answer."""
    from airflow.models.taskinstance import TaskInstance  # noqa: TID251 - no task, but who answers
    from airflow.utils.session import create_session
    from sqlalchemy import select

    while True:
        with create_session() as session:
            asking = select(TaskInstance.run_id).where(TaskInstance.state == "awaiting_input")
            run: str | None = session.scalar(asking)
        if run or not wait:
            return run
        time.sleep(0.2)


def drift(number: int) -> str:
    """A window that drifted; returns its name."""
    run = place(SPEC, "asked")
    start = records.aws_now(run).replace(minute=0, second=0) - 24 * HOUR
    name = windows.Window(start + number * HOUR, HOUR).name
    clients.write_json(
        windows.place(run, name, windows.VERDICT), {"verdict": "drift", "reason": "it moved"}
    )
    return name


def told_of(window: str) -> dict[str, Any]:
    """What is kept of a window, and the states of the run's tasks."""
    run = place(SPEC, "asked")
    found = {
        kind: clients.read_json(windows.place(run, window, f"{kind}.json"))
        for kind in ("decision", "outcome")
    }
    return {"window": window, **found}


def trainings() -> list[str]:
    """Runs of the train DAG that wait; then they are over, as far as Airflow knows."""
    from airflow.models.dagrun import DagRun  # noqa: TID251 - no task, but who looks
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        of_training = select(DagRun).where(DagRun.dag_id == trains.dag_id, DagRun.state == "queued")
        runs = session.scalars(of_training).all()
        names = [run.run_id for run in runs]
        for run in runs:
            run.state = "success"
    return names


def main(told: str) -> None:
    """Ask once for each answer."""
    answers: list[Callable[[], None]] = [approves, lets_it_be]
    results = []
    for number, answer in enumerate(answers):
        window = drift(number)
        person = threading.Thread(target=answer, daemon=True)
        person.start()
        ran = dag.test()
        states = {task.task_id: str(task.state) for task in ran.get_task_instances()}
        found = {**told_of(window), "state": str(ran.state), "tasks": states}
        results.append({**found, "trainings": trainings()})
    Path(told).write_text(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1])
