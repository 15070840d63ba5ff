"""The training split as drift is measured against it, in Model Monitor's own files.

Processing inputs ``code`` and ``train`` (Parquet), output ``baseline``: statistics.json and
constraints.json (SageMaker developer guide, "Schema for Statistics" and "Schema for Constraints"),
and beside them reference.parquet, rows for `container.drift` to test against (`container.reference`).
That Model Monitor itself reads the first two is not verified.

Both list the target, then the features in the order of a request, as the numbers that the endpoint
takes (see `container.features`); a category is a String with its own values, where a
request carries their positions. Like Model Monitor's, a distribution has ten buckets of equal
width and a KLL sketch.

Row groups stream by twice: once for moments, range and sketch, once to count the buckets.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from container import reference
from container.features import FeatureSchema
from container.kll import Sketch
from container.moments import (
    BUCKETS,
    Moments,
    Vector,
    inferred_type,
    numeric_statistics,
    string_statistics,
)
from container.paths import load_spec, processing_input, processing_output, write_exit_message
from container.splits import row_groups

MONITORING_CONFIG = {
    "evaluate_constraints": "Enabled",
    "emit_metrics": "Enabled",
    "datatype_check_threshold": 1.0,
    "domain_content_threshold": 1.0,
    "distribution_constraints": {
        "perform_comparison": "Enabled",
        "comparison_threshold": 0.1,
        "comparison_method": "Robust",
        "categorical_comparison_threshold": 0.1,
        "categorical_drift_method": "LInfinity",
    },
}
"""What Model Monitor's own baselines ask for by default."""


class NumericColumn(Moments):
    """Statistics of an Integral or Fractional column."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.inferred_type = inferred_type(kind)
        self.sketch = Sketch()
        self.counts = np.zeros(BUCKETS, dtype=np.int64)

    def update(self, column: Vector) -> None:
        """First pass."""
        self.sketch.update(self.add(column))

    def count(self, column: Vector) -> None:
        """Second pass."""
        if self.present:
            values = column[~np.isnan(column)]
            self.counts += np.histogram(values, bins=self.edges)[0]

    def statistics(self) -> dict[str, Any]:
        return numeric_statistics(self, self.counts.tolist(), self.sketch)

    def constraints(self) -> dict[str, Any]:
        return {"num_constraints": {"is_non_negative": bool(self.low >= 0)}}


class StringColumn:
    """Statistics of a category column."""

    inferred_type = "String"

    def __init__(self, values: list[str]) -> None:
        self._values = values
        self._counts: Counter[str] = Counter()
        self.present = self.missing = 0

    def update(self, column: Vector) -> None:
        codes, counts = np.unique(column[~np.isnan(column)].astype(int), return_counts=True)
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
            self._counts[self._values[code]] += count
        self.present = self._counts.total()
        self.missing += int(np.isnan(column).sum())

    def count(self, column: Vector) -> None:
        """Nothing is left to do in the second pass."""

    def statistics(self) -> dict[str, Any]:
        return string_statistics(self._counts, self.missing)

    def constraints(self) -> dict[str, Any]:
        return {"string_constraints": {"domains": sorted(self._counts)}}


def baseline(train: Path, schema: FeatureSchema) -> tuple[dict[str, Any], dict[str, Any]]:
    """statistics.json and constraints.json of a split."""
    names = [schema.target, *schema.features]
    columns: dict[str, NumericColumn | StringColumn] = {
        name: StringColumn(schema.categories[name])
        if schema.types[name] == "category"
        else NumericColumn(schema.types[name])
        for name in names
    }
    rows = 0
    for table in row_groups(train, names):
        rows += table.num_rows
        for name, column in columns.items():
            column.update(schema.column(table, name))
    for table in row_groups(train, names):
        for name, column in columns.items():
            column.count(schema.column(table, name))
    statistics = {
        "version": 0.0,
        "dataset": {"item_count": rows},
        "features": [
            {"name": name, "inferred_type": column.inferred_type, **column.statistics()}
            for name, column in columns.items()
        ],
    }
    constraints = {
        "version": 0.0,
        "features": [
            {
                "name": name,
                "inferred_type": column.inferred_type,
                "completeness": column.present / rows if rows else 0.0,
                **column.constraints(),
            }
            for name, column in columns.items()
        ],
        "monitoring_config": MONITORING_CONFIG,
    }
    return statistics, constraints


def main() -> None:
    train = processing_input("train")
    schema = FeatureSchema.learn(load_spec()["data"], train)
    statistics, constraints = baseline(train, schema)
    output = processing_output("baseline")
    (output / "statistics.json").write_text(json.dumps(statistics) + "\n")
    (output / "constraints.json").write_text(json.dumps(constraints, indent=2) + "\n")
    reference.write_rows(output, train, schema)
    rows = statistics["dataset"]["item_count"]
    print(f"baseline of {rows} rows, {len(statistics['features'])} columns", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        write_exit_message(f"{type(error).__name__}: {error}")
        raise
