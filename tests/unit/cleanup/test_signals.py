"""What signals say where it is easily said wrongly."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from frugal.cleanup.kinds.scaling import alarm_prefix
from frugal.cleanup.resource import Resource
from frugal.cleanup.signals import SIGNALS
from frugal.cleanup.signals.load import Load
from frugal.cleanup.view import Query
from frugal.serving import names
from tests.unit.cleanup.fakes import DAY, NOW, OURS, FakeView, endpoint


class Metrics(FakeView):
    """Answers by metric, and remembers what it was asked."""

    def __init__(self, **values: float | None) -> None:
        super().__init__()
        self.values = values
        self.asked: list[Query] = []

    def metrics(self, queries: Sequence[Query], window: timedelta) -> Sequence[float | None]:
        self.asked += queries
        return [self.values.get(query.metric) for query in queries]


def says(signal: str, parameter: Any, resource: Resource, view: FakeView) -> bool | None:
    [finding] = SIGNALS[signal].make(parameter)([resource], view)
    return finding.holds


def asynchronous(**given: Any) -> Resource:
    facts = {"async": True, "variants": {"main": {"count": 0, "instance": None}}}
    return endpoint(facts=facts, **given)


@pytest.mark.parametrize(
    ("values", "idle"),
    [
        ({}, True),
        ({"ApproximateBacklogSize": 0.0, "InvocationsProcessed": 0.0}, True),
        ({"ApproximateBacklogSize": 2.0}, False),
        ({"InvocationsProcessed": 1.0}, False),
        ({"InvocationsProcesssed": 1.0}, False),
        ({"Invocations": 1.0}, True),
    ],
)
def test_an_asynchronous_endpoint_is_judged_by_its_queue(
    values: dict[str, float], idle: bool
) -> None:
    view = Metrics(**values)
    assert says("async_idle", 14 * DAY, asynchronous(), view) is idle
    assert "Invocations" not in {query.metric for query in view.asked}


def test_neither_signal_holds_of_what_the_other_judges() -> None:
    assert says("no_invocations", DAY, asynchronous(), Metrics()) is False
    assert says("async_idle", DAY, endpoint(), Metrics()) is False


def test_a_young_one_without_metrics_is_not_idle() -> None:
    young = NOW - 5 * DAY
    assert says("no_invocations", 14 * DAY, endpoint(created=young), Metrics()) is None
    assert says("async_idle", 14 * DAY, asynchronous(created=young), Metrics()) is None


def test_an_endpoint_of_components_is_asked_through_them() -> None:
    view = Metrics()
    view.needed = {("endpoint", "idle"): {("inference-component", "copies")}}
    assert says("no_invocations", 14 * DAY, endpoint(), view) is True
    asked = {dict(query.dimensions).get("InferenceComponentName") for query in view.asked}
    assert "copies" in asked


def sized(count: int, instance: str = "ml.m5.xlarge") -> Resource:
    return endpoint(facts={"variants": {"main": {"count": count, "instance": instance}}})


@pytest.mark.parametrize(
    ("resource", "values", "expected"),
    [
        (sized(4), {"CPUUtilization": 40.0}, True),  # of four cores: 10 percent
        (sized(4), {"CPUUtilization": 200.0}, False),
        (sized(4), {"CPUUtilization": 40.0, "GPUUtilization": 90.0}, False),
        (sized(4), {}, None),
        (sized(4, "ml.unheard.large"), {"CPUUtilization": 1.0}, None),
        (sized(1), {"CPUUtilization": 1.0}, False),
    ],
)
def test_instances_are_too_many_when_all_of_them_idle(
    resource: Resource, values: dict[str, float], expected: bool | None
) -> None:
    load = Load.model_validate({"percent": 20, "window": "14d"})
    assert says("cpu_below", load, resource, Metrics(**values)) is expected


def test_a_shadow_test_is_as_old_as_the_configuration_that_has_it() -> None:
    since = (NOW - 20 * DAY).isoformat()
    facts = {"shadows": ["challenger"], "since": since, "variants": {}}
    assert says("shadowed_for", 14 * DAY, endpoint(facts=facts), FakeView()) is True
    assert says("shadowed_for", 30 * DAY, endpoint(facts=facts), FakeView()) is False
    assert says("shadowed_for", 14 * DAY, endpoint(), FakeView()) is False


def test_a_champion_is_needed_though_nothing_names_it() -> None:
    package = Resource("model-package", "g/1", "us-east-1", "arn", NOW, "Approved", OURS)
    protected = Resource(**{**_fields(package), "facts": {"protected": True, "rank": 30}})
    assert says("unreferenced", True, package, FakeView()) is True
    assert says("unreferenced", True, protected, FakeView()) is False


def _fields(resource: Resource) -> dict[str, Any]:
    return {name: getattr(resource, name) for name in Resource.__dataclass_fields__}


def test_alarms_of_an_endpoint_are_named_as_serving_names_them() -> None:
    assert alarm_prefix("churn") == names.alarm_prefix("churn")
