"""A model that is served in batch becomes a second DAG: transform jobs over whatever lies in S3."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import DAG, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from frugal.pipelines.tasks import job_task, model_dag, place_task, reap_task
from frugal.serving import batch
from frugal.spec import ModelSpec
from frugal.stages.common import Stage

LONGEST = timedelta(days=1)  # CreateTransformJob has no limit of its own


def build_dag(spec: ModelSpec) -> DAG:
    """The DAG `batch_<model>`: it predicts with the newest approved model."""
    dag = model_dag(
        "batch",
        spec,
        description=f"Predict with {spec.name}",
        schedule=spec.deploy.batch.schedule if spec.deploy.batch else None,
        dagrun_timeout=LONGEST + timedelta(hours=1),
    )
    with dag:
        stage = Stage(
            name="transform",
            kind="transform",
            base_name=f"{spec.name}-batch",
            requests=[partial(batch.request, spec)],
            upstream=["prepare", "prepare_batch"],
        )
        transform = job_task(stage, execution_timeout=LONGEST)
        chain(place_task(spec), _prepare_batch(spec), transform, reap_task(spec))
    return dag


def _prepare_batch(spec: ModelSpec) -> Any:
    @task(task_id="prepare_batch")
    def prepare_batch() -> dict[str, str]:
        """Create the champion's model, unless there is nothing to predict."""
        from frugal.aws import clients
        from frugal.jobs.work import gather
        from frugal.serving.publish import create_model

        inputs = gather(get_current_context(), ["prepare"])
        run = inputs.run
        source = batch.source(spec, run)
        if not any(item["Size"] for item in clients.list_objects(source).values()):
            raise AirflowSkipException(f"nothing to predict: {source} holds no objects")
        if run.champion is None:
            raise AirflowFailException(f"{spec.name} has no approved model: run its training first")
        request = batch.champion_model(spec, inputs, run.champion.arn)
        return {"model": create_model(request, run.region)}

    return prepare_batch()
