"""Turns dealt out by weight."""

from __future__ import annotations

import math

import pytest

from local_aws.execution.traffic import Sample, Split


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 1 / 3, 0.5])
def test_nobody_has_more_than_their_share(share: float) -> None:
    split, had = Split(), 0
    for turns in range(1, 1000):
        had += split.turn({"old": 1 - share, "new": share}) == "new"
        assert had <= math.ceil(share * turns - 1e-9)
    assert had == pytest.approx(share * 999, abs=1)


def test_no_weight_is_no_turn() -> None:
    split = Split()
    assert {split.turn({"a": 0.0, "b": 0.1}) for _ in range(50)} == {"b"}


def test_all_are_alike_without_any_weight() -> None:
    split = Split()
    turns = [split.turn({"a": 0.0, "b": 0.0}) for _ in range(10)]
    assert turns.count("a") == turns.count("b") == 5


def test_weights_may_change() -> None:
    split = Split()
    split.turn({"a": 1.0, "b": 1.0})
    assert {split.turn({"a": 0.0, "b": 1.0}) for _ in range(20)} == {"b"}


@pytest.mark.parametrize(("fraction", "of_hundred"), [(0.0, 0), (0.3, 30), (1.0, 100), (2.0, 100)])
def test_a_sample(fraction: float, of_hundred: int) -> None:
    sample = Sample(fraction)
    assert sum(sample.takes() for _ in range(100)) == of_hundred
