"""Collects what a DAG run's tasks left and writes the run's report.json."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from frugal.aws import clients, regions
from frugal.aws.run import Inputs, Run
from frugal.cost.prices import price_table
from frugal.cost.report import STAGES, Priced, run_report
from frugal.cost.rungs import capacity_report
from frugal.jobs.history import jobs_of
from frugal.serving.names import endpoint_name
from frugal.serving.strays import strays
from frugal.spec import ModelSpec
from frugal.stages.ladder import LADDER

FAILED = frozenset({"failed", "upstream_failed"})


def write_report(spec: ModelSpec, context: Context) -> str:
    """Write s3://<bucket>/<model>/runs/<run>/report.json and return its URI.

    Skips the task when `prepare` did not come far enough for there to be a run.
    """
    ti = context["ti"]
    dag_run = context["dag_run"]
    states = _states(context)
    prepared = ti.xcom_pull(task_ids="prepare")
    if prepared is None:
        raise AirflowSkipException("prepare left no run: there is nothing to report")
    run = Run.from_json(prepared)
    results = {stage: ti.xcom_pull(task_ids=stage) for stage in STAGES if stage in states}
    inputs = Inputs(run=run, results=results)
    priced = Priced(price_table(), run.region)
    jobs = jobs_of(run, results, {rung.region or run.region for rung in spec.train.capacity})
    ladder = clients.read_json(run.own(LADDER))
    moved = regions.transfers(run)
    capacity = capacity_report(ladder, jobs.get("train", ()), moved, priced) if ladder else None
    started = dag_run.start_date or dag_run.run_after
    ended = datetime.now(UTC)
    failed = FAILED & set(states.values())
    report = {
        "run": run.id,
        "dag_id": ti.dag_id,
        "dag_run_id": ti.run_id,
        "model": spec.name,
        "state": "failed" if failed else "success",
        "simulated": clients.is_simulated(),
        "started": started.isoformat(),
        "ended": ended.isoformat(),
        "seconds": round((ended - started).total_seconds(), 1),
        "fingerprint": run.fingerprint,
        **run_report(results, states, jobs, _training(inputs), priced, capacity),
        "endpoint": _endpoint(spec, results, priced),
        "next": _next(spec, run),
    }
    uri = run.own("report.json")
    clients.write_json(uri, report)
    return uri


def _states(context: Context) -> dict[str, str]:
    """State of every stage's task of this DAG run, by task id."""
    ti = context["ti"]
    tasks = [stage for stage in STAGES if stage in context["dag"].task_dict]
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=tasks, run_ids=[ti.run_id])
    return {task: str(state) for task, state in states.get(ti.run_id, {}).items()}


def _training(inputs: Inputs) -> dict[str, Any] | None:
    """training.json that the training job left in its output archive."""
    job = (inputs.results.get("train") or {}).get("job")
    if job is None:
        return None
    return clients.read_archived_json(
        inputs.run.own("model", job, "output", "output.tar.gz"), "training.json"
    )


def _endpoint(spec: ModelSpec, results: dict[str, Any], priced: Priced) -> dict[str, Any] | None:
    """What the endpoint costs while it stands with the least capacity that it may have; None without one."""
    strategy = spec.deploy.strategy
    if not results.get("deploy") or strategy == "batch":
        return None
    hour: float | None = 0.0
    if strategy != "serverless" and spec.deploy.least:
        price = priced.table.hour(spec.deploy.host, priced.region)
        hour = None if price is None else price * spec.deploy.least
    return {"EndpointName": endpoint_name(spec), "strategy": strategy, "hourly_cost": hour}


def _next(spec: ModelSpec, run: Run) -> list[str]:
    return [
        *(
            f"still bills, though model.yaml does not ask for it: endpoint {name}"
            for name in strays(spec, run.region)
        ),
        f"quarantined rows: {run.dataset('quarantine', 'quarantine.csv')}",
        f"evaluation: {run.own('evaluation', 'evaluation.json')}",
        f"drift baseline: {run.own('baseline')}",
        f"captured traffic: {run.s3('capture')}",
    ]
