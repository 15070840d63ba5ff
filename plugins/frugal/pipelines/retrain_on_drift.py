"""The retrain_on_drift DAG of a model: what a drift job found is weighed, and at most one training started.

It runs when a message waits in the queue, and once an hour for what no message told of: where there is no queue,
or Airflow was down longer than messages are kept.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    AssetOrTimeSchedule,
    AssetWatcher,
    CronTriggerTimetable,
    TriggerRule,
    chain,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from frugal.aws.settings import Settings
from frugal.events.trigger import QueueTrigger
from frugal.events.wiring import Wiring
from frugal.pipelines import model_monitor
from frugal.pipelines.tasks import model_dag
from frugal.spec import ModelSpec
from frugal.spec.monitor import MODEL_MONITOR
from frugal.stages import drift

HOURLY = "23 * * * *"
UNDERWAY = ["queued", "running"]
WEIGH, APPROVE = "weigh", "approve"


def build_dag(spec: ModelSpec) -> DAG:
    """The DAG `retrain_on_drift_<model>`."""
    wiring, gate = Wiring(spec.name), spec.monitor.retrain
    trigger = QueueTrigger(wiring.queue, Settings.load().poll_seconds)
    drifted = Asset(
        f"drift of {spec.name}",
        uri=f"frugal://drift/{spec.name}",
        watchers=[AssetWatcher(name=f"queue {wiring.queue}", trigger=trigger)],
    )
    hourly = CronTriggerTimetable(HOURLY, timezone="UTC")
    with model_dag(
        "retrain_on_drift",
        spec,
        tag="drift",
        description=f"Weigh whether drift is worth a training of {spec.name}",
        doc_md=__doc__,
        schedule=AssetOrTimeSchedule(timetable=hourly, assets=[drifted]),
        dagrun_timeout=gate.answer_within + timedelta(hours=1),
    ) as dag:
        asked = [_approve(spec)] if gate.on_drift == "ask" else []
        weighed = _weigh(spec)
        chain(weighed, *asked, _retrain(spec), _conclude(spec))
        chain(weighed, _check_dead_letters(wiring))
    return dag


def train_dag(spec: ModelSpec) -> str:
    """Id of the DAG that trains the model."""
    return f"train_{spec.name.replace('-', '_')}"


def _weigh(spec: ModelSpec) -> Any:
    @task(task_id=WEIGH)
    def weigh() -> dict[str, Any]:
        """Take the messages, decide on every window, keep the decisions, and only then delete the messages."""
        from frugal.aws.prepare import place
        from frugal.aws.run import Run
        from frugal.events import alert, queue
        from frugal.retraining import records
        from frugal.retraining.weigh import has_drifted, run_id
        from frugal.retraining.weigh import weigh as weigh_windows

        context = get_current_context()
        ti: Any = context["ti"]
        wiring = Wiring(spec.name)
        messages = queue.receive(wiring)
        jobs = {message.job for message in messages}
        if spec.monitor.backend == MODEL_MONITOR:
            model_monitor.collect(spec, place(spec, context["run_id"]))
        in_flight = ti.get_dr_count(dag_id=train_dag(spec), states=UNDERWAY)
        result = weigh_windows(spec, context["run_id"], jobs, in_flight, drift.IN_ENVIRONMENT)
        if messages:
            queue.delete(wiring, messages)
        for found in result["decided"]:
            if has_drifted(found):
                subject = f"{found['action']}: drift of {spec.name} in {found['window']}"
                alert.tell(subject, found["why"], found, topic=spec.monitor.alerts)
        ti.xcom_push(key="decided", value=result["decided"])
        if result["open"] and _is_started(ti, spec, result["open"]["window"]):
            window, run = result["open"]["window"], Run.from_json(result["run"])
            records.conclude(run, window, started=True, note=run_id(window))
            raise AirflowSkipException(f"{run_id(window)} was started before")
        if result["open"] is None:
            told = [f"{found['action']}: {found['why']}" for found in result["decided"]]
            raise AirflowSkipException("\n".join(told) or "nothing drifted")
        return result

    return weigh()


def _is_started(ti: Any, spec: ModelSpec, window: str) -> bool:
    """Whether there is a run that trains because of the window."""
    from frugal.retraining.weigh import run_id

    return bool(ti.get_dr_count(dag_id=train_dag(spec), run_ids=[run_id(window)]))


def _approve(spec: ModelSpec) -> Any:
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    pulled = f"ti.xcom_pull(task_ids='{WEIGH}')['open']"
    return ApprovalOperator(
        task_id=APPROVE,
        subject=f"Train {spec.name} again because of drift in {{{{ {pulled}['window'] }}}}?",
        body=f"{{% for r in {pulled}['reasons'] %}}- {{{{ r['check'] }}}}: {{{{ r['text'] }}}}\n{{% endfor %}}",
        defaults="Reject",
        response_timeout=spec.monitor.retrain.answer_within,
    )


def _retrain(spec: ModelSpec) -> Any:
    @task(task_id="retrain")
    def retrain() -> None:
        """Start the training, under an id that Airflow takes once."""
        from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

        from frugal.retraining.weigh import run_id

        context = get_current_context()
        decision = context["ti"].xcom_pull(task_ids=WEIGH)["open"]
        TriggerDagRunOperator(
            task_id="trigger",
            trigger_dag_id=train_dag(spec),
            trigger_run_id=run_id(decision["window"]),
            skip_when_already_exists=True,
        ).execute(context)

    return retrain()


def _conclude(spec: ModelSpec) -> Any:
    @task(task_id="conclude", trigger_rule=TriggerRule.NONE_FAILED)
    def conclude() -> str:
        """Keep what came of the decision: a training, or none, whatever was answered."""
        from frugal.aws.run import Run
        from frugal.retraining import records
        from frugal.retraining.weigh import run_id

        ti = get_current_context()["ti"]
        weighed = ti.xcom_pull(task_ids=WEIGH)
        if weighed is None:
            raise AirflowSkipException("there was nothing to act on")
        window, run = weighed["open"]["window"], Run.from_json(weighed["run"])
        started = _is_started(ti, spec, window)
        note = run_id(window) if started else "not approved"
        records.conclude(run, window, started=started, note=note, refused=not started)
        return note

    return conclude()


def _check_dead_letters(wiring: Wiring) -> Any:
    @task(task_id="check_dead_letters", trigger_rule=TriggerRule.ALL_DONE, retries=0)
    def check_dead_letters() -> None:
        """Fail, so that somebody hears of it, while there are messages that nobody could read."""
        from frugal.events import queue

        if dead := queue.waiting(wiring.dead):
            raise AirflowFailException(f"{dead} message(s) in {wiring.dead} could not be read")

    return check_dead_letters()
