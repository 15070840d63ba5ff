"""Whether the model still predicts as well as it did on the test split, once the truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats

from container import metrics
from container.drift.checks import Check, too_few
from container.drift.limits import Limits

RESAMPLES = 200
ROWS = 20_000
"""Rows of either side that are resampled."""


def quality(
    metric: str, baseline: tuple[Any, Any], window: tuple[Any, Any], limits: Limits
) -> Check:
    """``(predictions, labels)`` of both sides. The effect is the share of the baseline's value by which
    the metric is worse; the p-value is that of the difference over its bootstrapped standard errors,
    one-sided. A metric that is not defined on the rows is unknown.
    """
    check = Check(metric, "quality", len(window[1]), len(baseline[1]))
    if too_few(check, limits):
        return check
    try:
        was, was_error = _value(metric, *baseline)
        now, error = _value(metric, *window)
    except ValueError as problem:
        check.reason = f"{metric}: {problem}"
        return check
    worse = (was - now) if metric in metrics.HIGHER_IS_BETTER else (now - was)
    spread = float(np.hypot(was_error, error))
    check.test = "bootstrap"
    check.statistic = worse / spread if spread else float(np.sign(worse)) * 1e9
    check.p_value = float(stats.norm.sf(check.statistic))
    check.effects = {"quality": worse / abs(was) if was else worse, "baseline": was, "value": now}
    check.limits = {"quality": limits.quality}
    return check


def _value(metric: str, predicted: Any, labels: Any) -> tuple[float, float]:
    """The metric, and its standard error."""
    random = np.random.default_rng(0)
    if len(labels) > ROWS:
        chosen = random.choice(len(labels), ROWS, replace=False)
        predicted, labels = predicted[chosen], labels[chosen]
    value = metrics.compute(metric, labels, predicted)[metric]
    again = []
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(labels), len(labels))
        try:
            again.append(metrics.compute(metric, labels[rows], predicted[rows])[metric])
        except ValueError:
            continue
    return value, float(np.std(again)) if len(again) > 1 else float("inf")
