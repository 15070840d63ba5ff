"""A ModelSpec becomes a DAG: prepare, preprocess, train, evaluate, compile, register, deploy, report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from frugal.aws.names import slug
from frugal.jobs.work import gather
from frugal.pipelines import going_live
from frugal.pipelines.tasks import job_task, model_dag
from frugal.spec import ModelSpec, SpecError
from frugal.spec.loader import FILE_NAME
from frugal.stages import baseline, compilation, evaluate, preprocess, register, train

PARAMS = {
    "hyperparameters": Param(
        {},
        type="object",
        additionalProperties={"type": ["string", "number", "boolean"]},
        description="laid over those of model.yaml, for this run",
    ),
    "force_preprocess": Param(
        False, type="boolean", description="prepare the dataset again even if it is unchanged"
    ),
    "deploy": Param(
        True, type="boolean", description="deploy the challenger if it wins; else only register it"
    ),
}


def build_dag(spec: ModelSpec) -> DAG:
    """The training DAG of one model."""
    dag = model_dag(
        "train",
        spec,
        description=spec.description or f"Train and deploy {spec.name}",
        doc_md=describe(spec),
        schedule=spec.schedule,
        dagrun_timeout=_timeout(spec),
        params=PARAMS,
    )
    with dag:
        _add_tasks(spec)
    return dag


def broken_dag(name: str, error: SpecError) -> DAG:
    """Stands in for the DAG of a model whose model.yaml has mistakes: it shows them, and fails with them.

    So one team's mistake does not take the other models' DAGs away.
    """
    text = str(error)
    dag = DAG(
        dag_id=f"train_{slug(name).replace('-', '_')}",
        description=f"{FILE_NAME} of {name} has mistakes",
        doc_md=f"### {name} cannot run\n\n```\n{text}\n```\n",
        schedule=None,
        max_active_runs=1,
        dagrun_timeout=timedelta(minutes=5),
        tags=["frugal", "train", "broken"],
        default_args={"owner": "unknown"},
    )

    @task(task_id="model_yaml_has_mistakes")
    def show_mistakes() -> None:
        raise AirflowFailException(text)

    with dag:
        show_mistakes()
    return dag


def _add_tasks(spec: ModelSpec) -> None:
    prepared = _prepare(spec)
    preprocessed = job_task(preprocess.stage(spec))
    trained = job_task(train.stage(spec))
    evaluated = job_task(evaluate.stage(spec))
    compiled = [job_task(stage) for stage in compilation.stages(spec)]
    registered = _register(spec)
    measured = job_task(baseline.stage(spec))
    reported = _report(spec)
    chain(prepared, preprocessed, trained, evaluated, *compiled, registered)
    chain(evaluated, registered)
    going_live.add_tasks(spec, registered, reported)
    chain(preprocessed, measured, reported)


def _prepare(spec: ModelSpec) -> Any:
    @task(task_id="prepare")
    def prepare() -> dict[str, Any]:
        """Publish the code, fingerprint the raw data, look up the champion, check the budget and what serves."""
        from frugal.aws.prepare import NoRawData
        from frugal.aws.prepare import prepare as prepare_run
        from frugal.cost.estimate import over_budget
        from frugal.cost.prices import price_table
        from frugal.serving.form import obstacle

        context = get_current_context()
        if unknown := set(context["params"]) - set(PARAMS):
            given, known = ", ".join(sorted(unknown)), ", ".join(PARAMS)
            raise AirflowFailException(f"no such param: {given}. Allowed: {known}")
        try:
            run = prepare_run(spec, context["run_id"])
        except NoRawData as error:
            raise AirflowFailException(str(error)) from error
        if reason := over_budget(spec, run.region, price_table()):
            raise AirflowFailException(reason)
        deploys = context["params"]["deploy"] and spec.deploy.replace != "remove"
        if deploys and (reason := obstacle(spec, run.region)):
            raise AirflowFailException(reason)
        return run.as_json()

    return prepare()


def _register(spec: ModelSpec) -> Any:
    @task(task_id="register", trigger_rule=TriggerRule.NONE_FAILED)
    def register_model() -> dict[str, Any]:
        """Keep the challenger in the Model Registry: Approved if it won, Rejected if it lost."""
        from frugal.aws import registry

        inputs = gather(get_current_context(), ["prepare", "train", "evaluate", "compile"])
        request = register.request(spec, inputs)
        arn = registry.register(request, inputs.run.stage_tags("register"))
        note = request["ModelPackageDescription"]
        return {"arn": arn, "status": request["ModelApprovalStatus"], "note": note}

    return register_model()


def _report(spec: ModelSpec) -> Any:
    @task(task_id="report", trigger_rule=TriggerRule.ALL_DONE)
    def report() -> str:
        """Stop what the run left running, let the registry follow what serves, and write report.json: what each stage
        did, billed and saved."""
        from frugal.cleanup.reap import leftovers
        from frugal.report import write_report

        context = get_current_context()
        try:
            leftovers(context, [spec])
            going_live.settle(spec, context)
        finally:
            uri = write_report(spec, context)
        return uri

    return report().as_teardown()


def _timeout(spec: ModelSpec) -> timedelta:
    """Long enough for every stage to reach its own limit, and AWS's time around them."""
    stages = [
        spec.preprocess.max_run,
        spec.evaluate.max_run,
        spec.compile.max_run,
        spec.monitor.max_run,
    ]
    waits = sum(map(spec.train.longest, spec.train.capacity), timedelta())
    return sum(stages, waits) + timedelta(hours=3)


def describe(spec: ModelSpec) -> str:
    """The DAG's page in Airflow's UI, in Markdown."""
    ladder = ", then ".join(
        f"{rung.instance} ({'spot' if rung.spot else 'on-demand'}{f', {rung.region}' if rung.region else ''})"
        for rung in spec.train.capacity
    )
    champion = ", must not lose to the champion" if spec.evaluate.must_beat_champion else ""
    return f"""\
### {spec.name}

{spec.description}

| | |
|---|---|
| owner | {spec.owner.team}, cost center {spec.owner.cost_center} |
| target | `{spec.data.target}`, from {len(spec.features)} features |
| trained on | {ladder} |
| gate | {spec.evaluate.metric}, floor {spec.evaluate.floor:g}{champion} |
| compiled by | {spec.compile.backend} |
| served | {spec.deploy.strategy} |

Every stage is submitted once, adopted on a retry, and stopped when its task ends. Overrides for one run
are in the trigger form. The last task leaves `runs/<run>/report.json` in the bucket.
"""
