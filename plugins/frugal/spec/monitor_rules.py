"""What fits together in the monitor section, and with how the model is served."""

from __future__ import annotations

from collections.abc import Iterator

from frugal.spec.deploy import Deploy
from frugal.spec.model import Compile, Data
from frugal.spec.monitor import HOUR, LONGEST_WINDOW, Monitor
from frugal.spec.rule import Finding, rule

#: AWS captures nothing with these, so that the model's handlers have to.
BY_HANDLER = ("serverless", "async", "scale-to-zero", "multi-model")
#: What these make is served by AWS's program alone, without any handler of the model.
WITHOUT_HANDLERS = ("neo",)


@rule("monitor")
def window_is_whole_hours(monitor: Monitor) -> Iterator[Finding]:
    """Captured traffic lies in S3 by the hour."""
    if monitor.window % HOUR or monitor.window > LONGEST_WINDOW:
        allowed = f"whole hours up to {LONGEST_WINDOW.days}d"
        yield Finding("monitor.window", "traffic is kept by the hour", monitor.window, allowed)


@rule("monitor", "data")
def ignored_columns_exist(monitor: Monitor, data: Data) -> Iterator[Finding]:
    """A misspelt column would decide after all."""
    for name in monitor.ignore:
        if name not in data.columns:
            yield Finding("monitor.ignore", "no such column", name, ", ".join(data.columns))


@rule("monitor", "data")
def pii_is_served(monitor: Monitor, data: Data) -> Iterator[Finding]:
    """Only features are in a request."""
    for name in monitor.pii:
        if name not in data.columns or name not in (data.features or data.columns):
            yield Finding("monitor.pii", "no such feature", name)


@rule("monitor", "deploy", "compile")
def pii_is_captured_by_the_handler(
    monitor: Monitor, deploy: Deploy, compilation: Compile
) -> Iterator[Finding]:
    """AWS's data capture keeps whole requests; Neo's image runs no handlers of ours."""
    if not monitor.pii:
        return
    if compilation.backend in WITHOUT_HANDLERS:
        yield Finding(
            "monitor.pii",
            "the handler that leaves columns out is not in a compiled model",
            compilation.backend,
            "compile.backend: none or onnx, or no pii among the features",
        )
    if deploy.isolated:
        problem = "a handler without network cannot write what it captures"
        yield Finding("deploy.isolated", problem, True, "false, or no pii among the features")
    if deploy.strategy == "batch":
        problem = "a transform job's capture names its input objects as they are"
        yield Finding("monitor.pii", problem, deploy.strategy, "a strategy with an endpoint")


@rule("monitor", "deploy", "compile")
def something_is_captured(
    monitor: Monitor, deploy: Deploy, compilation: Compile
) -> Iterator[Finding]:
    """A watch over nothing would be `unknown` for ever."""
    if monitor.schedule is None:
        return
    if deploy.strategy in BY_HANDLER and compilation.backend in WITHOUT_HANDLERS:
        yield Finding(
            "monitor.schedule",
            f"AWS captures nothing with strategy {deploy.strategy}, nor do compiled models",
            compilation.backend,
            "compile.backend: none or onnx, or strategy: realtime",
        )
    if deploy.strategy in BY_HANDLER and deploy.isolated:
        problem = f"AWS captures nothing with strategy {deploy.strategy}, nor can a handler without network"
        yield Finding("deploy.isolated", problem, True, "false, or strategy: realtime")
    if deploy.capture_percent == 0:
        yield Finding("deploy.capture_percent", "monitor.schedule needs captured traffic", 0)
