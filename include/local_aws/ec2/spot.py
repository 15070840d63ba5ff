"""A spot market that is made up: prices that walk around their usual share of the on-demand price.

All of it follows from the seed and the time: the same seed tells the same prices for the same day.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any

import yaml

from local_aws.errors import AwsError

PRODUCT = "Linux/UNIX"
PERIOD = 6 * 3600  # seconds between two changes of a price
MEMORY = 8  # changes that a price is the mean of: it wanders instead of jumping
SWING = 0.6  # a price leaves its usual share by at most this part of it
HISTORY = 90 * 86400  # EC2 keeps that many seconds of prices
FEWEST_TYPES = 3  # EC2 scores fewer types "always low", here as LOW at best
LOW = 3


@cache
def _table() -> dict[str, Any]:
    text = Path(__file__).with_name("prices.yaml").read_text(encoding="utf-8")
    table: dict[str, Any] = yaml.safe_load(text)
    return table


@dataclass(frozen=True)
class Market:
    """The prices and scores of one seed."""

    seed: int

    def price(self, region: str, zone: str, instance: str, at: float) -> float:
        """USD an hour at a time (epoch seconds). Raises KeyError for an unknown region or type."""
        on_demand, share = _table()[region]["types"][instance]
        change = int(at // PERIOD)
        steps = [self._draw(zone, instance, change - back) for back in range(MEMORY)]
        drift = SWING * (2 * sum(steps) / MEMORY - 1)
        return round(float(min(on_demand, on_demand * share * (1 + drift))), 6)

    def score(self, region: str, types: int, at: float) -> int:
        """How likely a request for any of so many types succeeds in a region, 1 to 10."""
        score = 1 + int(10 * self._draw("score", region, int(at // PERIOD)))
        return min(score, LOW) if types < FEWEST_TYPES else score

    def _draw(self, *what: object) -> float:
        """A number from 0 to 1 that is always the same for the same things."""
        text = "\0".join(map(str, (self.seed, *what)))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48


def price_history(market: Market, region: str, params: dict[str, Any]) -> dict[str, Any]:
    """DescribeSpotPriceHistory: changes in the time asked for, newest first, and the one before."""
    if params.get("Filters"):
        raise AwsError(
            "InvalidParameterValue", "The local AWS takes the request's own members, not Filters"
        )
    now = time.time()
    end = min(params.get("EndTime", now), now)
    start = max(params.get("StartTime", now - HISTORY), now - HISTORY)
    found: list[dict[str, Any]] = [
        {
            "InstanceType": instance,
            "AvailabilityZone": zone,
            "AvailabilityZoneId": zone_id,
            "ProductDescription": PRODUCT,
            "SpotPrice": f"{market.price(region, zone, instance, change):.6f}",
            "Timestamp": datetime.fromtimestamp(change, UTC),
        }
        for instance, zone, zone_id in _asked(region, params)
        for change in range(int(start // PERIOD) * PERIOD, ceil(max(start, end)), PERIOD)
    ]
    newest_first = sorted(found, key=lambda entry: entry["Timestamp"], reverse=True)
    return {"SpotPriceHistory": newest_first, "NextToken": ""}


def placement_scores(market: Market, region: str, params: dict[str, Any]) -> dict[str, Any]:
    """GetSpotPlacementScores by region, or by zone; the best first."""
    instances = params.get("InstanceTypes", [])
    if not instances:
        text = "The local AWS scores instance types: give InstanceTypes"
        raise AwsError("InvalidParameterCombination", text)
    now = time.time()
    regions = [name for name in params.get("RegionNames", _table()) if name in _table()]
    scores: list[dict[str, Any]] = []
    for name in regions:
        score = market.score(name, len(set(instances)), now)
        if params.get("SingleAvailabilityZone"):
            zones = _table()[name]["zones"].values()
            scores += [{"Region": name, "AvailabilityZoneId": z, "Score": score} for z in zones]
        else:
            scores.append({"Region": name, "Score": score})
    return {"SpotPlacementScores": sorted(scores, key=lambda s: -s["Score"]), "NextToken": ""}


def _asked(region: str, params: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Instance type, zone and zone id of every price that is asked for and known."""
    if region not in _table() or PRODUCT not in params.get("ProductDescriptions", [PRODUCT]):
        return
    market = _table()[region]
    for instance in params.get("InstanceTypes", market["types"]):
        if instance not in market["types"]:
            continue
        for zone, zone_id in market["zones"].items():
            wanted = (
                params.get("AvailabilityZone", zone),
                params.get("AvailabilityZoneId", zone_id),
            )
            if wanted == (zone, zone_id):
                yield instance, zone, zone_id
