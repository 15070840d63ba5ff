"""Everything that an answer follows from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import yaml

from frugal.cost.prices import PriceTable
from frugal.cost.sizes import UTILIZATION
from frugal.serving.chooser.facts import ModelFacts
from frugal.serving.chooser.load import Load, waiting_p95
from frugal.spec import ModelSpec
from frugal.spec.traffic import Traffic

DAYS_A_MONTH = 365 / 12
MAX_INSTANCES = 100
HEADROOM = 1.25  # of memory, over what was measured


@dataclass(frozen=True)
class Instance:
    """An instance type that can host."""

    type: str
    vcpus: int
    memory_gb: float
    transform: bool = False


def instances(path: Path) -> tuple[Instance, ...]:
    """The types in an instances.yaml, in its order."""
    table: Mapping[str, Mapping[str, float]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(
        Instance(
            name,
            int(entry["vcpus"]),
            float(entry["memory_gb"]),
            bool(entry.get("transform", False)),
        )
        for name, entry in table.items()
    )


@dataclass(frozen=True)
class Question:
    """One model, what was measured of it, and what AWS charges in a region."""

    spec: ModelSpec
    facts: ModelFacts
    prices: PriceTable
    region: str
    instances: tuple[Instance, ...]

    @property
    def traffic(self) -> Traffic:
        """What model.yaml says of it. Raises NoTraffic when it says nothing."""
        traffic = self.spec.deploy.traffic
        if traffic is None:
            raise NoTraffic(
                f"{self.spec.name}: deploy.traffic is missing; the least is {{requests_per_day: 1000}}"
            )
        return traffic

    def fleet(self, load: Load, instance: Instance) -> list[int]:
        """Instances needed in each hour of the day; raises Overloaded when `MAX_INSTANCES` are too few."""
        needed = {rate: self.needed(rate * load.burst, instance) for rate in set(load.hourly)}
        return [needed[rate] for rate in load.hourly]

    def needed(self, rate: float, instance: Instance) -> int:
        """The fewest instances on which `rate` requests a second stay under the latency target."""
        least = max(1, ceil(rate / (UTILIZATION * self.capacity(instance))))
        counts = range(least, MAX_INSTANCES + 1)
        found = bisect_left(counts, True, key=lambda count: self._in_time(rate, instance, count))
        if found == len(counts):
            raise Overloaded(instance, rate)
        return counts[found]

    def _in_time(self, rate: float, instance: Instance, count: int) -> bool:
        """Whether so many do; more never do worse."""
        p95, target = self.p95_ms(rate, instance, count), self.traffic.latency_ms
        return p95 is not None and (target is None or p95 <= target)

    def capacity(self, instance: Instance) -> float:
        """Requests a second that one instance can do: as its load test measured, else by its vCPUs."""
        measured = self.facts.throughput.get(instance.type)
        return measured if measured else instance.vcpus * 1000 / self.facts.request_ms

    def p95_ms(self, rate: float, instance: Instance, count: int) -> float | None:
        """p95 of a request's time in the model and its queue; None when the instances cannot keep up."""
        service = instance.vcpus / self.capacity(instance)
        waiting = waiting_p95(rate, service, instance.vcpus * count)
        return (
            None if waiting is None else self.facts.request_ms * self.facts.spread + waiting * 1000
        )

    def fits(self, instance: Instance) -> bool:
        """Whether the model's server fits into the instance's memory."""
        return self.facts.memory_mb * HEADROOM <= instance.memory_gb * 1024

    def data_cost(self, load: Load) -> float | None:
        """A month of requests and responses through an endpoint, in USD; None when unknown."""
        price = self.prices.usage("endpoint_data_gb", self.region)
        kilobytes = self.traffic.payload_kb + self.traffic.response_kb
        return None if price is None else load.a_day * DAYS_A_MONTH * kilobytes / 1024**2 * price


class NoTraffic(Exception):
    """There is nothing to choose by."""


class Overloaded(Exception):
    """No number of instances that AWS gives by default is enough."""

    def __init__(self, instance: Instance, rate: float) -> None:
        super().__init__(
            f"{MAX_INSTANCES} {instance.type} do not keep {rate:,.0f} requests a second under the target"
        )
