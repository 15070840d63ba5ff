"""The tasks of a training DAG from a registered model to one that answers, by strategy."""

from __future__ import annotations

from typing import Any

from airflow.sdk import TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from frugal.jobs.work import gather
from frugal.pipelines.tasks import job_task
from frugal.spec import ModelSpec
from frugal.spec.deploy import CHECKED_WITHIN
from frugal.stages import compilation, deploy

ENDED = ("success", "failed")
NOT_DONE = ("failed", "upstream_failed")


def add_tasks(spec: ModelSpec, registered: Any, reported: Any) -> None:
    """Everything between `registered` and `reported`.

    Scaling follows the deployment whether it went well or was rolled back: what serves is scaled.
    """
    strategy = spec.deploy.strategy
    first = {"multi-model": _publish_model, "batch": _create_model}.get(strategy)
    limit = {"execution_timeout": CHECKED_WITHIN} if strategy == "batch" else {}
    jobs = [job_task(stage, **limit) for stage in deploy.stages(spec)]
    asked = _smoke_test(spec)
    chain(registered, *([first(spec)] if first else []), *jobs, asked)
    live = asked
    if strategy == "multi-model":
        live = _go_live(spec)
        chain(asked, live)
    handed_over = _hand_over(spec)
    if strategy != "batch":
        chain(jobs[-1], scale_task(spec, deploy.stages(spec)[-1].name), handed_over)
    chain(live, handed_over, reported)


def _publish_model(spec: ModelSpec) -> Any:
    @task(task_id="publish_model")
    def publish_model() -> dict[str, str]:
        """Put the artefact where the multi-model endpoint finds it."""
        from frugal.serving import publish

        inputs = gather(get_current_context(), deploy.TRAINED)
        _skip_unless_deployed(inputs)
        return publish.publish_model(spec, inputs)

    return publish_model()


def _create_model(spec: ModelSpec) -> Any:
    @task(task_id="create_model")
    def create_model() -> dict[str, str]:
        """Create the model that transform jobs run."""
        from frugal.serving import batch, publish

        inputs = gather(get_current_context(), deploy.TRAINED)
        _skip_unless_deployed(inputs)
        return {"model": publish.create_model(batch.model(spec, inputs), inputs.run.region)}

    return create_model()


def scale_task(spec: ModelSpec, after: str) -> Any:
    """The task that scales what serves once the task `after` is over, however it ended."""

    @task(task_id="scale", trigger_rule=TriggerRule.ALL_DONE)
    def scale() -> dict[str, list[str]]:
        """Bring autoscaling to what model.yaml says, if the deployment came far enough to have an endpoint.

        Alarms that watched earlier versions go.
        """
        from frugal.serving import autoscaling, form, rollout

        context = get_current_context()
        ti: Any = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[after], run_ids=[ti.run_id])
        state = str(states.get(ti.run_id, {}).get(after))
        if state not in ENDED:
            raise AirflowSkipException(f"{after} is {state}: nothing changed that scales")
        inputs = gather(context, ["prepare"])
        if not form.serves(spec, inputs.run.region):
            raise AirflowSkipException("nothing serves in the form that model.yaml asks for")
        rollout.forget_alarms(spec, inputs)
        return {"scaled": autoscaling.ensure(spec, inputs)}

    return scale()


def _smoke_test(spec: ModelSpec) -> Any:
    @task(task_id="smoke_test")
    def smoke_test() -> dict[str, Any]:
        """Ask the live model held-out rows and compare with what the evaluated model said."""
        from frugal.aws.invoke import smoke_test as compare
        from frugal.serving.ask import asker

        inputs = gather(get_current_context(), ["prepare", "deploy"])
        trial = spec.deploy.trial
        if trial and trial.kind == "shadow" and inputs.run.champion:
            raise AirflowSkipException("a shadow's answers are seen by nobody")
        evaluation = inputs.run.own("evaluation")
        said, tolerance = compilation.expected(spec, inputs)
        asked = compare(spec.name, asker(spec, inputs), evaluation, tolerance, said)
        return {"predictions": asked}

    return smoke_test()


def _go_live(spec: ModelSpec) -> Any:
    @task(task_id="go_live")
    def go_live() -> dict[str, str]:
        """Name the new version as the live one, now that it answers as it should."""
        from frugal.serving import publish

        return publish.go_live(spec, gather(get_current_context(), ["prepare"]))

    return go_live()


def _hand_over(spec: ModelSpec) -> Any:
    @task(task_id="hand_over", trigger_rule=TriggerRule.NONE_FAILED)
    def hand_over() -> dict[str, Any]:
        """Remove the endpoints that an earlier form or name of the deployment left, as deploy.replace says."""
        from frugal.serving.hand_over import hand_over as take_over

        inputs = gather(get_current_context(), ["prepare", "deploy"])
        if inputs.results["deploy"] is None:
            raise AirflowSkipException("nothing was deployed")
        return take_over(spec, inputs.run.region)

    return hand_over()


def settle(spec: ModelSpec, context: Any) -> str | None:
    """Bring the registry to what serves, when the tasks that decide that are over: after an update that was rolled back
    the champion is the one before. Returns the ARN of a package whose status changed.
    """
    from frugal.aws import registry

    decide = [stage.name for stage in deploy.stages(spec)]
    decide += {"multi-model": ["smoke_test", "go_live"], "batch": ["smoke_test"]}.get(
        spec.deploy.strategy, []
    )
    ti: Any = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=decide, run_ids=[ti.run_id])
    found = {str(states.get(ti.run_id, {}).get(name)) for name in decide}
    run = ti.xcom_pull(task_ids="prepare")
    if run is None or not (found & set(NOT_DONE) or found == {"success"}):
        return None
    return registry.settle(spec.name, run["id"], served=found == {"success"})


def _skip_unless_deployed(inputs: Any) -> None:
    if reason := deploy.not_deployed(inputs):
        raise AirflowSkipException(reason)
