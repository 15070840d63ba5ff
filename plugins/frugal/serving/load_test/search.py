"""The most requests a second that an endpoint answers within its latency target."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from frugal.serving.load_test.measure import Measure

Try = Callable[[float], Awaitable[Measure]]
NARROWINGS = 3


@dataclass(frozen=True)
class Found:
    """`rate` requests a second were within the target, measured as `best`; `tried` has every measure in order.

    `limited_by_client` says that the endpoint might do more: the client could not send faster.
    """

    rate: float
    best: Measure | None
    tried: tuple[Measure, ...]
    limited_by_client: bool


async def most_within(attempt: Try, latency_ms: float | None, start: float = 10.0) -> Found:
    """Double the rate from `start` until it is too much, then narrow the gap by halves."""
    low, high, rate = 0.0, None, start
    best: Measure | None = None
    tried: list[Measure] = []
    narrowings = 0
    while narrowings <= NARROWINGS:
        found = await attempt(rate)
        tried.append(found)
        if found.client_too_slow:
            return Found(low, best, tuple(tried), limited_by_client=True)
        if found.is_within(latency_ms):
            low, best = rate, found
        else:
            high = rate
        rate = rate * 2 if high is None else (low + high) / 2
        narrowings += high is not None
    return Found(low, best, tuple(tried), limited_by_client=False)
