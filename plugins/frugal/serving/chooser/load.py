"""The traffic by hour of the day, and what a queue makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log

from frugal.spec.traffic import Traffic

SECONDS_AN_HOUR = 3600
PEAK_OVER_MEAN = 2.0


@dataclass(frozen=True)
class Load:
    """Requests a second: the mean in each hour of the day, and the peak over the busiest hour's mean."""

    hourly: tuple[float, ...]
    burst: float

    @classmethod
    def of(cls, traffic: Traffic, scale: float = 1.0) -> Load:
        """The load of `scale` times the traffic."""
        weights = traffic.weights
        total = sum(weights) or 1.0
        a_day = traffic.requests_per_day * scale
        hourly = tuple(a_day * weight / total / SECONDS_AN_HOUR for weight in weights)
        busiest = max(hourly)
        burst = PEAK_OVER_MEAN
        if traffic.peak_per_second is not None and busiest > 0:
            burst = max(1.0, traffic.peak_per_second * scale / busiest)
        return cls(hourly, burst)

    @property
    def peak(self) -> float:
        """Requests a second at the peak of the day."""
        return max(self.hourly) * self.burst

    @property
    def a_day(self) -> float:
        """Requests a day."""
        return sum(self.hourly) * SECONDS_AN_HOUR

    @property
    def hours_busy(self) -> int:
        """Hours of the day with any request."""
        return sum(rate > 0 for rate in self.hourly)

    def share_after_silence(self, seconds: float) -> float:
        """Share of the requests that come `seconds` or longer after the one before, arrivals being random."""
        total = sum(self.hourly)
        if total == 0:
            return 1.0
        return sum(rate * exp(-rate * seconds) for rate in self.hourly) / total


def waiting_p95(rate: float, service_seconds: float, servers: int) -> float | None:
    """The time, in seconds, that 95 of 100 requests wait at most for one of `servers` to be free.

    Random arrivals, exponential service (M/M/c, Erlang C): pessimistic for models, whose time hardly varies.
    None when the servers cannot keep up.
    """
    if rate == 0:
        return 0.0
    offered = rate * service_seconds
    if offered >= servers:
        return None
    blocked = 1.0
    for server in range(1, servers + 1):
        blocked = offered * blocked / (server + offered * blocked)
    queued = blocked / (1 - offered / servers * (1 - blocked))
    if queued <= 0.05:
        return 0.0
    return log(queued / 0.05) * service_seconds / (servers - offered)
