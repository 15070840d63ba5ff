"""The part of the watch_drift DAG that `monitor.backend: model-monitor` has instead of a drift job.

    find_champion -> *_baseline (analyzer jobs, once a champion) -> keep_schedules -> collect

Model Monitor runs its schedules by itself. The DAG binds them to the champion's baseline and turns what they found into
the windows that `retrain_on_drift_<model>` decides on, which collects, too, when an execution's end is told.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import chain, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from frugal.aws.run import Run
from frugal.jobs.work import gather
from frugal.pipelines.tasks import job_task
from frugal.serving.names import endpoint_name
from frugal.spec import ModelSpec
from frugal.stages import monitor

#: So long one kind of execution is waited for when another one over the same time has ended.
PATIENCE = timedelta(hours=2)


def add_tasks(spec: ModelSpec, prepared: Any) -> Any:
    """Everything between `prepared` and the DAG's teardown; returns the last task."""
    baselines = [job_task(monitor.baseline_stage(spec, kind)) for kind in monitor.kinds(spec)]
    found, last = _find_champion(), _collect(spec)
    chain(prepared, found, baselines, _keep_schedules(spec), last)
    return last


def _find_champion() -> Any:
    @task(task_id=monitor.CHAMPION)
    def find_champion() -> dict[str, Any]:
        """The run that trained the champion: its data are what traffic is compared with."""
        from frugal.aws import registry

        run = gather(get_current_context(), ["prepare"]).run
        if run.champion is None:
            raise AirflowSkipException(f"{run.model} has no approved model yet")
        return {"run": registry.lineage(run.champion.arn)[registry.RUN]}

    return find_champion()


def _keep_schedules(spec: ModelSpec) -> Any:
    @task(task_id="keep_schedules")
    def keep_schedules() -> list[str]:
        """Bind the schedules to the champion's baseline, with model.yaml's thresholds."""
        from frugal.aws import monitoring

        inputs = gather(get_current_context(), ["prepare", monitor.CHAMPION])
        if not _is_served(spec):
            raise AirflowSkipException(f"there is no endpoint {endpoint_name(spec)} to be watched")
        try:
            return bind(spec, inputs.run, inputs[monitor.CHAMPION]["run"])
        except monitoring.Busy as error:
            raise AirflowSkipException(f"{error}; the next run does") from error
        except (monitoring.Unavailable, monitoring.Foreign) as error:
            raise AirflowFailException(str(error)) from error

    return keep_schedules()


def bind(spec: ModelSpec, run: Run, trained_by: str) -> list[str]:
    """Have every kind of schedule compare with the baseline of the run `trained_by`; returns what was done.

    Raises what `monitoring.keep` does, and LookupError where there is no such baseline.
    """
    from frugal.aws import clients, monitoring

    done = []
    for kind in monitor.kinds(spec):
        uri = monitor.place(run, trained_by, kind, monitor.SUGGESTED)
        suggested = clients.read_json(uri)
        if suggested is None:
            raise LookupError(f"the run {trained_by} has no baseline of {kind.type}: {uri}")
        limits = monitor.bound(spec, kind, suggested)
        clients.write_json(monitor.place(run, trained_by, kind, monitor.BOUND), limits)
        definition = monitor.definition(spec, kind, run, trained_by)
        config = monitor.schedule(spec, kind, definition["JobDefinitionName"])
        name, tags = monitor.schedule_name(spec, kind), run.stage_tags("monitor")
        done += monitoring.keep(name, config, definition, tags)
    return done


def _is_served(spec: ModelSpec) -> bool:
    from frugal.aws import clients
    from frugal.jobs.kinds import KINDS

    return KINDS["endpoint"].find(clients.client("sagemaker"), endpoint_name(spec)) is not None


def _collect(spec: ModelSpec) -> Any:
    @task(task_id="collect", trigger_rule="none_failed")
    def collect_windows() -> list[dict[str, Any]]:
        """Keep what was found since the last time, and tell of drift."""
        found = collect(spec, gather(get_current_context(), ["prepare"]).run)
        keys = ("name", "verdict", "reason")
        return [{key: document[key] for key in keys} for document in found]

    return collect_windows()


def collect(spec: ModelSpec, run: Run) -> list[dict[str, Any]]:
    """Write drift.json of every window that Model Monitor has ended with; returns those that are new.

    People are told of those with drift. Doing it again finds nothing new.
    """
    from frugal.aws import monitoring, monitoring_results, registry
    from frugal.events.alert import tell_of_drift

    if run.champion is None:
        return []
    champion = run.s3("runs", registry.lineage(run.champion.arn)[registry.RUN])
    wanted = monitor.kinds(spec)
    by_window: dict[str, list[monitoring_results.Finding]] = {}
    for kind in wanted:
        listed = monitoring.executions(monitor.schedule_name(spec, kind), monitoring_results.NEWEST)
        for finding in monitoring_results.findings(listed, champion):
            by_window.setdefault(finding.window, []).append(finding)
    new = []
    for window, found in sorted(by_window.items()):
        waited = datetime.now(UTC) - found[0].end
        if len(found) < len(wanted) and waited < PATIENCE:
            continue
        if written := monitoring_results.record(spec, run, window, found):
            new.append(written)
            tell_of_drift(spec, written)
    return new
