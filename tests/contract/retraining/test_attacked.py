"""The gate under attack: a clock that jumps, models that drift at once, tasks that come twice, broken documents."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from frugal.aws import clients, names, windows
from frugal.aws.prepare import prepare
from frugal.aws.settings import Settings
from frugal.local import LocalAws
from frugal.retraining import records
from frugal.retraining.weigh import run_id, weigh
from frugal.stages import drift

from .conftest import BUCKET, Model

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def window(model: Model, number: int) -> str:
    """One of the hours of two days ago, by AWS's clock."""
    start = records.aws_now(model.place()).replace(minute=0, second=0) - 2 * DAY
    return windows.Window(start + number * HOUR, HOUR).name


def drifted(model: Model, number: int, verdict: str = "drift") -> str:
    """A window with this verdict; returns its name."""
    name = window(model, number)
    found = {"verdict": verdict, "reason": f"found in window {number}"}
    clients.write_json(windows.place(model.place(), name, windows.VERDICT), found)
    return name


def decide(model: Model, in_flight: int = 0, **gate: Any) -> dict[str, Any]:
    retrain = model.spec.monitor.retrain.model_copy(update=gate)
    monitor = model.spec.monitor.model_copy(update={"retrain": retrain})
    spec = model.spec.model_copy(update={"monitor": monitor})
    return weigh(spec, "gate-run", [], in_flight, drift.IN_ENVIRONMENT)


def conclude(model: Model, name: str, **said: Any) -> None:
    records.conclude(model.place(), name, **{"started": True, "note": "", **said})


def against(result: dict[str, Any]) -> dict[str, str]:
    """What spoke against the one decision of this time, by check."""
    (decision,) = result["decided"]
    return {r["check"]: r["text"] for r in decision["reasons"] if r["passed"] is False}


@contextmanager
def aws_is(local: LocalAws, ahead: timedelta) -> Iterator[None]:
    """AWS's clock ahead of this worker's: to the gate, a worker's that is behind."""
    shift(local, ahead)
    try:
        yield
    finally:
        shift(local, -ahead)


def shift(local: LocalAws, by: timedelta) -> None:
    body = json.dumps({"Shift": by.total_seconds()}).encode()
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(f"{local.url}/_local/clock", body, headers)
    with urllib.request.urlopen(asked) as answer:
        assert answer.status == 200


def test_a_workers_clock_neither_shortens_nor_prolongs_a_cooldown(
    make_model: Any, local_aws: LocalAws
) -> None:
    model = make_model()
    model.add_raw(100)
    first = drifted(model, 0)
    assert decide(model)["open"]["window"] == first
    conclude(model, first)
    drifted(model, 1)
    assert "cooldown" in against(decide(model, cooldown=DAY))
    with aws_is(local_aws, DAY - HOUR):
        drifted(model, 2)
        assert "cooldown" in against(decide(model, cooldown=DAY))
    with aws_is(local_aws, DAY + HOUR):
        over = drifted(model, 3)
        assert decide(model, cooldown=DAY)["open"]["window"] == over
        conclude(model, over)
    # The decision was made tomorrow: what AWS cannot have seen yet holds until then, and costs nothing.
    drifted(model, 4)
    assert "cooldown" in against(decide(model, cooldown=HOUR))


def test_models_that_drift_at_once_are_decided_on_each_by_itself(make_model: Any) -> None:
    first, second = make_model(), make_model()
    for one in (first, second):
        one.add_raw(100)
    names = [drifted(one, 0) for one in (first, second)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(decide, (first, second)))
    assert [result["open"]["window"] for result in results] == names
    assert len({result["run"]["model"] for result in results}) == 2
    conclude(first, names[0])
    assert decide(first)["open"] is None
    assert decide(second)["open"]["window"] == names[1]


def test_one_decision_whoever_retries_and_however_many_at_once(make_model: Any) -> None:
    model = make_model()
    model.add_raw(100)
    name = drifted(model, 0)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: decide(model), range(4)))
    opened = [result["open"] for result in results]
    assert all(found == opened[0] for found in opened)
    again = decide(model)
    assert (again["decided"], again["open"]) == ([], opened[0])
    kept = clients.read_json(windows.place(model.place(), name, records.DECISION))
    assert kept == opened[0]
    for started in (True, False):
        conclude(model, name, started=started)
    now = records.aws_now(model.place())
    known = records.read(model.place(), now - 3 * DAY, now)
    assert list(known.retrained) == [name], "the first answer stands"


def test_a_no_stands_for_a_cooldown(make_model: Any) -> None:
    model = make_model()
    model.add_raw(100)
    asked = drifted(model, 0)
    assert decide(model, on_drift="ask")["open"]["action"] == "ask"
    conclude(model, asked, started=False, note="not approved", refused=True)
    drifted(model, 1)
    found = against(decide(model, on_drift="ask", cooldown=DAY))
    assert list(found) == ["cooldown"]
    assert found["cooldown"].startswith("not approved")


def test_a_run_in_flight_and_a_budget_that_is_used_up_hold(make_model: Any) -> None:
    model = make_model()
    model.add_raw(100)
    drifted(model, 0)
    assert list(against(decide(model, in_flight=1))) == ["in_flight"]
    drifted(model, 1)
    found = against(decide(model, budget_month=1e-6))
    assert list(found) == ["budget"]
    done = drifted(model, 2)
    assert decide(model)["open"]["window"] == done
    conclude(model, done)
    own = names.run_id(Settings.load().environment, run_id(done))
    clients.write_json(model.place().s3("runs", own, "report.json"), {"cost": 3.0})
    drifted(model, 3)
    found = against(decide(model, budget_month=5.0, per_week=100, cooldown=timedelta(0)))
    assert "2.00 of 5.00 are left" in found["budget"]


def test_what_a_training_overtook_is_not_trained_again(make_model: Any) -> None:
    """The decision was never acted on, and somebody trained by hand meanwhile."""
    model = make_model()
    model.add_raw(100)
    name = drifted(model, 0)
    assert decide(model)["open"]["window"] == name
    by_hand = prepare(model.spec, "manual__by_hand")
    model.register(by_hand)
    assert decide(model)["open"] is None
    outcome = clients.read_json(windows.place(model.place(), name, records.OUTCOME))
    assert outcome is not None
    assert (outcome["started"], outcome["note"]) == (
        False,
        f"overtaken by the training {by_hand.id}",
    )
    drifted(model, 1)
    assert "the same model" in against(decide(model))["new_data"]


def test_broken_documents_stop_nothing_but_their_own_window(make_model: Any) -> None:
    model = make_model()
    model.add_raw(100)
    place = model.place()
    for name, body in {
        window(model, 0): "{not JSON",
        window(model, 1): "[]",
        window(model, 2): '{"verdict": null}',
        "2999-01-01T00Z-1h": '{"verdict": "drift"}',
        "no-window": '{"verdict": "drift"}',
    }.items():
        uri = windows.place(place, name, windows.VERDICT)
        key = clients.split_uri(uri)[1]
        clients.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body.encode())
    broken = windows.place(place, window(model, 3), records.DECISION)
    clients.client("s3").put_object(Bucket=BUCKET, Key=clients.split_uri(broken)[1], Body=b"{")
    good = drifted(model, 4)
    result = decide(model)
    assert [found["window"] for found in result["decided"]] == [good]
    assert result["open"]["window"] == good
    conclude(model, good)
    assert decide(model)["decided"] == []
