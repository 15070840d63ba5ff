"""A window in Model Monitor's three files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from container.drift.checks import DRIFT, Check
from container.drift.limits import Limits
from container.drift.window import CategoryColumn, Column, Window
from container.moments import inferred_type, numeric_statistics, string_statistics

TYPES_OF_CHECK = {
    "feature": "baseline_drift_check",
    "prediction": "baseline_drift_check",
    "completeness": "completeness_check",
    "quality": "baseline_drift_check",
}


def statistics(window: Window) -> dict[str, Any]:
    """statistics.json: predictions under the target's name, as Model Monitor puts outputs first, then the
    features."""
    schema = window.schema
    columns: dict[str, Column | CategoryColumn] = {
        schema.target: window.predictions,
        **window.columns,
    }
    features = [
        {
            "name": name,
            "inferred_type": inferred_type(schema.types[name]),
            **_statistics(column),
        }
        for name, column in columns.items()
    ]
    return {"version": 0.0, "dataset": {"item_count": window.rows}, "features": features}


def constraints(window: Window, baseline: Mapping[str, Any]) -> dict[str, Any]:
    """constraints.json: what the window itself would suggest."""
    features = []
    for name, column in {
        window.schema.target: window.predictions,
        **window.columns,
    }.items():
        total = column.present + column.missing
        found: dict[str, Any] = {
            "name": name,
            "inferred_type": inferred_type(window.schema.types[name]),
            "completeness": column.present / total if total else 0.0,
        }
        if isinstance(column, Column):
            found["num_constraints"] = {"is_non_negative": bool(column.low >= 0)}
        else:
            found["string_constraints"] = {"domains": sorted(_counts(column))}
        features.append(found)
    return {
        "version": 0.0,
        "features": features,
        "monitoring_config": baseline["monitoring_config"],
    }


def violations(window: Window, checks: list[Check], limits: Limits) -> list[dict[str, str]]:
    """The list in constraint_violations.json: what is wrong with the rows, then what drifted."""
    found = _of_columns(window, limits)
    for name, column in window.columns.items():
        if name not in limits.ignore:
            found += _of_values(name, column, window, limits)
    found += [
        _violation(check.name, TYPES_OF_CHECK[check.about], check.reason)
        for check in checks
        if check.verdict == DRIFT and check.decides
    ]
    return found


def _of_columns(window: Window, limits: Limits) -> list[dict[str, str]]:
    expected = len(window.columns)
    total = window.rows + window.widths.total()
    found = []
    for width, count in sorted(window.widths.items()):
        if count > limits.unlike * total:
            side = "missing" if width < expected else "extra"
            text = (
                f"There are {side} columns in current dataset. Number of columns in current dataset: "
                f"{width}, Number of columns in baseline constraints: {expected} ({count:,} of {total:,} rows)"
            )
            found.append(_violation(f"{side.capitalize()} columns", f"{side}_column_check", text))
    for side, names in (("missing", window.absent), ("extra", window.extra)):
        for name, count in sorted(names.items()):
            enough = total if side == "missing" else limits.unlike * total
            if count >= max(enough, 1) and name not in limits.ignore:
                text = (
                    f"{count:,} of {total:,} rows {'lack' if side == 'missing' else 'have'} {name}"
                )
                found.append(_violation(name, f"{side}_column_check", text))
    return found


def _of_values(
    name: str, column: Column | CategoryColumn, window: Window, limits: Limits
) -> list[dict[str, str]]:
    found = []
    wrong = column.wrong
    kind = inferred_type(window.schema.types[name])
    if isinstance(column, Column) and kind == "Integral" and column.present:
        sample = column.sample()
        weights = np.ones(len(sample.values)) if sample.upto is None else np.diff(sample.upto)
        wrong += int(weights[sample.values != np.rint(sample.values)].sum())
    if window.rows >= limits.min_samples and wrong > limits.unlike * window.rows:
        text = (
            f"Data type match requirement is not met. Expected data type: {kind}, Expected match: "
            f"{1 - limits.unlike:.0%}. Observed: Only {1 - wrong / window.rows:.1%} of data is {kind}."
        )
        found.append(_violation(name, "data_type_check", text))
    if isinstance(column, CategoryColumn):
        unseen = column.unseen.total()
        if column.present >= limits.min_samples and unseen > limits.unlike * column.present:
            most = ", ".join(value for value, _ in column.unseen.most_common(5))
            text = (
                f"{unseen / column.present:.1%} of the values are categories that the baseline does not "
                f"know, most often {most}"
            )
            found.append(_violation(name, "categorical_values_check", text))
    return found


def _violation(name: str, kind: str, text: str) -> dict[str, str]:
    return {"feature_name": name, "constraint_check_type": kind, "description": text}


def _counts(column: CategoryColumn) -> dict[str, int]:
    known = dict(zip(column.known, column.counts.tolist(), strict=True))
    return {value: count for value, count in known.items() if count} | dict(column.unseen)


def _statistics(column: Column | CategoryColumn) -> dict[str, Any]:
    if isinstance(column, CategoryColumn):
        return string_statistics(_counts(column), column.missing)
    if not column.present:
        return numeric_statistics(column, [], None)
    through = column.sample().through(column.edges[1:-1].astype(np.float32))
    bounds = np.concatenate([[0], through, [column.present]])
    return numeric_statistics(column, np.diff(bounds).astype(int).tolist(), column.sketch())
