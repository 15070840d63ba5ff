"""A stage becomes a task."""

from __future__ import annotations

from typing import Any

from frugal.jobs.operator import JobOperator
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
