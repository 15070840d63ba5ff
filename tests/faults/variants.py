"""The variants of a DAG under test: the same task with other limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

#: Counted from the deferral, or by an operator that waits from its start.
TASK_LIMIT = timedelta(seconds=45)
#: Counted from the DAG run's start, so the task has to be scheduled and its job submitted in it.
RUN_LIMIT = timedelta(seconds=90)
PARAMS = {"folder": str(Path()), "name": "", "at": ""}
#: variant -> arguments of the DAG, arguments of its task
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "": ({}, {"retries": 1}),
    "_once": ({}, {"retries": 0}),
    "_task_timeout": ({}, {"retries": 0, "execution_timeout": TASK_LIMIT}),
    "_run_timeout": ({"dagrun_timeout": RUN_LIMIT}, {"retries": 0}),
}
LADDER: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "_ladder": ({}, {"retries": 1, "ladder": True})
}


def variants(name: str, task: Callable[..., None]) -> Iterator[DAG]:
    """A DAG of each variant: `task` makes its one task, `job`."""
    every = VARIANTS | (LADDER if name == "frugal_training" else {})
    for variant, (limits, arguments) in every.items():
        with DAG(
            dag_id=name + variant,
            schedule=None,
            params=PARAMS,
            max_active_runs=100,
            is_paused_upon_creation=False,
            **limits,
        ) as dag:
            task(retry_delay=timedelta(seconds=0), **arguments)
        yield dag
