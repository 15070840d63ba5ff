"""The split: documented, stable, leak-proof."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from container.preprocess.hashing import hash_columns, hash_rows, seed_of, split_of
from tests.unit.container.preprocess.sales import Lab, row, rows, table

Value = str | int | float | bool | dt.date | dt.datetime

TWO_TO_64 = 2**64


def words_of(value: Value) -> list[int]:
    """The documented words of a value, in plain Python."""
    if isinstance(value, str):
        text = value.encode() + b"\x01"
        text += bytes(-len(text) % 8)
        return [int.from_bytes(text[at : at + 8], "little") for at in range(0, len(text), 8)]
    if isinstance(value, float):
        return [int(np.float64(value + 0.0).view(np.uint64))]
    if isinstance(value, dt.datetime):
        return [(value - dt.datetime(1970, 1, 1)) // dt.timedelta(microseconds=1) % TWO_TO_64]  # noqa: DTZ001
    if isinstance(value, dt.date):
        return [(value - dt.date(1970, 1, 1)).days % TWO_TO_64]
    return [int(value) % TWO_TO_64]


def reference(values: list[Value], salt: str) -> int:
    """The documented hash in plain Python."""
    state = int.from_bytes(hashlib.sha256(salt.encode()).digest()[:8], "little")
    for value in values:
        for word in words_of(value):
            x = ((state ^ word) + 0x9E3779B97F4A7C15) % TWO_TO_64
            x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) % TWO_TO_64
            x = ((x ^ x >> 27) * 0x94D049BB133111EB) % TWO_TO_64
            state = x ^ x >> 31
    return state


@pytest.mark.parametrize(
    ("values", "salt", "expected"),
    [
        (["7129300520"], "house-prices", 0x2CA31CCEF882817A),
        (["7129300520", dt.date(2014, 10, 13)], "house-prices", 0x1E899508054084AD),
        ([""], "", 0xDCDFE1A9C5E9DE),
        ([42], "a", 0x78A30A55A67612A1),
        ([-1.5], "a", 0x7CEFA05C0BF2A7DE),
        ([True], "a", 0x2E53E44568148225),
        ([dt.datetime(2014, 10, 13, 12)], "a", 0x5DA939EDCF2F0BB2),  # noqa: DTZ001
        (["Übergröße, 24 bytes!!"], "a", 0xFD796EE3798A17F2),
    ],
)
def test_the_hash_never_changes(values: list[Value], salt: str, expected: int) -> None:
    columns = pa.table({str(at): [value] for at, value in enumerate(values)})
    assert int(hash_columns(columns, columns.column_names, salt).state[0]) == expected
    assert reference(values, salt) == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.text(), st.integers(-(2**63), 2**63 - 1)), min_size=1), st.text())
def test_whole_columns_hash_as_documented(pairs: list[tuple[str, int]], salt: str) -> None:
    columns = pa.table(
        {
            "text": pa.array([text for text, _ in pairs], pa.string()),
            "number": pa.array([number for _, number in pairs], pa.int64()),
        }
    )
    found = hash_rows(columns, ["text"], ["text", "number"], salt)
    assert found.key is not None
    assert found.split.tolist() == [reference([text], salt) for text, _ in pairs]
    assert found.key.tolist() == [reference([text, number], salt) for text, number in pairs]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from("abcdefgh") | st.text(max_size=20), min_size=2, max_size=60))
def test_equal_keys_share_a_split_wherever_they_are(keys: list[str]) -> None:
    fractions = {"train": 0.5, "validation": 0.25, "test": 0.25}

    def labels(values: list[str], kind: pa.DataType) -> dict[str, int]:
        columns = pa.table({"key": pa.array(values, pa.string()).cast(kind)})
        split = split_of(hash_rows(columns, ["key"], [], "s").split, fractions)
        seen: dict[str, set[int]] = {}
        for value, label in zip(values, split.tolist(), strict=True):
            seen.setdefault(value, set()).add(label)
        assert all(len(found) == 1 for found in seen.values())
        return {value: found.pop() for value, found in seen.items()}

    whole = labels(keys, pa.string())
    assert labels(keys, pa.dictionary(pa.int32(), pa.string())) == whole
    assert labels(keys[::-1], pa.string()) == whole
    half = len(keys) // 2
    assert labels(keys[:half], pa.string()) | labels(keys[half:], pa.string()) == whole


def test_no_key_is_in_two_splits_of_a_data_set(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 4096)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 8192)
    for file in range(3):
        lab.put(
            f"{file}.csv", table(*(row(n, date=f"201{file}-01-0{1 + n % 9}") for n in range(600)))
        )
    lab.run()
    splits = [set(lab.ids(split)) for split in ("train", "validation", "test")]
    assert sum(map(len, splits)) == len(set().union(*splits)) == 600
    assert len(lab.ids()) == 1_800


def test_splits_have_the_shares_that_were_asked_for(lab: Lab) -> None:
    manifest = lab.run(table(*rows(20_000)))
    for split, share in (("train", 0.7), ("validation", 0.15), ("test", 0.15)):
        assert manifest["rows"][split] / 20_000 == pytest.approx(share, abs=0.01)


def test_the_salt_changes_the_split_and_nothing_else_does(labs: Callable[[], Lab]) -> None:
    first, turned, salted = labs(), labs(), labs()
    salted.spec["data"]["split"]["salt"] = "other"
    first.run(table(*rows(300)))
    turned.run(table(*reversed(rows(300)), row(1000)))
    salted.run(table(*rows(300)))
    assert set(first.ids("test")) == set(turned.ids("test")) - {"h1000"}
    assert first.ids("test") != salted.ids("test")


@pytest.mark.parametrize(
    ("fractions", "expected"),
    [
        ({"train": 1.0, "validation": 0.0, "test": 0.0}, [0, 0, 0, 0]),
        ({"train": 0.0, "validation": 0.0, "test": 1.0}, [2, 2, 2, 2]),
        ({"train": 0.7, "validation": 0.2, "test": 0.1}, [0, 0, 1, 2]),
    ],
)
def test_shares_are_exact_to_the_last_bit(fractions: dict[str, float], expected: list[int]) -> None:
    boundary = int(Decimal("0.7") * TWO_TO_64)
    states = np.array([0, boundary - 1, boundary, TWO_TO_64 - 1], dtype=np.uint64)
    assert split_of(states, fractions).tolist() == expected


def test_a_split_without_rows_still_has_a_file_with_the_schema(lab: Lab) -> None:
    lab.spec["data"]["split"] |= {"train": 1.0, "validation": 0.0, "test": 0.0}
    lab.run(table(*rows(10)))
    assert lab.written("test").num_rows == 0
    assert lab.written("test").schema == lab.written("train").schema


def test_salts_give_different_seeds() -> None:
    assert len({seed_of(str(number)) for number in range(1_000)}) == 1_000
