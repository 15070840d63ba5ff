"""What keeping objects in S3 costs, and what moving them to another storage class saves.

Facts about the classes (S3 User Guide, "Understanding and managing Amazon S3 storage classes", and its page about
transitions): an object in STANDARD_IA or GLACIER_IR bills 128 KB and 30 or 90 days at least; lifecycle rules leave
objects below 128 KB where they are; INTELLIGENT_TIERING bills a fee for watching each object, and moves what nobody
reads to cheaper tiers after 30 and 90 days. A transition is a request for each object. None of it was verified
against a bill.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from frugal.cost.prices import PriceTable
from frugal.spec.retention import StorageClass

KB, GB = 1024, 1024**3
DAYS_A_MONTH = 365 / 12
MONTH = timedelta(days=DAYS_A_MONTH)
#: Objects that a lifecycle rule moves have more bytes, unless it names another size.
SMALLEST = 128 * KB
LARGEST = 50 * 1024 * GB  # of an object in S3
MINIMUM_DAYS: dict[StorageClass, int] = {
    "INTELLIGENT_TIERING": 0,
    "STANDARD_IA": 30,
    "GLACIER_IR": 90,
}
#: After so many days without a read an object of INTELLIGENT_TIERING lies in the tier of that name.
TIERS = (
    (0, "s3_standard_gb_month"),
    (30, "s3_infrequent_tier_gb_month"),
    (90, "s3_archive_instant_tier_gb_month"),
)


class UnknownPrice(LookupError):
    """The price table lacks a price that a decision needs."""


@dataclass(frozen=True)
class Saving:
    """What one object saves over its life, in USD: `per_gb` for each GB of it, less `per_object`."""

    per_gb: float
    per_object: float

    @property
    def break_even(self) -> int | None:
        """Bytes from which moving an object saves, 128 KB at least; None when no size that S3 takes does."""
        if self.per_gb * LARGEST / GB <= self.per_object:
            return None
        return max(SMALLEST, round(self.per_object / self.per_gb * GB))

    def of(self, objects: int, size: int) -> float:
        """USD that `objects` of `size` bytes together save."""
        return self.per_gb * size / GB - self.per_object * objects


def month(table: PriceTable, region: str, size: int) -> float | None:
    """USD a month for `size` bytes in STANDARD, at the price of the first 50 TB; None when unknown."""
    price = table.usage("s3_standard_gb_month", region)
    return None if price is None else price * size / GB


def saving(
    table: PriceTable, region: str, storage_class: StorageClass, kept: timedelta, reads: float
) -> Saving:
    """What an object saves that is moved out of STANDARD and goes `kept` later.

    `reads` is the share of its bytes that is read in a month. Raises UnknownPrice naming the first one that is missing.
    """

    def price(name: str) -> float:
        found = table.usage(name, region)
        if found is None:
            raise UnknownPrice(f"{name} in {region}")
        return found

    name = f"s3_{storage_class.lower()}"
    months, standard = kept / MONTH, price("s3_standard_gb_month")
    request = price(f"{name}_transition")
    if storage_class == "INTELLIGENT_TIERING":
        untouched = sum(
            price(tier) * max(0.0, min(kept.days, end) - start) / DAYS_A_MONTH
            for (start, tier), end in zip(TIERS, (30, 90, kept.days), strict=True)
        )
        share = min(1.0, reads)
        stored = share * standard * months + (1 - share) * untouched
        return Saving(standard * months - stored, request + price(f"{name}_object_month") * months)
    billed = max(kept, timedelta(days=MINIMUM_DAYS[storage_class])) / MONTH
    stored = price(f"{name}_gb_month") * billed
    retrieved = price(f"{name}_retrieval_gb") * reads * months
    return Saving(standard * months - stored - retrieved, request)
