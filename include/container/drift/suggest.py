"""The baseline that Model Monitor's analyzer suggests for a data set of rows as they are served."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv
import pyarrow.parquet as pq

from container.baseline import baseline
from container.features import FeatureSchema


def suggest(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """statistics.json and constraints.json of the data set, whose first column is the model's output."""
    table = read(environ)
    types = {name: _kind(table[name]) for name in table.column_names}
    categories = {
        name: sorted(pc.unique(table[name].drop_null()).to_pylist())
        for name, kind in types.items()
        if kind == "category"
    }
    output, *inputs = table.column_names
    with TemporaryDirectory() as directory:
        pq.write_table(table, Path(directory) / "rows.parquet")
        return baseline(Path(directory), FeatureSchema(inputs, output, types, categories))


def read(environ: Mapping[str, str]) -> pa.Table:
    """Every row below ``dataset_source``, as ``dataset_format`` says.

    Raises:
        ValueError: the format is neither CSV with a header nor Parquet, or there are no rows.
    """
    form = json.loads(environ["dataset_format"])
    directory = Path(environ["dataset_source"])
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    if "parquet" in form:
        tables = [pq.read_table(path) for path in files]
    elif form.get("csv", {}).get("header") in (True, "true"):
        tables = [csv.read_csv(path) for path in files]
    else:
        raise ValueError(f"a baseline is made of CSV with a header or of Parquet, not of {form}")
    if not any(table.num_rows for table in tables):
        raise ValueError(f"{directory} holds no rows")
    return pa.concat_tables(tables)


def _kind(column: pa.ChunkedArray) -> str:
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return "integer"
    return "float" if pa.types.is_floating(column.type) else "category"
