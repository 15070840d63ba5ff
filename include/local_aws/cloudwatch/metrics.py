"""CloudWatch's metrics: put, listed and read; in memory, and on disk within seconds."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from local_aws.cloudwatch.clock import Clock
from local_aws.cloudwatch.distribution import Distribution
from local_aws.cloudwatch.history import History
from local_aws.cloudwatch.metric import Metric
from local_aws.cloudwatch.series import DAY, Series, tiers

log = logging.getLogger(__name__)

# Seconds between a value and its place on disk: a kill loses what came in between.
WRITE_EVERY = 2.0
AGE_EVERY = 30.0
# ListMetrics forgets a metric two weeks after its last value, and so does memory.
FORGET_AFTER = 15 * DAY
# Beyond this, the metrics that have not had a value for the longest are forgotten.
MOST_METRICS = 10_000


class Metrics:
    """All metrics of all regions. Every method is thread-safe."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._tiers = tiers(clock.scale)
        self._series: dict[Metric, dict[str, Series]] = {}
        self._lock = threading.Lock()
        self._history = History(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="metrics", daemon=True)

    def start(self) -> None:
        """Read what the last process wrote, then keep writing."""
        now = self._clock.now()
        same = self._history.has(self._tiers)
        for metric, unit, at, values in self._history.load():
            self._of(metric, unit).put(at, values, now)
        if same:
            for units in self._series.values():
                for series in units.values():
                    series.changed.clear()
        else:
            self._history.clear()
        self._thread.start()

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
        """Add one value, or a distribution of values, at a time in seconds since 1970 (now)."""
        values = value if isinstance(value, Distribution) else Distribution.of(float(value))
        metric = Metric.of(region, namespace, name, dimensions)
        now = self._clock.now()
        with self._lock:
            self._of(metric, unit).put(now if at is None else at, values, now)

    def _of(self, metric: Metric, unit: str) -> Series:
        units = self._series.get(metric)
        if units is None:
            units = self._series[metric] = {}
        if unit not in units:
            units[unit] = Series(self._tiers)
        return units[unit]

    def read(
        self, metric: Metric, start: float, stop: float, period: float, unit: str | None = None
    ) -> dict[str, dict[float, Distribution]]:
        """By unit, the values of each period that has any, by the period's start. Periods are
        `period` seconds of this machine, counted from `start`."""
        found: dict[str, dict[float, Distribution]] = {}
        with self._lock:
            for its_unit, series in self._series.get(metric, {}).items():
                if unit not in (None, its_unit):
                    continue
                points: dict[float, Distribution] = {}
                for middle, values in series.between(start, stop):
                    begin = start + (middle - start) // period * period
                    if begin in points:
                        points[begin].add(values)
                    else:
                        points[begin] = Distribution.merged([values])
                if points:
                    found[its_unit] = dict(sorted(points.items()))
        return found

    def known(self, region: str, since: float = 0.0) -> list[Metric]:
        """The region's metrics with a value after `since`, by namespace, name and dimensions."""
        with self._lock:
            found = [
                metric
                for metric, units in self._series.items()
                if metric.region == region and any(s.newest > since for s in units.values())
            ]
        return sorted(found, key=lambda m: (m.namespace, m.name, m.dimensions))

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write()
        self._history.close()

    def _keep(self) -> None:
        waited = 0.0
        while not self._stop.wait(WRITE_EVERY):
            waited += WRITE_EVERY
            try:
                if waited >= AGE_EVERY:
                    self._age()
                    waited = 0.0
                self._write()
            except Exception:
                log.exception("Metrics could not be saved")

    def _age(self) -> None:
        now = self._clock.now()
        with self._lock:
            for units in self._series.values():
                for series in units.values():
                    series.age(now)
            newest = {m: max(s.newest for s in units.values()) for m, units in self._series.items()}
            by_age = sorted(newest, key=newest.__getitem__)
            too_many = set(by_age[: max(0, len(by_age) - MOST_METRICS)])
            for metric in by_age:
                if metric in too_many or now - newest[metric] > FORGET_AFTER:
                    del self._series[metric]
                    self._history.forget(metric)

    def _write(self) -> None:
        with self._lock:
            rows = []
            for metric, units in self._series.items():
                for unit, series in units.items():
                    for place in series.changed:
                        values = series.at(place)
                        rows.append((metric, unit, place, values.to_json() if values else None))
                    series.changed.clear()
        self._history.write(self._tiers, rows)
