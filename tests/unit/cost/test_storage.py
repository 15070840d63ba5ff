"""Moving objects to another storage class, with what AWS bills besides the storage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from frugal.cost.prices import PriceTable, price_table
from frugal.cost.storage import GB, SMALLEST, UnknownPrice, month, saving

REGION = "us-east-1"
YEAR = timedelta(days=365)


def test_a_year_in_glacier_saves_the_difference_less_a_request_for_each_object() -> None:
    found = saving(price_table(), REGION, "GLACIER_IR", YEAR, reads=0)
    assert found.of(1, GB) == pytest.approx(12 * (0.023 - 0.004) - 0.00002)
    assert found.break_even == SMALLEST


@pytest.mark.parametrize(
    ("storage_class", "days"),
    [("GLACIER_IR", 10), ("STANDARD_IA", 10), ("INTELLIGENT_TIERING", 30)],
)
def test_no_size_pays_for_what_goes_too_soon(storage_class: str, days: int) -> None:
    """Glacier bills 90 days, IA 30, and the tiers are STANDARD's price for 30."""
    found = saving(price_table(), REGION, storage_class, timedelta(days=days), reads=0)  # type: ignore[arg-type]
    assert found.break_even is None


def test_objects_have_to_be_larger_the_sooner_they_go() -> None:
    soon, late = (
        saving(price_table(), REGION, "GLACIER_IR", timedelta(days=days), reads=0).break_even
        for days in (20, 60)
    )
    assert soon is not None
    assert late is not None
    assert soon > late > SMALLEST
    short = saving(price_table(), REGION, "GLACIER_IR", timedelta(days=60), reads=0)
    assert short.of(1, late) == pytest.approx(0, abs=1e-9)


def test_what_is_read_often_stays() -> None:
    """0.03 dollars a GB read eat what 0.019 a month save."""
    assert saving(price_table(), REGION, "GLACIER_IR", YEAR, reads=1).break_even is None
    assert saving(price_table(), REGION, "INTELLIGENT_TIERING", YEAR, reads=1).break_even is None


def test_an_unknown_price_is_named() -> None:
    empty = PriceTable("2026-01-01", "USD", {})
    with pytest.raises(UnknownPrice, match="s3_standard_gb_month in eu-west-1"):
        saving(empty, "eu-west-1", "GLACIER_IR", YEAR, reads=0)
    assert month(empty, "eu-west-1", GB) is None
    assert month(price_table(), REGION, 2 * GB) == pytest.approx(0.046)
