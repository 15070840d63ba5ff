"""What a plan may never say, over accounts of every kind."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from frugal.cleanup.plan import Plan, Verdict
from frugal.cleanup.resource import Resource
from tests.unit.cleanup.fakes import DAY, NOW, OURS, FakeView, endpoint, plan, rules

TOUCHED = (Verdict.MARK, Verdict.WAIT, Verdict.ACT)
WINDOW = 14 * DAY
KEEPS = {None: False, "": True, "yes": True, "2026-11-22": True, "2026-11-21": False}
MARKS = {
    None: None,
    "idle@2026-11-21T03:00:00+00:00": NOW - DAY,
    "idle@2026-11-25T03:00:00+00:00": NOW + 3 * DAY,
    "other@2026-11-01T03:00:00+00:00": None,
    "nonsense": None,
}


@some.composite
def endpoints(draw: some.DrawFn) -> Resource:
    tags = dict(
        draw(
            some.sampled_from(
                [OURS, {}, {"ManagedBy": "frugal"}, {**OURS, "frugal:environment": "dev"}]
            )
        )
    )
    for key, values in (("frugal:keep", KEEPS), ("frugal:cleanup", MARKS)):
        if (value := draw(some.sampled_from(list(values)))) is not None:
            tags[key] = value
    age = timedelta(days=draw(some.sampled_from([0, 1, 13, 14, 15, 400])))
    facts = draw(some.sampled_from([endpoint().facts, None, {"async": True}]))
    name = draw(some.text("abc", min_size=1, max_size=6))
    return endpoint(name, created=NOW - age, tags=tags, facts=facts)


def must_stay(resource: Resource, view: FakeView) -> bool:
    """Whether anything at all speaks for it."""
    young = resource.created is None or NOW - resource.created <= WINDOW
    asked = bool(view.requests.get(resource.name))
    other = resource.facts is None or bool(resource.facts.get("async")) or bool(view.unseen)
    kept = KEEPS[resource.tags.get("frugal:keep")]
    return young or asked or other or kept or not resource.ours("production")


SLOWLY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(SLOWLY, max_examples=100)
@given(
    some.lists(endpoints(), max_size=8, unique_by=lambda found: found.name),
    some.dictionaries(some.text("abc", min_size=1, max_size=6), some.sampled_from([0.0, 1.0, 9e9])),
    some.sampled_from([{}, {"inference-component": "could not be listed"}]),
)
def test_only_what_nothing_speaks_for_is_touched(
    resources: list[Resource], requests: dict[str, float], unseen: dict[str, str]
) -> None:
    view = FakeView(requests, unseen=unseen)
    made = plan(resources, rules(), view)
    verdicts = {item.resource.name: item for item in made.items}
    for resource in resources:
        item = verdicts.get(resource.name)
        due = MARKS[resource.tags.get("frugal:cleanup")]
        if must_stay(resource, view):
            assert item is None or item.verdict not in (Verdict.MARK, Verdict.ACT), item
        else:
            expected = Verdict.MARK if due is None else Verdict.WAIT if due > NOW else Verdict.ACT
            assert item is not None
            assert item.verdict is expected
            assert expected is not Verdict.MARK or item.due == NOW + 3 * DAY
    assert Plan.from_json(json.loads(json.dumps(made.as_json()))).as_json() == made.as_json()


@settings(SLOWLY, max_examples=50)
@given(
    some.integers(0, 12),
    some.integers(0, 12),
    some.floats(0, 1500),
    some.floats(0, 1),
    some.integers(0, 12),
)
def test_above_any_cap_a_person_is_asked(
    due: int, actions: int, dollars: float, share: float, busy: int
) -> None:
    mark = {**OURS, "frugal:cleanup": "idle@2026-11-21T03:00:00+00:00"}
    resources = [endpoint(f"due-{n}", tags=mark) for n in range(due)]
    resources += [endpoint(f"busy-{n}") for n in range(busy)]
    view = FakeView({f"busy-{n}": 1.0 for n in range(busy)})
    made = plan(resources, rules({"actions": actions, "dollars": dollars, "share": share}), view)
    assert len(made.of(Verdict.ACT)) == due
    above = due > actions or due * 100 > dollars or due > share * (due + busy)
    assert bool(made.exceeded) == (above and due > 0)


@pytest.mark.parametrize(
    ("kind", "user"),
    [("endpoint-config", "endpoint"), ("model", "endpoint-config"), ("model-package", "model")],
)
def test_what_anything_needs_is_not_unreferenced(kind: str, user: str) -> None:
    rule = rules(kind=kind, when={"unreferenced": True})
    thing = Resource(kind, "x", "us-east-1", "arn:x", NOW - 100 * DAY, None, OURS, {})
    [item] = plan([thing], rule).items
    assert item.verdict is Verdict.MARK
    assert not plan([thing], rule, FakeView(needed={(kind, "x"): {(user, "of somebody")}})).items
    assert not plan([thing], rule, FakeView(unseen={user: "could not be listed"})).items


def test_a_mark_outlives_a_night_that_cannot_tell() -> None:
    """The grace goes on, but nothing is done."""
    thing = endpoint(tags={**OURS, "frugal:cleanup": "idle@2026-11-01T03:00:00+00:00"}, facts=None)
    [item] = plan([thing], rules()).items
    assert (item.verdict, item.marked) == (Verdict.WAIT, True)


def test_what_came_to_be_used_loses_its_mark() -> None:
    thing = endpoint(tags={**OURS, "frugal:cleanup": "idle@2026-11-01T03:00:00+00:00"})
    [item] = plan([thing], rules(), FakeView({"idle": 1.0})).items
    assert (item.verdict, item.marked) == (Verdict.SPARE, True)


def test_others_are_told_of_only_where_a_rule_says_so() -> None:
    foreign = endpoint(tags={"team": "another"})
    assert not plan([foreign], rules()).items
    [item] = plan([foreign], rules(report_on_others=True)).items
    assert item.verdict is Verdict.REPORT


def test_marks_of_what_has_no_tags_count_as_much() -> None:
    thing = endpoint()
    marks = {thing.id: "idle@2026-11-21T03:00:00+00:00"}
    [item] = plan([thing], rules(), marks=marks).items
    assert item.verdict is Verdict.ACT


def test_another_thing_of_the_same_name_has_another_id() -> None:
    assert endpoint().id != endpoint(created=NOW).id
