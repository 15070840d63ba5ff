"""The unique key, across blocks, units and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.preprocess.duplicates import KeyRuns, sort_keys
from container.preprocess.run import TooManyBadRows
from tests.unit.container.preprocess.sales import Lab, row, rows, table


@pytest.fixture
def small_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 2048)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 4096)


@pytest.mark.usefixtures("small_units")
def test_the_first_row_keeps_its_key_and_later_ones_are_set_apart(lab: Lab) -> None:
    lab.put("a.csv", table(*rows(500), row(3, price=7777), row(4, price="bad")))
    lab.put("b.csv", table(row(499, price=8888), *rows(300, start=500), row(3, price=9999)))
    manifest = lab.run()

    assert lab.faults() == [
        ("a.csv", 503, "wrong_type: price: 'bad' is not a number"),
        ("a.csv", 502, "duplicate_key: id h3, date 2014-04-04 came before"),
        ("b.csv", 2, "duplicate_key: id h499, date 2014-08-24 came before"),
        ("b.csv", 303, "duplicate_key: id h3, date 2014-04-04 came before"),
    ]
    assert lab.quarantined()[1]["raw"] == row(3, price=7777)
    assert lab.ids() == sorted(f"h{n}" for n in range(800))
    assert set(lab.written()["price"].to_pylist()) == {100_000.0 + n for n in range(800)}
    assert manifest["rows"]["raw"] == 804
    assert sum(file["rows"] for file in manifest["files"]) == 800
    assert manifest["statistics"]["price"]["count"] == 800
    assert manifest["statistics"]["price"]["min"] == 100_000


@pytest.mark.usefixtures("small_units")
def test_a_file_that_comes_twice_leaves_one_copy(labs: Callable[[], Lab]) -> None:
    once, twice = labs(), labs()
    once.put("a.csv", table(*rows(400)))
    once.run()
    twice.put("a.csv", table(*rows(400)))
    twice.put("b.csv.gz", table(*rows(400)))
    twice.run()
    assert twice.ids() == once.ids()
    assert len(twice.faults()) == 400
    assert [at for _, at, _ in twice.faults()] == list(range(2, 402))


@pytest.mark.usefixtures("small_units")
def test_far_too_many_duplicates_are_counted_but_not_all_listed(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.preprocess.run.LISTED_ABOVE_LIMIT", 50)
    lab.spec["data"]["max_bad_rows"] = 0.01
    lab.put("a.csv", table(*rows(400)))
    lab.put("b.csv", table(*rows(400)))
    with pytest.raises(TooManyBadRows, match="400 of"):
        lab.run()
    assert len(lab.faults()) == 50


def test_a_bad_row_does_not_take_the_key(lab: Lab) -> None:
    lab.run(table(row(0), row(1, price="x"), row(1)))
    assert lab.ids() == ["h0", "h1"]


def test_without_a_key_nothing_is_a_duplicate(lab: Lab) -> None:
    lab.spec["data"]["key"] = None
    lab.run(table(row(0), row(0)))
    assert lab.ids() == ["h0", "h0"]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=30), max_size=6),
    st.integers(1, 64),
)
def test_runs_find_exactly_the_later_rows(
    tmp_path_factory: pytest.TempPathFactory,
    units: list[list[tuple[int, int]]],
    in_memory: int,
) -> None:
    """``key`` collides on purpose; ``second`` tells the keys apart."""
    seen: set[tuple[int, int]] = set()
    expected = []
    with (
        pytest.MonkeyPatch.context() as patch,
        KeyRuns(Path(tmp_path_factory.mktemp("runs")) / "keys.bin") as runs,
    ):
        patch.setattr("container.preprocess.duplicates._ROWS_IN_MEMORY", in_memory)
        for unit, pairs in enumerate(units):
            keys = np.array([key << 61 for key, _ in pairs], dtype=np.uint64)
            seconds = np.array([second for _, second in pairs], dtype=np.uint64)
            runs.add(unit, sort_keys(keys, seconds))
            for at, pair in enumerate(pairs):
                if pair in seen:
                    expected.append((unit, at))
                seen.add(pair)
        found = [(int(u), int(r)) for part in runs.duplicates() for u, r in part]
    assert sorted(found) == expected
