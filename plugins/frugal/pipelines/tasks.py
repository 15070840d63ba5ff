"""What models' DAGs are made of: the first task places the run, a stage becomes a task, the last stops what is left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, get_current_context, task

from frugal.jobs.operator import JobOperator
from frugal.spec import ModelSpec
from frugal.stages.common import Stage

RETRY_DELAY = timedelta(seconds=10)


def model_dag(
    family: str, spec: ModelSpec, *, tag: str = "", retries: int = 2, **arguments: Any
) -> DAG:
    """The DAG `<family>_<model>`, one run at a time, without its tasks; `arguments` are DAG's."""
    return DAG(
        dag_id=f"{family}_{spec.name.replace('-', '_')}",
        catchup=False,
        max_active_runs=1,
        tags=["frugal", tag or family, spec.name, f"team:{spec.owner.team}"],
        default_args={
            "owner": spec.owner.team,
            "retries": retries,
            "retry_delay": RETRY_DELAY,
            "retry_exponential_backoff": True,
        },
        **arguments,
    )


def job_task(stage: Stage, **arguments: Any) -> JobOperator:
    """The task that runs the stage's job; `arguments` are BaseOperator's."""
    return JobOperator(
        task_id=stage.name,
        kind=stage.kind,
        base_name=stage.base_name,
        requests=stage.requests,
        upstream=stage.upstream,
        skip=stage.skip,
        reuse=stage.reuse,
        document=stage.document,
        ladder=stage.ladder,
        enter=stage.enter,
        leave=stage.leave,
        **arguments,
    )


def place_task(spec: ModelSpec) -> Any:
    """The first task of a run that needs neither code nor data: it leaves the `Run`."""

    @task(task_id="prepare")
    def prepare() -> dict[str, Any]:
        """Find out where this run happens."""
        from frugal.aws.prepare import place

        return place(spec, get_current_context()["run_id"]).as_json()

    return prepare()


def reap_task(spec: ModelSpec) -> Any:
    """The teardown that stops what the run left running."""

    @task(task_id="reap", trigger_rule=TriggerRule.ALL_DONE)
    def reap() -> dict[str, Any]:
        """Stop every job of this run that still runs."""
        from frugal.cleanup.reap import leftovers

        return leftovers(get_current_context(), [spec]).as_json()

    return reap().as_teardown()
