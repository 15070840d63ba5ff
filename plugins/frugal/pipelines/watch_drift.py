"""The watch_drift DAG of a model: the traffic of the last window against what its champion was trained on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Param, chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from frugal.jobs.work import gather
from frugal.pipelines import model_monitor
from frugal.pipelines.tasks import job_task, model_dag, reap_task
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.spec.monitor import MODEL_MONITOR
from frugal.stages import drift

#: After the end of an hour, until what was captured in it is in S3.
SETTLED = timedelta(minutes=10)
PARAMS = {
    "window": Param(
        None,
        type=["null", "string"],
        description="such as 2026-11-22T16Z-24h; default: the last one that is over",
    ),
    "again": Param(False, type="boolean", description="even if the window was watched already"),
}


def build_dag(spec: ModelSpec) -> DAG:
    """The DAG `watch_drift_<model>`. Its job's end is an event, which `retrain_on_drift_<model>` hears."""
    with model_dag(
        "watch_drift",
        spec,
        tag="drift",
        description=f"Compare what {spec.name} is asked with what it was trained on",
        doc_md=__doc__,
        schedule=spec.monitor.schedule,
        dagrun_timeout=spec.monitor.max_run + timedelta(hours=1),
        params=PARAMS,
    ) as dag:
        prepared = _prepare(spec)
        chain(prepared, _listen(spec))
        if spec.monitor.backend == MODEL_MONITOR:
            last = model_monitor.add_tasks(spec, prepared)
        else:
            last = _tell(spec)
            chain(prepared, _find_window(spec), job_task(drift.stage(spec)), last)
        chain(last, reap_task(spec))
    return dag


def _prepare(spec: ModelSpec) -> Any:
    @task(task_id="prepare")
    def prepare() -> dict[str, Any]:
        """Publish the code and look up the champion."""
        from frugal.aws.prepare import place_with_code

        run = place_with_code(spec, get_current_context()["run_id"])
        if run.champion is None:
            raise AirflowSkipException(f"{spec.name} has no approved model yet")
        return run.as_json()

    return prepare()


def _listen(spec: ModelSpec) -> Any:
    @task(task_id="listen")
    def listen() -> list[str]:
        """Make what tells Airflow of the drift job's end; without the rights to, Airflow looks by itself."""
        from botocore.exceptions import ClientError

        from frugal.events import wiring

        try:
            return wiring.up(spec, drift.base_name(spec))
        except ClientError as error:
            if "AccessDenied" not in error.response["Error"]["Code"]:
                raise
            raise AirflowSkipException(f"{error}; `frugal events up` makes it") from error

    return listen()


def _find_window(spec: ModelSpec) -> Any:
    @task(task_id=drift.WINDOW)
    def find_window() -> dict[str, Any]:
        """List what was captured, once: a second run over the window starts no second job."""
        from frugal.aws import windows

        context = get_current_context()
        run, params = gather(context, ["prepare"]).run, context["params"]
        if params["window"]:
            try:
                window = windows.Window.parse(params["window"])
            except ValueError as error:
                raise AirflowFailException(str(error)) from error
        else:
            settled = datetime.now(UTC) - SETTLED
            window = windows.Window.ending_before(settled, spec.monitor.window)
        if not params["again"] and windows.verdict(run, window.name):
            raise AirflowSkipException(f"{window.name} was watched already")
        found = windows.find(spec, run, endpoint_name(spec), window)
        if found is None:
            raise AirflowSkipException(f"nothing was captured in {window.name}: it is unknown")
        return found

    return find_window()


def _tell(spec: ModelSpec) -> Any:
    @task(task_id="tell")
    def tell() -> dict[str, Any]:
        """The verdict, and where its report is; people are told of drift."""
        from frugal.aws import windows
        from frugal.events.alert import tell_of_drift

        inputs = gather(get_current_context(), ["prepare", drift.WINDOW, "drift"])
        window, found = inputs[drift.WINDOW]["window"], inputs["drift"]["document"]
        report = windows.place(inputs.run, window, "report.html")
        tell_of_drift(spec, found, report)
        return {"window": window, "verdict": found["verdict"], "report": report}

    return tell()
