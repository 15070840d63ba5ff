"""Signals of what serves, from its metrics in CloudWatch.

A metric without a data point is no sign of idleness while the thing is younger than the window: it may not have come to
serve yet, and CloudWatch may not have heard of it. Of what is older it is: SageMaker publishes no zeros for requests
(docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from frugal.cleanup.resource import Resource
from frugal.cleanup.signals.signal import Finding, Signal, SignalKind, words
from frugal.cleanup.view import Query, View
from frugal.spec.durations import Duration

NAMESPACE = "AWS/SageMaker"


def no_invocations(window: timedelta) -> Signal:
    """Nobody asked it within the window: no variant of it, and no inference component on it.

    An asynchronous endpoint publishes no Invocations, so this never holds of one: see async_idle.
    """
    return _silent(window, invocations, "no invocations")


def _silent(window: timedelta, questions, what: str) -> Signal:  # type: ignore[no-untyped-def]
    def judge(batch: Sequence[Resource], view: View) -> Sequence[Finding]:
        asked = [questions(resource, view) for resource in batch]
        answers = iter(view.metrics([query for queries in asked for query in queries], window))
        findings = []
        for resource, queries in zip(batch, asked, strict=True):
            values = [next(answers) for _ in queries]
            findings.append(_judge(resource, queries, values, window, view, what))
        return findings

    return judge


def _judge(
    resource: Resource,
    queries: Sequence[Query],
    values: Sequence[float | None],
    window: timedelta,
    view: View,
    what: str,
) -> Finding:
    if not queries:
        return Finding(None, "it has no such metric")
    seen = sum(value or 0 for value in values)
    length = words(window.total_seconds())
    if seen:
        return Finding(False, f"{seen:g} requests in {length}")
    if resource.created is None or view.now - resource.created <= window:
        return Finding(None, f"{what}, but it is younger than {length}")
    return Finding(True, f"{what} in {length}")


def invocations(resource: Resource, view: View) -> list[Query]:
    """What tells whether anybody asked an endpoint or an inference component."""
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


def _query(metric: str, statistic: str = "Sum", **dimensions: str) -> Query:
    return Query(NAMESPACE, metric, statistic, tuple(sorted(dimensions.items())))


SIGNALS = {
    "no_invocations": SignalKind(
        Duration, no_invocations, frozenset({"endpoint", "inference-component"}), late=True
    ),
}
