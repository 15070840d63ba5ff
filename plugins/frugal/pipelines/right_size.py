"""The right_size DAG of a model: each candidate measured alone, one after the other, and taken away again."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from frugal.jobs.work import gather
from frugal.pipelines.tasks import job_task, model_dag
from frugal.spec import ModelSpec
from frugal.spec.right_size import RightSize
from frugal.stages import preprocess, right_size

PER_CANDIDATE = timedelta(hours=2)
TO_LOAD_TEST = timedelta(minutes=30)


def build_dag(spec: ModelSpec, sizes: RightSize) -> DAG:
    """One task group's worth of tasks for each candidate, in a row: two would disturb each other's measurement."""
    candidates = len(sizes.serving) + len(sizes.training)
    with model_dag(
        "right_size",
        spec,
        tag="right-size",
        retries=1,
        description=f"Measure {spec.name} on other instance types",
        doc_md=__doc__,
        dagrun_timeout=PER_CANDIDATE * (candidates + 1),
    ) as dag:
        prepared = _prepare(spec)
        reported = _report(spec, sizes)
        before = prepared
        for instance in sizes.serving:
            before = _serve(spec, sizes, instance, before)
        if sizes.training:
            prepare_data = job_task(preprocess.stage(spec), trigger_rule=TriggerRule.ALL_DONE)
            chain(before, prepare_data)
            before = prepare_data
        for instance in sizes.training:
            stage = right_size.training_stage(spec, sizes, instance)
            trained = job_task(stage, trigger_rule=TriggerRule.ALL_DONE)
            chain(before, trained)
            before = trained
        chain(before, reported)
    return dag


def _serve(spec: ModelSpec, sizes: RightSize, instance: str, before: Any) -> Any:
    """Deploy, load-test, remove; returns the removal, which every way out goes through."""
    stage = right_size.serving_stage(spec, instance)
    deployed = job_task(stage, trigger_rule=TriggerRule.ALL_DONE)
    candidate = right_size.served_on(spec, instance)

    @task(task_id=f"load_{stage.name}", execution_timeout=TO_LOAD_TEST, retries=0)
    def load() -> dict[str, Any]:
        """Find the most requests a second that it answers in time."""
        from frugal.aws import clients
        from frugal.cost.prices import price_table
        from frugal.serving.load_test.report import Host, held_out_rows, load_test, target_ms

        test = asyncio.run(
            load_test(
                Host.of(candidate.name),
                held_out_rows(spec.name),
                latency_ms=target_ms(spec),
                seconds=sizes.seconds,
                prices=price_table(),
                region=clients.client("sagemaker").meta.region_name,
            )
        )
        return test.as_dict()

    @task(task_id=f"remove_{stage.name}", trigger_rule=TriggerRule.ALL_DONE)
    def remove() -> list[str]:
        """Take the candidate's endpoint away, however its test went."""
        from frugal.serving import remove as removal

        return removal.remove(removal.find(candidate))

    loaded, removed = load(), remove()
    chain(before, deployed, loaded, removed)
    chain(deployed, removed)
    return removed


def _prepare(spec: ModelSpec) -> Any:
    @task(task_id="prepare")
    def prepare() -> dict[str, Any]:
        """Look up the champion, the code and the dataset."""
        from frugal.aws.prepare import NoRawData
        from frugal.aws.prepare import prepare as prepare_run

        try:
            run = prepare_run(spec, get_current_context()["run_id"])
        except NoRawData as error:
            raise AirflowFailException(str(error)) from error
        if run.champion is None:
            raise AirflowFailException(
                f"{spec.name} has no approved model yet: run train_{spec.name.replace('-', '_')} first"
            )
        return run.as_json()

    return prepare()


def _report(spec: ModelSpec, sizes: RightSize) -> Any:
    @task(task_id="report", trigger_rule=TriggerRule.ALL_DONE)
    def report() -> dict[str, Any]:
        """Stop what the run left running, then compare the candidates and keep the comparison in the bucket.

        Fails, after that, when a candidate could not be measured.
        """
        from frugal.aws import clients
        from frugal.cleanup.reap import leftovers
        from frugal.cost.prices import price_table
        from frugal.cost.sizes import comparison

        served = {i: f"load_{right_size.serving_stage(spec, i).name}" for i in sizes.serving}
        trained = {i: right_size.training_stage(spec, sizes, i).name for i in sizes.training}
        tasks = [*served.values(), *trained.values()]
        context = get_current_context()
        leftovers(context, [spec])
        if context["ti"].xcom_pull(task_ids="prepare") is None:
            raise AirflowFailException("prepare failed: nothing was measured")
        inputs = gather(context, ["prepare", *tasks])
        document = comparison(
            {instance: inputs.results[name] for instance, name in served.items()},
            {instance: inputs.results[name] for instance, name in trained.items()},
            sizes.rounds,
            price_table(),
            inputs.run.region,
        )
        clients.write_json(inputs.run.s3("right_size.json"), document)
        missing = [
            row["instance"] for row in (*document["serving"], *document["training"]) if row["error"]
        ]
        if missing:
            raise AirflowFailException(f"not measured: {', '.join(missing)}")
        return document

    return report()
