"""The trigger, while its queue is made, emptied, deleted, and AWS killed and started again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from frugal.aws import clients
from frugal.events import queue
from frugal.events.trigger import QueueTrigger
from tests.contract.waiting import PATIENCE_SECONDS, await_true

from .conftest import Line

POLL_SECONDS = 0.05


async def seen(events: list[object], number: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(events) < number:
            await asyncio.sleep(POLL_SECONDS)


def watched(
    line: Line, story: Callable[[list[object]], Awaitable[None]], again_seconds: float = 3600
) -> None:
    """Let a trigger watch the queue while the story goes on, which sees what it told."""
    trigger = QueueTrigger(line.wiring.queue, POLL_SECONDS, again_seconds)
    events: list[object] = []

    async def watch() -> None:
        look = trigger.run()
        while True:
            events.append((await anext(look)).payload)

    async def play() -> None:
        watching = asyncio.ensure_future(watch())
        await story(events)
        assert not watching.done()
        watching.cancel()

    asyncio.run(play())


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """What the trigger saw, look by look."""
    found: list[int | None] = []
    look = queue.waiting

    def noted(name: str) -> int | None:
        found.append(look(name))
        return found[-1]

    monkeypatch.setattr(queue, "waiting", noted)
    return found


async def away(call: Callable[[], object]) -> None:
    await asyncio.to_thread(call)


def told_of(capsys: pytest.CaptureFixture[str], words: str) -> Callable[[], int]:
    """How often the trigger has logged these words."""
    said: list[str] = []

    def times() -> int:
        said.extend(capsys.readouterr())
        return "".join(said).count(words)

    return times


def test_an_aws_that_dies_is_asked_again(
    line: Line, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken while the trigger could not look is no reason to keep silent of what came in its place."""
    # A look that botocore repeats until AWS is there again would have seen nothing of its absence.
    monkeypatch.setattr(clients, "RETRIES", {"mode": "standard", "total_max_attempts": 1})
    clients.forget()
    failures = told_of(capsys, f"Could not see {line.wiring.queue}")

    async def story(events: list[object]) -> None:
        await away(lambda: line.send("flats-drift-1"))
        await away(line.kill)
        await away(lambda: await_true(failures, "a look that fails"))
        told = len(events)
        await away(line.local.start)
        await away(line.take_all)
        await away(lambda: line.send("flats-drift-2"))
        await seen(events, told + 1)

    watched(line, story)


def test_a_queue_that_goes_is_told_of_once_and_its_return_is_seen(
    line: Line, capsys: pytest.CaptureFixture[str], looks: list[int | None]
) -> None:
    times = told_of(capsys, f"There is no queue {line.wiring.queue}")

    async def story(events: list[object]) -> None:
        await away(line.down)
        await away(lambda: await_true(times, "a word of it"))
        looks.clear()
        await away(lambda: await_true(lambda: len(looks) > 3, "more looks"))
        assert times() == 1
        await away(line.up)
        await away(lambda: line.send("flats-drift-1"))
        await seen(events, 1)
        assert events == [{"queue": line.wiring.queue, "messages": 1}]

    watched(line, story)


def test_what_nobody_takes_is_told_of_again_and_what_comes_back_too(
    line: Line, looks: list[int | None]
) -> None:
    async def untaken(events: list[object]) -> None:
        await away(lambda: line.send("flats-drift-1"))
        await seen(events, 3)

    watched(line, untaken, again_seconds=4 * POLL_SECONDS)

    async def taken_and_dropped(events: list[object]) -> None:
        await seen(events, 1)
        (taken,) = await asyncio.to_thread(queue.receive, line.wiring)
        await away(lambda: await_true(lambda: looks[-1] == 0, "a look that sees nothing"))
        await away(lambda: line.put_back(taken))
        await seen(events, 2)

    watched(line, taken_and_dropped)
