"""What the reaper is for: a DAG whose last task reaps what its run left, and the nightly DAG itself."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Context, TriggerRule, get_current_context, task

from frugal.aws.run import Inputs, Run
from frugal.jobs.operator import JobOperator
from frugal.pipelines.clean_up import build_dag
from tests.faults import work
from tests.faults.fragile import Fragile
from tests.faults.variants import PARAMS


class Left(Fragile, JobOperator):
    """An operator whose worker can be killed at a point of its life."""

    job_kind = "training"

    def _inputs(self, context: Context) -> Inputs:
        self.base_name = context["params"]["name"]
        run = Run("faults", "faults", "us-east-1", "", work.BUCKET, "frugal-", "", "", "", "", {})
        return Inputs(run=run, results={}, params=dict(context["params"]))


def request(inputs: Inputs) -> dict[str, Any]:
    """A training job that is held."""
    return work.training(inputs.params)


with DAG("reaped_training", schedule=None, params=PARAMS, is_paused_upon_creation=False):
    job = Left(
        task_id="job",
        kind="training",
        base_name="training",
        requests=[request],
        upstream=[],
        retries=0,
    )

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def last() -> dict[str, Any]:
        """As the last task of a training DAG does it."""
        from frugal.cleanup.reap import leftovers

        return leftovers(get_current_context(), []).as_json()

    job >> last().as_teardown()

nightly = build_dag()
