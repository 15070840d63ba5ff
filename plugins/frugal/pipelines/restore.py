"""The restore DAG of a model: an earlier version serves again, and is champion again.

What is newer is rejected in the registry, so that from then on drift is measured against the restored one's baseline,
and challengers have to beat it. Batch jobs predict with whatever is champion when they start: for them that is all.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from frugal.aws.run import Inputs
from frugal.jobs.work import gather
from frugal.pipelines.tasks import job_task, model_dag, place_task, reap_task
from frugal.serving.container import CHOSEN
from frugal.spec import ModelSpec
from frugal.stages import deploy

PUBLISHED = "publish_model"
PARAMS = {
    "version": Param(
        None,
        type=["null", "integer"],
        description="of the model's package group; default: the approved one before the champion",
    )
}


def build_dag(spec: ModelSpec) -> DAG:
    """The DAG `restore_<model>`: first the endpoint, then the registry, so that a failure changes neither."""
    alone = spec.model_copy(update={"deploy": spec.deploy.model_copy(update={"trial": None})})
    with model_dag(
        "restore",
        spec,
        description=f"Serve an earlier version of {spec.name} again",
        doc_md=__doc__,
        dagrun_timeout=timedelta(hours=10),
        params=PARAMS,
    ) as dag:
        chain(place_task(spec), _choose(spec), *_serve(alone), _promote(spec), reap_task(spec))
    return dag


def as_trained(inputs: Inputs) -> Inputs:
    """The inputs that the run had which made the chosen package."""
    chosen = inputs[CHOSEN]
    trained = {"train": {"artifact": chosen["artifact"]}}
    run = replace(inputs.run, id=chosen["run"])
    return replace(inputs, run=run, results={**inputs.results, **trained})


def _serve(spec: ModelSpec) -> list[Any]:
    """The tasks by which the chosen package serves, one after the other."""
    strategy = spec.deploy.strategy
    if strategy == "batch":
        return []
    upstream = ("prepare", CHOSEN, *([PUBLISHED] if strategy == "multi-model" else []))
    jobs = [
        job_task(replace(stage, upstream=upstream, skip=lambda inputs: None))
        for stage in deploy.stages(spec)
    ]
    return [_publish(spec), *jobs, _go_live(spec)] if strategy == "multi-model" else jobs


def _publish(spec: ModelSpec) -> Any:
    @task(task_id=PUBLISHED)
    def publish_model() -> dict[str, str]:
        """Put the package's artefact where the multi-model endpoint finds it."""
        from frugal.serving import publish

        inputs = gather(get_current_context(), ["prepare", CHOSEN])
        return publish.publish_model(spec, as_trained(inputs))

    return publish_model()


def _go_live(spec: ModelSpec) -> Any:
    @task(task_id="go_live")
    def go_live() -> dict[str, str]:
        """Name the package's version as the live one."""
        from frugal.serving import publish

        inputs = gather(get_current_context(), ["prepare", CHOSEN])
        return publish.go_live(spec, as_trained(inputs))

    return go_live()


def _choose(spec: ModelSpec) -> Any:
    @task(task_id=CHOSEN)
    def choose() -> dict[str, Any]:
        """Name the package, once: what is promoted meanwhile does not change it."""
        from frugal.aws import registry

        version = get_current_context()["params"]["version"]
        try:
            return registry.describe(registry.before_champion(spec.name, version))
        except LookupError as error:
            raise AirflowFailException(str(error)) from error

    return choose()


def _promote(spec: ModelSpec) -> Any:
    @task(task_id="promote")
    def promote() -> list[str]:
        """Make the package that serves now champion; returns the rejected ones."""
        from frugal.aws import registry

        inputs = gather(get_current_context(), ["prepare", CHOSEN])
        return registry.restore(spec.name, inputs[CHOSEN]["package"])

    return promote()
