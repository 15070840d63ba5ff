"""What has come true: read by the watch whenever it arrives, and by an evaluation beside what was captured lately."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from frugal.aws import clients, recent, windows
from frugal.aws.prepare import prepare
from frugal.retraining import records

from .conftest import BUCKET, Model

HOUR = timedelta(hours=1)


def listed(uri: str) -> list[str]:
    """Keys of a manifest, whose prefix is the bucket."""
    found: Any = clients.read_json(uri)
    assert found[0] == {"prefix": f"s3://{BUCKET}/"}
    return list(found[1:])


def put_truth(model: Model, window: windows.Window) -> str:
    """A label that arrived in the window; its key."""
    (hour,) = window.hours
    key = f"{model.spec.name}/truth/{hour}/{uuid.uuid4().hex}.csv"
    model.put(key, "inference_id,rent\na,1\n")
    return key


@pytest.fixture
def hours(make_model: Any) -> list[windows.Window]:
    """The last three that are over."""
    now = records.aws_now(make_model().place()).replace(minute=0, second=0)
    return [windows.Window(now - back * HOUR, HOUR) for back in (3, 2, 1)]


def test_a_window_reads_the_truth_that_arrived_since_it_began(
    make_model: Any, hours: list[windows.Window]
) -> None:
    model = make_model()
    model.add_raw(1)
    run = prepare(model.spec, "train")
    model.put(f"{model.spec.name}/runs/{run.id}/baseline/constraints.json", "{}")
    model.register(run)
    before, own, after = (put_truth(model, window) for window in hours)
    model.capture(hours[1], rows=1)
    found = windows.find(model.spec, model.place(), model.spec.name, hours[1])
    assert found is not None
    assert listed(found["truth"]) == [own, after]
    assert before not in listed(found["truth"])


def test_an_evaluation_is_given_what_was_captured_lately(
    make_model: Any, hours: list[windows.Window]
) -> None:
    model = make_model()
    run, name = model.place(), model.spec.name
    now = records.aws_now(run)

    def look(spec: Any = model.spec) -> tuple[str | None, list[str]]:
        found = recent.list_recent(spec, run, name, now)
        return found["problem"], listed(recent.manifest(run))

    own = f"{name}/runs/{run.id}/recent/recent.json"
    problem, keys = look()
    assert (str(problem)[:15], keys) == ("no ground truth", [own])
    truth = put_truth(model, hours[2])
    problem, keys = look()
    assert (str(problem)[:20], keys) == ("nothing was captured", [own])
    for window in hours[1:]:
        model.capture(window, rows=1)
    captured = sorted(clients.list_objects(f"s3://{BUCKET}/{name}/capture/"))
    assert look() == (None, [own, truth, *captured])
    hidden = model.spec.monitor.model_copy(update={"pii": {"area": "hash"}})
    problem, keys = look(model.spec.model_copy(update={"monitor": hidden}))
    assert (problem, keys) == ("monitor.pii hides area in captured requests", [own])


def test_no_more_is_given_than_a_job_can_hold(
    make_model: Any, hours: list[windows.Window], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model()
    put_truth(model, hours[2])
    for window in hours:
        model.capture(window, rows=1)
    sizes = clients.list_objects(f"s3://{BUCKET}/{model.spec.name}/capture/")
    newest = sorted(sizes)[-1]
    monkeypatch.setattr(recent, "MOST_BYTES", sizes[newest]["Size"])
    run = model.place()
    found = recent.list_recent(model.spec, run, model.spec.name, records.aws_now(run))
    assert found["left_out"] == 2
    assert listed(recent.manifest(run))[-1] == newest
