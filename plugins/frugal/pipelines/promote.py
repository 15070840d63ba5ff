"""The promote DAG of a model with a `deploy.trial`: the version beside the champion takes over, or goes.

The registry follows what serves: the version is approved, or rejected, once the endpoint serves accordingly, and an
update that AWS rolled back changes neither.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import DAG, Param, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from frugal.jobs.work import gather
from frugal.pipelines.going_live import scale_task
from frugal.pipelines.tasks import job_task, model_dag, place_task, reap_task
from frugal.serving import trial
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.stages.common import Stage

PARAMS = {
    "verdict": Param(
        trial.PROMOTE,
        enum=[trial.PROMOTE, trial.WITHDRAW],
        description="promote: the version on trial takes all traffic; withdraw: it goes, the champion stays",
    )
}


def build_dag(spec: ModelSpec) -> DAG:
    """The DAG `promote_<model>`."""
    with model_dag(
        "promote",
        spec,
        description=f"End the trial of a version of {spec.name}",
        doc_md=__doc__,
        dagrun_timeout=timedelta(hours=10),
        params=PARAMS,
    ) as dag:
        stage = Stage(
            name="deploy",
            kind="endpoint",
            base_name=endpoint_name(spec),
            requests=[partial(trial.verdict_request, spec)],
            upstream=("prepare", trial.CHOSEN),
        )
        deployed, reaped = job_task(stage), reap_task(spec)
        chain(place_task(spec), _choose(spec), deployed, _decide(), reaped)
        chain(deployed, scale_task(spec, stage.name), reaped)
    return dag


def _choose(spec: ModelSpec) -> Any:
    @task(task_id=trial.CHOSEN)
    def choose() -> dict[str, Any]:
        """Name the variant that shall serve, once: what is deployed meanwhile does not change it."""
        context = get_current_context()
        region = gather(context, ["prepare"]).run.region
        try:
            return trial.choose(spec, context["params"]["verdict"], region)
        except trial.NoTrial as error:
            raise AirflowFailException(str(error)) from error

    return choose()


def _decide() -> Any:
    @task(task_id="decide")
    def decide() -> None:
        """Approve or reject the version in the registry."""
        context = get_current_context()
        package = gather(context, ["prepare", trial.CHOSEN])[trial.CHOSEN]["package"]
        trial.decide(context["params"]["verdict"], package)

    return decide()
