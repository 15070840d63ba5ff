"""From Parquet and JSON to the numbers a model sees."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from container.features import FeatureSchema
from container.splits import row_groups

from .conftest import COLUMNS, SPEC

TABLE = pa.table(
    {
        "day": pa.array([dt.date(1970, 1, 2), dt.date(2015, 5, 27), None]),
        "rooms": pa.array([3, None, 2**24]),
        "area": pa.array([1.5, float("nan"), None]),
        "garden": pa.array([True, False, None]),
        "kind": pa.array(["kind b", "unheard of", None]).dictionary_encode(),
        "seen": pa.array([60_000_000, None, None]).cast(pa.timestamp("us")),
        "price": pa.array([10.0, 20.0, 30.0]),
    }
)
SCHEMA = FeatureSchema(
    SPEC["data"]["features"], "price", COLUMNS, {"kind": ["kind a", "kind b", "kind c"]}
)


def test_every_type_becomes_a_number() -> None:
    nan = np.nan
    np.testing.assert_array_equal(
        SCHEMA.matrix(TABLE),
        np.array(
            [
                [1, 3, 1.5, 1, 1, 60],
                [16582, nan, nan, 0, nan, nan],
                [nan, 2**24, nan, nan, nan, nan],
            ],
            dtype=np.float32,
        ),
    )
    assert SCHEMA.matrix(TABLE).dtype == np.float32
    assert SCHEMA.labels(TABLE).tolist() == [10, 20, 30]


def test_json_gives_the_same_numbers_as_parquet() -> None:
    first = {
        "day": "1970-01-02",
        "rooms": 3,
        "area": 1.5,
        "garden": True,
        "kind": "kind b",
        "seen": "1970-01-01T00:01:00",
        "of no use": 1,
    }
    rows = SCHEMA.encode([first, {"day": "2015-05-27", "garden": False}])
    np.testing.assert_array_equal(rows, SCHEMA.matrix(TABLE)[:2])


@pytest.mark.parametrize("written", ["1970-01-01T00:01:00Z", "1970-01-01T02:01:00+02:00"])
def test_a_time_with_its_zone_is_that_time(written: str) -> None:
    assert SCHEMA.encode([{"seen": written}])[0, 5] == 60


def test_category_order_does_not_depend_on_the_files(tmp_path: Path) -> None:
    learned = []
    for name, order in (("a", ["z", "b", None, "a"]), ("b", ["a", "z", "b", "b"])):
        columns = {n: pa.nulls(4) for n in SPEC["data"]["features"]}
        table = pa.table(columns | {"kind": pa.array(order).dictionary_encode()})
        (tmp_path / name).mkdir()
        pq.write_table(table, tmp_path / name / "part.parquet", row_group_size=2)
        learned.append(FeatureSchema.learn(SPEC["data"], tmp_path / name))
    assert learned[0] == learned[1]
    assert learned[0].categories == {"kind": ["a", "b", "z"]}


def test_the_schema_survives_its_file(tmp_path: Path) -> None:
    SCHEMA.save(tmp_path)
    assert FeatureSchema.load(tmp_path) == SCHEMA


def test_a_string_is_no_feature(tmp_path: Path) -> None:
    data: dict[str, Any] = {**SPEC["data"], "features": ["id"]}
    with pytest.raises(ValueError, match=r"data\.columns\.id\.type is string.*allowed.*category"):
        FeatureSchema.learn(data, tmp_path)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(KeyError, match="no column 'rooms' among area"):
        SCHEMA.matrix(TABLE.select(["area"]).append_column("day", TABLE["day"]))


def test_row_groups_stream_in_order(splits: Path) -> None:
    groups = list(row_groups(splits / "train", ["id"]))
    assert [group.num_rows for group in groups] == [600, 600, 300] * 2
    ids = [value for group in groups for value in group["id"].to_pylist()]
    assert ids == [f"0-{i}" for i in range(3000)]


def test_an_empty_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no Parquet file in"):
        list(row_groups(tmp_path))
    (tmp_path / "test").mkdir()
    pq.write_table(TABLE.slice(0, 0), tmp_path / "test" / "part.parquet")
    with pytest.raises(ValueError, match="the test split has no row: there is too little data"):
        list(row_groups(tmp_path / "test"))
