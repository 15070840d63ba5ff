"""Signals of what serves, from its metrics in CloudWatch.

A metric without a data point is no sign of idleness while the thing is younger than the window: it may not have come to
serve yet, and CloudWatch may not have heard of it. Of what is older it is: SageMaker publishes no zeros for requests
(docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.age import since
from frugal.cleanup.signals.load import Load, cpu_below
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, each, words
from frugal.cleanup.view import Query, View
from frugal.spec.durations import Duration

NAMESPACE = "AWS/SageMaker"
ENDPOINTS = frozenset({"endpoint"})
Asked = Callable[[Resource, View], list[Query]]


def no_invocations(window: timedelta) -> Signal:
    """Nobody asked it within the window: no variant of it, and no inference component on it.

    An asynchronous endpoint publishes no Invocations, so this never holds of one: see async_idle.
    """
    return _silent(window, invocations, "it is asynchronous, and async_idle judges it")


def async_idle(window: timedelta) -> Signal:
    """An asynchronous endpoint had an empty queue and processed nothing within the window."""
    return _silent(window, processed, "it is not asynchronous")


def shadowed_for(window: timedelta) -> Signal:
    """It has shadow variants, and has had them that long: the configuration with them is so old."""

    def judge(resource: Resource, view: View) -> Finding:
        facts = resource.facts or {}
        if not facts.get("shadows"):
            return Finding(False, "it has no shadow variant")
        began = facts.get("since") and datetime.fromisoformat(facts["since"])
        found = since(began, window, view, "begun")
        return Finding(found.holds, f"shadow test of {', '.join(facts['shadows'])} {found.reason}")

    return each(judge)


def invocations(resource: Resource, view: View) -> list[Query]:
    """What tells whether anybody asked an endpoint or an inference component; nothing of an asynchronous one."""
    facts = resource.facts or {}
    if resource.kind == "inference-component":
        return [_query("Invocations", InferenceComponentName=resource.name)]
    if facts.get("async"):
        return []
    variants = [
        _query("Invocations", EndpointName=resource.name, VariantName=variant)
        for variant in facts.get("variants", {})
    ]
    components = sorted(
        name
        for kind, name in view.users("endpoint", resource.name)
        if kind == "inference-component"
    )
    return variants + [_query("Invocations", InferenceComponentName=name) for name in components]


def processed(resource: Resource, view: View) -> list[Query]:
    """What tells whether an asynchronous endpoint had anything to do; nothing of others.

    AWS's page spells one metric with three s (docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html).
    Which spelling it publishes, and whether by variant, too, is not verified: all are asked for.
    """
    facts = resource.facts or {}
    if not facts.get("async"):
        return []
    names = {"EndpointName": resource.name}
    places = [names, *({**names, "VariantName": variant} for variant in facts.get("variants", {}))]
    return [
        _query(metric, statistic, **place)
        for place in places
        for metric, statistic in (
            ("ApproximateBacklogSize", "Maximum"),
            ("InvocationsProcessed", "Sum"),
            ("InvocationsProcesssed", "Sum"),
        )
    ]


def _silent(window: timedelta, asked: Asked, otherwise: str) -> Signal:
    def judge(batch: Sequence[Resource], view: View) -> Sequence[Finding]:
        queries = [asked(resource, view) for resource in batch]
        answers = iter(view.metrics([query for some in queries for query in some], window))
        findings = []
        for resource, some in zip(batch, queries, strict=True):
            seen = sum(next(answers) or 0 for _ in some)
            findings.append(
                _idle(resource, seen, window, view) if some else Finding(False, otherwise)
            )
        return findings

    return judge


def _idle(resource: Resource, seen: float, window: timedelta, view: View) -> Finding:
    length = words(window.total_seconds())
    if seen:
        return Finding(False, f"{seen:g} requests within {length}")
    if resource.created is None or view.now - resource.created <= window:
        return Finding(None, f"no requests, but it is younger than {length}")
    return Finding(True, f"no requests in {length}")


def _query(metric: str, statistic: str = "Sum", **dimensions: str) -> Query:
    return Query(NAMESPACE, metric, statistic, tuple(sorted(dimensions.items())))


SIGNALS = {
    "no_invocations": SignalKind(
        Duration, no_invocations, ENDPOINTS | {"inference-component"}, late=True
    ),
    "async_idle": SignalKind(Duration, async_idle, ENDPOINTS, late=True),
    "cpu_below": SignalKind(Load, cpu_below, ENDPOINTS, late=True),
    "shadowed_for": SignalKind(Duration, shadowed_for, ENDPOINTS),
}
