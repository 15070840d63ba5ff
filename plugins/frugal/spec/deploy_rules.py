"""What fits together in the deploy section: AWS's refusals (refused.py), and what would have no effect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from frugal.spec.deploy import IDLE, MAX_BAKE, Deploy
from frugal.spec.model import Compile
from frugal.spec.refused import BY_INSTANCE, REFUSED
from frugal.spec.rule import Finding, rule
from frugal.spec.train import Train

SERVERLESS_MEMORY_MB = range(1024, 6145, 1024)
SERVERLESS_CONCURRENCY = 200  # ServerlessMaxConcurrency, botocore's model
LONGEST_ROLLOUT = timedelta(
    hours=7
)  # MaximumExecutionTimeoutInSeconds, 8h at most, is above all waits
PAYLOAD_KB = {
    "realtime": 6 * 1024,
    "multi-model": 6 * 1024,
    "inferentia": 6 * 1024,
    "scale-to-zero": 6 * 1024,
    "serverless": 4 * 1024,
    "async": 1024 * 1024,
    "batch": 100 * 1024,
}
# Which strategies have an option at all. What is refused for a reason of AWS's stands in REFUSED.
BY_ENDPOINT = ("realtime", "serverless", "multi-model", "async", "scale-to-zero", "inferentia")
TAKEN_BY = {
    "instance": BY_INSTANCE,
    "instances": ("realtime", "multi-model", "async", "batch", "inferentia"),
    "memory_mb": ("serverless", "scale-to-zero"),
    "max_concurrency": ("serverless", "async", "batch"),
    "provisioned_concurrency": ("serverless",),
    "endpoint": BY_ENDPOINT,
    "cache_models": ("multi-model",),
    "notify": ("async",),
    "batch": ("batch",),
}


@rule("deploy")
def aws_refuses(deploy: Deploy) -> Iterator[Finding]:
    """Every row of `REFUSED` that the section asks for."""
    for row in REFUSED:
        if deploy.strategy in row.strategies and (given := row.asked(deploy)) is not None:
            yield Finding(row.key, row.problem, given, row.allowed)


@rule("deploy")
def options_fit_strategy(deploy: Deploy) -> Iterator[Finding]:
    """Options of other strategies mean nothing here."""
    refused = {finding.key for finding in aws_refuses(deploy)}
    for name, strategies in TAKEN_BY.items():
        value, key = getattr(deploy, name), f"deploy.{name}"
        if value is None or deploy.strategy in (*strategies, "auto") or key in refused:
            continue
        others = " or ".join(
            [", ".join(strategies[:-1]), strategies[-1]] if strategies[:-1] else strategies
        )
        given = "" if name in ("notify", "batch") else value
        problem = f"strategy {deploy.strategy} has no such option"
        yield Finding(key, problem, given, f"leave it out, or strategy: {others}")


@rule("deploy")
def auto_has_traffic(deploy: Deploy) -> Iterator[Finding]:
    """The cheapest form depends on the traffic, and the instance on the form."""
    if deploy.strategy != "auto":
        return
    if deploy.traffic is None:
        yield Finding(
            "deploy.traffic",
            "strategy auto chooses by it",
            "nothing",
            "at least {requests_per_day: 1000}",
        )
    if deploy.instance is not None:
        problem = "strategy auto chooses the instance"
        yield Finding("deploy.instance", problem, deploy.instance, "leave it out")


@rule("deploy")
def sizes_exist(deploy: Deploy) -> Iterator[Finding]:
    """Sizes and concurrency within AWS's bounds."""
    if deploy.strategy != "serverless":
        return
    if deploy.memory_mb is not None and deploy.memory_mb not in SERVERLESS_MEMORY_MB:
        allowed = ", ".join(map(str, SERVERLESS_MEMORY_MB))
        yield Finding("deploy.memory_mb", "no such memory size", deploy.memory_mb, allowed)
    most = deploy.max_concurrency
    if most is not None and most > SERVERLESS_CONCURRENCY:
        key, allowed = "deploy.max_concurrency", f"up to {SERVERLESS_CONCURRENCY}"
        yield Finding(key, "more than a serverless endpoint has", most, allowed)
    provisioned = deploy.provisioned_concurrency or 0
    scaled = deploy.autoscale.max if deploy.autoscale and provisioned else 0
    for key, value in (("provisioned_concurrency", provisioned), ("autoscale.max", scaled)):
        if value > deploy.concurrency:
            problem = "AWS refuses more provisioned concurrency than max_concurrency"
            allowed = f"up to {deploy.concurrency}, or a higher max_concurrency"
            yield Finding(f"deploy.{key}", problem, value, allowed)


@rule("deploy")
def bounds_hold(deploy: Deploy) -> Iterator[Finding]:
    """A range that scaling can move in, and instances within it."""
    scaling = deploy.autoscale
    if scaling is None:
        return
    if deploy.least > scaling.max:
        yield Finding(
            "deploy.autoscale.max", "is below the least", scaling.max, f"{deploy.least} or more"
        )
    if deploy.instances is not None and not deploy.least <= deploy.instances <= scaling.max:
        allowed = f"{max(1, deploy.least)} to {scaling.max}"
        yield Finding("deploy.instances", "outside of autoscale's range", deploy.instances, allowed)
    for index, change in enumerate(scaling.schedule):
        key = f"deploy.autoscale.schedule.{index}"
        try:
            ZoneInfo(change.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            problem, allowed = "no such time zone", "a name of the IANA, such as Europe/Berlin"
            yield Finding(f"{key}.timezone", problem, change.timezone, allowed)
        if change.min is None and change.max is None:
            yield Finding(key, "changes nothing", change.at, "min, max or both")
        low, high = change.min, change.max
        if low is not None and high is not None and low > high:
            yield Finding(key, "min is above max", f"{low} > {high}")
    above = [step.above for step in scaling.steps]
    if above != sorted(set(above)):
        yield Finding("deploy.autoscale.steps", "not in rising order of `above`", above)


@rule("deploy")
def rollout_has_a_fleet(deploy: Deploy) -> Iterator[Finding]:
    """A part of a fleet is at most half of it (CanarySize, LinearStepSize, MaximumBatchSize: 50%)."""
    rollout = deploy.rollout
    if rollout is None or deploy.strategy not in ("realtime", "async", "inferentia"):
        return
    least = deploy.least
    if rollout.kind != "all-at-once" and least < 2:
        yield Finding(
            "deploy.rollout.kind",
            f"a {rollout.kind} is half of the fleet at most, and the smallest fleet is {least}",
            rollout.kind,
            "instances: 2 (with autoscale, min: 2), or kind: all-at-once",
        )
    if rollout.kind == "linear" and rollout.percent < 10:
        yield Finding(
            "deploy.rollout.percent", "AWS's linear steps are larger", rollout.percent, "10 to 50"
        )
    if rollout.bake > MAX_BAKE:
        yield Finding("deploy.rollout.bake", "longer than AWS waits", rollout.bake, "up to 1h")
    steps = -(-100 // rollout.percent) if rollout.kind in ("linear", "rolling") else 1
    if rollout.bake * steps > LONGEST_ROLLOUT:
        problem = f"{steps} steps would take longer than AWS's 8h for a deployment"
        yield Finding(
            "deploy.rollout.bake", problem, rollout.bake, "a shorter one, or larger steps"
        )


@rule("deploy")
def idle_can_be_seen(deploy: Deploy) -> Iterator[Finding]:
    """Whether nobody asks is told by the hour, from metrics that are kept."""
    low, high = IDLE
    if not low <= deploy.idle <= high:
        yield Finding("deploy.idle", "is no time to tell by", deploy.idle, "1h to 30d")


@rule("deploy")
def payload_fits(deploy: Deploy) -> Iterator[Finding]:
    """Requests larger than a form takes. Real-time endpoints take 6 MB by AWS's matrix of 2023, perhaps more now."""
    traffic = deploy.traffic
    limit = PAYLOAD_KB.get(deploy.strategy)
    if traffic is None or limit is None or traffic.payload_kb <= limit:
        return
    larger = [
        name for name in ("realtime", "batch", "async") if PAYLOAD_KB[name] >= traffic.payload_kb
    ]
    allowed = f"up to {limit}" + (f", or strategy: {' or '.join(larger)}" if larger else "")
    problem = f"{deploy.strategy} takes requests up to {limit / 1024:g} MB"
    yield Finding("deploy.traffic.payload_kb", problem, f"{traffic.payload_kb:g}", allowed)


@rule("deploy")
def traffic_is_possible(deploy: Deploy) -> Iterator[Finding]:
    """A day has some request, and its peak lies between the mean and all of the busiest hour."""
    traffic = deploy.traffic
    if traffic is None:
        return
    if not any(traffic.weights):
        yield Finding("deploy.traffic.shape", "no hour has a request", "all 0", "24 weights")
        return
    peak, hour = traffic.peak_per_second, traffic.busiest_hour
    mean = hour / 3600
    if peak is not None and not mean <= peak <= max(hour, mean):
        problem = "does not fit to requests_per_day"
        allowed = f"{mean:.6g}, the mean of the busiest hour, to {hour:.6g}, all of its requests"
        yield Finding("deploy.traffic.peak_per_second", problem, f"{peak:g}", allowed)


@rule("compile", "deploy", "train")
def code_travels_with_the_model(
    compilation: Compile, deploy: Deploy, train: Train
) -> Iterator[Finding]:
    """An isolated container cannot fetch inference.py from S3; only ONNX archives and networks bring it along."""
    scripted = compilation.backend == "none" and train.framework == "xgboost"
    if deploy.isolated and scripted and deploy.strategy != "serverless":
        problem = "the container could not fetch inference.py from S3"
        yield Finding(
            "deploy.isolated", problem, True, "compile: {backend: onnx}, or without isolation"
        )


@rule("compile", "deploy")
def one_container_for_all(compilation: Compile, deploy: Deploy) -> Iterator[Finding]:
    """Models of a multi-model endpoint share one container, and Neo's is not among those that can."""
    if deploy.strategy == "multi-model" and compilation.backend == "neo":
        problem = "Neo's container is not among AWS's multi-model containers"
        yield Finding("compile.backend", problem, "neo", "none, or strategy: realtime")
    if deploy.strategy == "multi-model" and compilation.backend == "onnx":
        problem = "the models of an endpoint share one inference.py, and ONNX's is another"
        yield Finding("compile.backend", problem, "onnx", "none, or strategy: realtime")
