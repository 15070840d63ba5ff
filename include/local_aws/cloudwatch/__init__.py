"""CloudWatch's metrics and alarms.

Metrics have percentiles and metric math; alarms are evaluated on the local clock. How long a Period
is here, and what a rate is in it, is said in `queries.Window` and `evaluation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws.cloudwatch.alarms import Alarms
from local_aws.cloudwatch.clock import Clock
from local_aws.cloudwatch.distribution import Distribution
from local_aws.cloudwatch.metrics import Metrics

if TYPE_CHECKING:
    from local_aws.app import App

__all__ = ["CloudWatch", "Distribution"]

# What is kept of how far the clock was advanced.
SKIPPED = "skipped-time"
SHORTEST_PERIOD = 10


class CloudWatch:
    """What the rest of the local AWS has of CloudWatch: `put` values, ask an alarm's `state`."""

    def __init__(self, app: App, path: Path, scale: float) -> None:
        self._app = app
        self.clock = Clock(scale)
        self.metrics = Metrics(path, self.clock)
        self.alarms = Alarms(app, self.metrics, self.clock)

    def start(self) -> None:
        """Go on from what the last process wrote."""
        for _, _, record in self._app.store.every(SKIPPED):
            self.clock.skip(record["seconds"])
        self.metrics.start()
        self.alarms.start()

    def close(self) -> None:
        self.alarms.close()
        self.metrics.close()

    def advance(self, seconds: float) -> None:
        """Let that many of AWS's seconds pass for alarms and scaling, in steps of the shortest
        Period: each step evaluates what is due. Values that are put later are of the later time."""
        left = self.clock.span(seconds)
        while left > 0:
            step = min(left, self.clock.span(SHORTEST_PERIOD))
            self.clock.skip(step)
            left -= step
            self.look()
        self._app.store.put(SKIPPED, "", "", {"seconds": self.clock.skipped})

    def look(self) -> None:
        """Evaluate what is due now."""
        self.alarms.evaluate_due()
        self._app.autoscaling.tick()

    def put(
        self,
        region: str,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float | Distribution,
        unit: str = "None",
        at: float | None = None,
    ) -> None:
        """Add a value, or a distribution of values, to a metric; `at` is in seconds since 1970.

        It is cheap: callers put each value when it arises, so that percentiles are known.
        """
        self.metrics.put(region, namespace, name, dimensions, value, unit, at)

    def state(self, alarm_name: str, region: str) -> str | None:
        """OK, ALARM or INSUFFICIENT_DATA; None when there is no such alarm."""
        return self.alarms.state(alarm_name, region)
