"""Every night: stop what bills for nobody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

PARAMS = {
    "dry_run": Param(False, type="boolean", description="say what would be stopped, stop nothing")
}


@dag(
    dag_id="clean_up",
    schedule="0 3 * * *",
    catchup=False,
    is_paused_upon_creation=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    tags=["frugal", "clean-up"],
    params=PARAMS,
    default_args={"owner": "frugal", "retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
)
def clean_up() -> None:
    """Its tasks do not depend on each other: one that fails keeps no other from its work."""

    @task
    def reap() -> dict[str, Any]:
        """Stop jobs whose DAG run is over, deleted or unknown to this Airflow, and those that their task left."""
        from frugal.cleanup.reap import everything

        context = get_current_context()
        return everything(context, dry_run=context["params"]["dry_run"]).as_json()

    reap()


clean_up()
