"""What Model Monitor can watch, and when: the limits of `monitor.backend: model-monitor`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from frugal.spec.deploy import Deploy
from frugal.spec.model import Evaluate
from frugal.spec.monitor import HOUR, MODEL_MONITOR, Monitor
from frugal.spec.monitor_schedule import SHAPES, cadence
from frugal.spec.rule import Finding, rule

#: Endpoints at which AWS captures what a single model is asked.
BY_AWS = ("realtime", "inferentia")
#: Metrics of evaluate.metric that Model Monitor measures, too: SageMaker guide, "Model Quality Metrics".
QUALITY_METRICS = ("rmse", "mae", "r2", "accuracy", "auc")
HALF_HOUR = timedelta(minutes=30)


@rule("monitor", "deploy")
def model_monitor_reads_what_aws_captures(monitor: Monitor, deploy: Deploy) -> Iterator[Finding]:
    """SageMaker guide, "Model Monitor": single-model real-time endpoints and batch transform, of tabular data. Batch
    transform's input has no predictions and would need a baseline of its own, which is not made here.
    """
    if monitor.backend != MODEL_MONITOR:
        return
    if deploy.strategy not in BY_AWS:
        yield Finding(
            "monitor.backend",
            f"Model Monitor reads {' and '.join(BY_AWS)} only, which AWS captures",
            deploy.strategy,
            f"backend: frugal, or deploy.strategy: {BY_AWS[0]}",
        )
    if monitor.pii:
        yield Finding(
            "monitor.pii",
            "Model Monitor reads whole requests, as AWS captures them",
            ", ".join(monitor.pii),
            "backend: frugal",
        )


@rule("monitor")
def model_monitor_has_such_a_schedule(monitor: Monitor) -> Iterator[Finding]:
    """AWS runs it every N hours over what was captured since the last time: botocore's model, ScheduleConfig."""
    if monitor.backend != MODEL_MONITOR or monitor.schedule is None:
        return
    found = cadence(monitor.schedule)
    if found is None:
        problem = "Model Monitor has no such schedule"
        yield Finding("monitor.schedule", problem, monitor.schedule, SHAPES)
        return
    if monitor.window != found.every:
        hours = found.every // HOUR
        problem = f"an execution of {found.expression} reads what was captured since the one before"
        yield Finding("monitor.window", problem, monitor.window, f"{hours}h")
    longest = HALF_HOUR if monitor.truth and found.every == HOUR else found.every
    if monitor.max_run > longest:
        problem = f"AWS lets an execution of {found.expression} run for less"
        minutes = longest // timedelta(minutes=1)
        yield Finding("monitor.max_run", problem, monitor.max_run, f"at most {minutes}m")


@rule("monitor", "evaluate")
def model_monitor_knows_the_metric(monitor: Monitor, evaluate: Evaluate) -> Iterator[Finding]:
    """With ground truth, Model Monitor measures the model, too."""
    if monitor.backend != MODEL_MONITOR or monitor.truth is None:
        return
    if evaluate.metric not in QUALITY_METRICS:
        problem = "Model Monitor does not measure this metric of evaluate.metric"
        allowed = f"{', '.join(QUALITY_METRICS)}, or backend: frugal"
        yield Finding("monitor.truth", problem, evaluate.metric, allowed)
