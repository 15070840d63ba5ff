"""The DAG clean_up: every night, stop what bills for nobody, and let go, slowly, of what nobody needs.

Jobs whose run is over are stopped at once. Everything else is planned by include/cleanup.yaml, marked, left for its
grace, looked at again and only then acted on. A night above its caps does nothing before a person approves it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, TriggerRule, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

ANSWER_WITHIN = timedelta(hours=8)
LONGEST = timedelta(hours=4)
PLAN, APPROVE, SWEEP = "plan", "approve", "sweep"
APPROVED = "Approve"
SHOWN = 20
PARAMS = {
    "dry_run": Param(
        None,
        type=["null", "boolean"],
        description="plan and report only; default: as include/cleanup.yaml says. Jobs are stopped all the same",
    ),
    "reap_dry_run": Param(
        False, type="boolean", description="say which jobs would be stopped, stop none"
    ),
}


def build_dag() -> DAG:
    """The DAG; what one of its tasks cannot do keeps `reap` from nothing, and the report from nobody."""
    with DAG(
        dag_id="clean_up",
        doc_md=__doc__,
        schedule="0 3 * * *",
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=1,
        dagrun_timeout=ANSWER_WITHIN + 2 * LONGEST,
        tags=["frugal", "clean-up"],
        params=PARAMS,
        default_args={"owner": "frugal", "retries": 2, "retry_delay": timedelta(minutes=1)},
    ) as dag:
        reap()
        hand_over()
        planned, asked, approved, marked, swept = plan(), caps(), _approve(), mark(), sweep()
        chain(planned, asked, approved, swept)
        chain(planned, marked, swept, report())
        chain([planned, asked, approved, marked, swept], fail())
    return dag


@task
def reap() -> dict[str, Any]:
    """Stop jobs whose DAG run is over, deleted or unknown to this Airflow, and those that their task left."""
    from frugal.cleanup.reap import everything

    context = get_current_context()
    return everything(context, dry_run=context["params"]["reap_dry_run"]).as_json()


@task(execution_timeout=LONGEST)
def hand_over() -> dict[str, Any]:
    """Remove the endpoints that an earlier form of serving a model left, where its model.yaml says so."""
    from frugal.cleanup import nightly
    from frugal.cleanup.reap import known_specs
    from frugal.serving.hand_over import hand_over as remove_strays

    if nightly.is_dry(get_current_context()["params"]["dry_run"]):
        raise AirflowSkipException("a dry run")
    return {spec.name: remove_strays(spec) for spec in known_specs()}


@task(task_id=PLAN, execution_timeout=LONGEST)
def plan() -> dict[str, Any]:
    """Look at everything in every region, keep the plan in S3, and say in short what it is."""
    from frugal.cleanup import nightly

    context = get_current_context()
    return nightly.plan(context["run_id"], dry_run=context["params"]["dry_run"])


@task
def caps() -> list[str]:
    """Whether a person has to be asked; skipped when not."""
    exceeded: list[str] = get_current_context()["ti"].xcom_pull(task_ids=PLAN)["exceeded"]
    if not exceeded:
        raise AirflowSkipException("the night is within its caps")
    return exceeded


def _approve() -> Any:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    pulled = f"ti.xcom_pull(task_ids='{PLAN}')"
    listed = f"{{% for line in {pulled}['acts'] %}}- {{{{ line }}}}\n{{% endfor %}}"
    return ApprovalOperator(
        task_id=APPROVE,
        subject=f"Clean up above the caps? {{{{ {pulled}['exceeded'] | join('; ') }}}}",
        body=listed,
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
    )


@task
def mark() -> dict[str, Any]:
    """Mark what was found, so that its owner can see what is to come; nothing in a dry run."""
    from frugal.cleanup import nightly

    return nightly.mark(get_current_context()["ti"].xcom_pull(task_ids=PLAN))


@task(task_id=SWEEP, trigger_rule=TriggerRule.NONE_FAILED, execution_timeout=LONGEST)
def sweep() -> dict[str, Any]:
    """Act on what is due, above the caps only when somebody approved it; nothing in a dry run."""
    from frugal.cleanup import nightly

    ti = get_current_context()["ti"]
    answer = ti.xcom_pull(task_ids=APPROVE)
    approved = answer is not None and APPROVED in answer["chosen_options"]
    return nightly.sweep(ti.xcom_pull(task_ids=PLAN), above_caps=approved)


@task(trigger_rule=TriggerRule.ALL_DONE)
def report() -> dict[str, Any]:
    """Tell what was found, done and spared, keep it beside the ledger, and post it to whoever is set up to hear."""
    from frugal.cleanup import nightly

    context = get_current_context()
    planned = context["ti"].xcom_pull(task_ids=PLAN)
    if planned is None:
        raise AirflowSkipException("there is no plan to tell of")
    return nightly.report(planned, context)


@task(trigger_rule=TriggerRule.ONE_FAILED)
def fail() -> None:
    """Let the run fail where the night did: to Airflow it is what its last tasks are, and the report succeeds."""
    raise AirflowFailException("the night did not come to its end: see what failed before this")
