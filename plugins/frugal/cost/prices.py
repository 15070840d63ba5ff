"""The dated price table. An unknown price is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from frugal.aws.settings import Settings


@dataclass(frozen=True)
class PriceTable:
    """On-demand prices an hour by region and instance type, and of usage by region and name, as of a day.

    `ec2` holds those of EC2's own instances, by EC2's names: a spot price is a share of one.
    """

    as_of: str
    currency: str
    hours: dict[str, dict[str, float]]
    usages: dict[str, dict[str, float]] = field(default_factory=dict)
    ec2: dict[str, dict[str, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> PriceTable:
        """The table in a prices.yaml."""
        document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        hours, ec2 = (
            {
                region: {instance: float(price["hour"]) for instance, price in prices.items()}
                for region, prices in document.get(section, {}).items()
            }
            for section in ("regions", "ec2")
        )
        usages = {
            region: {name: float(entry["price"]) for name, entry in entries.items()}
            for region, entries in document.get("usage", {}).items()
        }
        return cls(str(document["as_of"]), document["currency"], hours, usages, ec2)

    def hour(self, instance: str | None, region: str) -> float | None:
        """Price of one instance for one hour, or None when the table does not know it."""
        return self.hours.get(region, {}).get(instance or "")

    def spot_hour(self, instance: str, region: str, ec2_spot: float | None) -> float | None:
        """Estimated price of a spot instance for one hour, from EC2's spot price of its type; None when unknown.

        SageMaker publishes no spot price. This takes its discount to be EC2's: an estimate to rank by. What was paid is
        in the job's BillableTimeInSeconds.
        """
        hour = self.hour(instance, region)
        ec2_hour = self.ec2.get(region, {}).get(instance.removeprefix("ml."))
        if hour is None or ec2_hour is None or ec2_spot is None:
            return None
        return hour * min(1.0, ec2_spot / ec2_hour)

    def usage(self, name: str, region: str) -> float | None:
        """Price of one unit of what is not billed by the hour (see prices.yaml), or None when unknown."""
        return self.usages.get(region, {}).get(name)

    def cost(
        self, seconds: float, instance: str | None, region: str, instances: int = 1
    ) -> float | None:
        """Price of `instances` for `seconds`; 0 for no seconds, None when the price is unknown."""
        if seconds == 0:
            return 0.0
        hour = self.hour(instance, region)
        return None if hour is None else seconds / 3600 * hour * instances


@cache
def price_table() -> PriceTable:
    """The table that ships in include/prices/."""
    return PriceTable.read(Settings.load().include / "prices" / "prices.yaml")
