"""One region of an AWS account, and what cleaning up knows of where it is and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from frugal.cost.prices import PriceTable

Connect = Callable[[str, str | None], Any]

HOURS_A_MONTH = 730  # as AWS's own calculator has it


@dataclass(frozen=True)
class Account:
    """`connect(service, region)` gives boto3 clients, `number` is the account's own, and `clock` the time that
    everything is judged by. What is kept between two nights stands below s3://<bucket>/cleanup/.

    `looks` counts the Describe calls that were "made", and `seen` is what several kinds ask for, once a night.
    """

    connect: Connect
    region: str
    number: str
    environment: str
    bucket: str
    prices: PriceTable
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    looks: Counter[str] = field(default_factory=Counter)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """A boto3 client in this region."""
        return self.connect(service, self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a thing in this region."""
        partition = self.client("sagemaker").meta.partition
        return f"arn:{partition}:{service}:{self.region}:{self.number}:{resource}"

    def monthly(self, instance: str | None, instances: float = 1) -> float | None:
        """Dollars a month of so many instances of a type; None when the price is unknown."""
        if instances == 0:
            return 0.0
        hour = self.prices.hour(instance, self.region)
        return None if hour is None else hour * HOURS_A_MONTH * instances


Recipe = Mapping[str, Any]
