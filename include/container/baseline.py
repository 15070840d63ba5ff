"""The training split as drift is measured against it, in Model Monitor's own files.

Processing inputs ``code`` and ``train`` (Parquet), output ``baseline``: statistics.json and
constraints.json (SageMaker developer guide, "Schema for Statistics" and "Schema for Constraints").
That Model Monitor itself reads them is not verified.

Both list the target, then the features in the order of a request, as the numbers that the endpoint
takes (see `container.features`); a category is a String with its own values, where a
request carries their positions. Like Model Monitor's, a distribution has ten buckets of equal
width and a KLL sketch.

Row groups stream by twice: once for moments, range and sketch, once to count the buckets.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from container.features import FeatureSchema
from container.kll import Sketch
from container.paths import load_spec, processing_input, processing_output, write_exit_message
from container.splits import row_groups

BUCKETS = 10
INTEGRAL = ("integer", "boolean", "date")

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

Vector: TypeAlias = npt.NDArray[np.float64]


class NumericColumn:
    """Statistics of an Integral or Fractional column."""

    def __init__(self, kind: str) -> None:
        self.inferred_type = "Integral" if kind in INTEGRAL else "Fractional"
        self.present = self.missing = 0
        self.mean = self.squares = self.total = 0.0
        self.low, self.high = math.inf, -math.inf
        self.sketch = Sketch()
        self.counts = np.zeros(BUCKETS, dtype=np.int64)

    def update(self, column: Vector) -> None:
        """First pass. Mean and squared deviations are merged as Chan et al. (1979) do."""
        values = column[~np.isnan(column)]
        self.missing += len(column) - len(values)
        if not len(values):
            return
        mean, before, count = float(values.mean()), self.present, len(values)
        delta = mean - self.mean
        self.present += count
        self.mean += delta * count / self.present
        self.squares += (
            float(((values - mean) ** 2).sum()) + delta**2 * before * count / self.present
        )
        self.total += float(values.sum())
        self.low, self.high = min(self.low, values.min()), max(self.high, values.max())
        self.sketch.update(values)

    def count(self, column: Vector) -> None:
        """Second pass."""
        if self.present:
            values = column[~np.isnan(column)]
            self.counts += np.histogram(values, bins=self.edges)[0]

    @property
    def edges(self) -> Vector:
        """Bounds of the buckets; a constant column gets buckets of no width but the last."""
        return np.linspace(self.low, self.high, BUCKETS + 1)

    def statistics(self) -> dict[str, Any]:
        common = {"num_present": self.present, "num_missing": self.missing}
        if not self.present:
            return {"numerical_statistics": {"common": common}}
        bounds = self.edges.tolist()
        buckets = [
            {"lower_bound": low, "upper_bound": high, "count": count}
            for low, high, count in zip(bounds[:-1], bounds[1:], self.counts.tolist(), strict=True)
        ]
        numbers = {
            "common": common,
            "mean": self.mean,
            "sum": self.total,
            "std_dev": math.sqrt(self.squares / self.present),
            "min": float(self.low),
            "max": float(self.high),
            "distribution": {"kll": {"buckets": buckets, "sketch": self.sketch.document()}},
        }
        return {"numerical_statistics": numbers}

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
        buckets = [{"value": v, "count": count} for v, count in self._counts.most_common()]
        common = {"num_present": self.present, "num_missing": self.missing}
        distribution = {"categorical": {"buckets": buckets}}
        return {
            "string_statistics": {
                "common": common,
                "distinct_count": float(len(buckets)),
                "distribution": distribution,
            }
        }

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
    rows = statistics["dataset"]["item_count"]
    print(f"baseline of {rows} rows, {len(statistics['features'])} columns", flush=True)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:
        write_exit_message(f"{type(error).__name__}: {error}")
        raise
