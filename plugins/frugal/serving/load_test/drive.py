"""Sends requests at their times, whether or not the ones before were answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Send = Callable[[int], Awaitable[str | None]]
MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Sample:
    """One request; seconds from the start of the drive. `error` is None when it was answered.

    `late` is how long after its time it was sent: a client that is too slow shows there.
    """

    due: float
    late: float
    ended: float
    error: str | None

    @property
    def latency(self) -> float:
        """Seconds from when it was due, so that waiting before it was sent counts, too."""
        return self.ended - self.due


async def drive(send: Send, arrivals: Sequence[float]) -> list[Sample]:
    """Call `send` with 0, 1, ... at each of the `arrivals`; it returns the error, None when all was well.

    Returns one sample for each, in order of arrival. At most `MOST_AT_ONCE` are under way; what comes on top waits,
    and its wait counts.
    """
    clock = asyncio.get_running_loop().time
    room = asyncio.Semaphore(MOST_AT_ONCE)
    start = clock()

    async def one(index: int, due: float) -> Sample:
        async with room:
            late = clock() - start - due
            error = await send(index)
        return Sample(due, late, clock() - start, error)

    tasks = []
    for index, due in enumerate(arrivals):
        await asyncio.sleep(max(0.0, start + due - clock()))
        tasks.append(asyncio.create_task(one(index, due)))
    return list(await asyncio.gather(*tasks))
