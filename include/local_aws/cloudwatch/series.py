"""The values of one metric over time, in buckets that widen with age, so that memory is bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from local_aws.cloudwatch.distribution import Distribution

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Tier:
    """Buckets of `width` seconds, kept for `kept` seconds."""

    width: float
    kept: float


def tiers(scale: float) -> tuple[Tier, ...]:
    """Finest first. An alarm's shortest Period, 10 s on the local clock, is a multiple of the
    finest; an alarm may look back for a day on the local clock; what is older is in buckets of
    60 s for a day and of 300 s for 15 days of this machine's time."""
    shortest = 10 * scale
    width = shortest / math.ceil(shortest)
    wanted = [
        Tier(width, 3 * HOUR * scale),
        Tier(MINUTE * scale, DAY * scale),
        Tier(MINUTE, DAY),
        Tier(5 * MINUTE, 15 * DAY),
    ]
    kept: list[Tier] = []
    for tier in wanted:
        if not kept or (tier.width > kept[-1].width and tier.kept > kept[-1].kept):
            kept.append(tier)
    return tuple(kept)


# A bucket: the number of its tier, and its start as a multiple of the tier's width.
Place = tuple[int, int]


class Series:
    """Buckets of one metric with one unit. `changed` collects the places to write to disk."""

    def __init__(self, kept: tuple[Tier, ...]) -> None:
        self._tiers = kept
        self._buckets: list[dict[int, Distribution]] = [{} for _ in kept]
        self.changed: set[Place] = set()
        self.newest = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def put(self, at: float, values: Distribution, now: float) -> None:
        """Add values to the finest bucket that still exists for their time; too old ones go."""
        for number, tier in enumerate(self._tiers):
            if now - at < tier.kept:
                self._add((number, math.floor(at / tier.width)), values)
                self.newest = max(self.newest, at)
                return

    def _add(self, place: Place, values: Distribution) -> None:
        number, index = place
        bucket = self._buckets[number].get(index)
        if bucket is None:
            self._buckets[number][index] = Distribution.merged([values])
        else:
            bucket.add(values)
        self.changed.add(place)

    def at(self, place: Place) -> Distribution | None:
        return self._buckets[place[0]].get(place[1])

    def between(self, start: float, stop: float) -> Iterator[tuple[float, Distribution]]:
        """(middle of the bucket, values) of the buckets whose middle is in [start, stop)."""
        for tier, buckets in zip(self._tiers, self._buckets, strict=True):
            first, last = math.floor(start / tier.width), math.ceil(stop / tier.width)
            indexes = range(first, last) if last - first < len(buckets) else buckets
            for index in indexes:
                middle = (index + 0.5) * tier.width
                if start <= middle < stop and (values := buckets.get(index)):
                    yield middle, values

    def age(self, now: float) -> None:
        """Move what its tier does not keep any longer into the next one, or out of the last."""
        for number, tier in enumerate(self._tiers):
            old = [i for i in self._buckets[number] if now - i * tier.width >= tier.kept]
            for index in old:
                values = self._buckets[number].pop(index)
                self.changed.add((number, index))
                if number + 1 < len(self._tiers):
                    wider = self._tiers[number + 1].width
                    start = (index + 0.5) * tier.width
                    self._add((number + 1, math.floor(start / wider)), values)
