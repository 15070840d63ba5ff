"""What the DAGs are made of: a stage becomes a task, and the last task stops what is left."""

from __future__ import annotations

from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task

from frugal.jobs.operator import JobOperator
from frugal.spec import ModelSpec
from frugal.stages.common import Stage


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


def reap_task(spec: ModelSpec) -> Any:
    """The teardown that stops what the run left running."""

    @task(task_id="reap", trigger_rule=TriggerRule.ALL_DONE)
    def reap() -> dict[str, Any]:
        """Stop every job of this run that still runs."""
        from frugal.cleanup.reap import leftovers

        return leftovers(get_current_context(), [spec]).as_json()

    return reap().as_teardown()
