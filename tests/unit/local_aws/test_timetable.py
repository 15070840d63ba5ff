"""What happens at a time of the local AWS's clock, and the states that pass by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from local_aws import clock
from local_aws.app import App
from local_aws.config import Simulation
from local_aws.execution.lifecycle import Lifecycle, Passing
from local_aws.execution.timetable import Timetable
from local_aws.store import Store

HOUR = 3600.0
LIFECYCLE = Lifecycle(
    "thing",
    "Status",
    {"Starting": Passing(HOUR, "Running"), "Leaving": Passing(HOUR, None)},
)


@pytest.fixture
def timetable() -> Iterator[Timetable]:
    timetable = Timetable()
    before = clock.shifted()
    yield timetable
    clock.shift(before - clock.shifted())
    timetable.close()


@pytest.fixture
def app(timetable: Timetable, tmp_path: Path) -> App:
    """What a lifecycle needs of one; its waits are AWS's."""
    config = SimpleNamespace(simulation=Simulation(clock=1.0))
    store = Store(tmp_path / "db")
    return cast("App", SimpleNamespace(config=config, store=store, timetable=timetable))


def test_what_is_due_happens_in_its_order_and_not_before(timetable: Timetable) -> None:
    done: list[str] = []
    for name, hours in (("third", 9), ("first", 1), ("second", 2)):
        timetable.at(clock.now() + hours * HOUR, lambda name=name: done.append(name))  # type: ignore[misc]
    timetable.run_due()
    assert done == []
    clock.shift(3 * HOUR)
    timetable.run_due()
    assert done == ["first", "second"]


def test_one_that_fails_does_not_keep_the_others(timetable: Timetable) -> None:
    done: list[str] = []
    timetable.at(0, lambda: done.remove("nothing"))
    timetable.at(1, lambda: done.append("next"))
    timetable.run_due()
    assert done == ["next"]


def status(app: App) -> Any:
    record = app.store.get("thing", "r", "a")
    return record and record["Status"]


def test_a_status_passes_after_its_time(app: App) -> None:
    LIFECYCLE.create(app, "r", "a", {}, "Starting")
    app.timetable.run_due()
    assert status(app) == "Starting"
    clock.shift(2 * HOUR)
    app.timetable.run_due()
    assert status(app) == "Running"
    LIFECYCLE.enter(app, "r", "a", "Leaving")
    clock.shift(2 * HOUR)
    app.timetable.run_due()
    assert status(app) is None


def test_a_status_that_was_left_does_not_pass_any_more(app: App) -> None:
    LIFECYCLE.create(app, "r", "a", {}, "Starting")
    clock.shift(HOUR / 2)
    LIFECYCLE.enter(app, "r", "a", "Leaving")
    clock.shift(HOUR * 0.75)
    app.timetable.run_due()
    assert status(app) == "Leaving"


def test_after_a_restart_what_passes_goes_on(app: App, tmp_path: Path) -> None:
    LIFECYCLE.create(app, "r", "a", {}, "Starting")
    later = cast(
        "App",
        SimpleNamespace(config=app.config, store=Store(tmp_path / "db"), timetable=Timetable()),
    )
    LIFECYCLE.settle(later)
    clock.shift(2 * HOUR)
    later.timetable.run_due()
    assert status(later) == "Running"
    later.timetable.close()
