"""Metrics against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from container import metrics


def test_regression() -> None:
    found = metrics.compute("rmse", [1.0, 2.0, 4.0], [2.0, 2.0, 2.0])
    assert found == {
        "rmse": pytest.approx(math.sqrt(5 / 3)),
        "mae": pytest.approx(1.0),
        "mape": pytest.approx((1 + 0 + 0.5) / 3),
        "r2": pytest.approx(1 - 5 / (14 / 3)),
    }


def test_what_the_rows_do_not_define_is_left_out() -> None:
    assert set(metrics.compute("mae", [0.0, 0.0], [1.0, 1.0])) == {"rmse", "mae"}
    with pytest.raises(ValueError, match="r2 is not defined on these 2 rows"):
        metrics.compute("r2", [3.0, 3.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="auc is not defined"):
        metrics.compute("auc", [1, 1], [0.5, 0.6])


def test_auc_is_the_share_of_ordered_pairs() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 200)
    scores = np.round(random.random(200) + 0.3 * labels, 1)
    positive, negative = scores[labels == 1][:, None], scores[labels == 0]
    pairs = np.mean((positive > negative) + 0.5 * (positive == negative))
    assert metrics.compute("auc", labels, scores)["auc"] == pytest.approx(pairs)


def test_accuracy_of_two_and_of_more_classes() -> None:
    assert metrics.compute("accuracy", [1, 0, 1, 0], [0.9, 0.6, 0.5, 0.1])["accuracy"] == 0.75
    probabilities = [[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]
    assert metrics.compute("accuracy", [2, 1], probabilities) == {"accuracy": 0.5}


def test_accuracy_of_class_numbers() -> None:
    """What ``multi:softmax`` predicts."""
    assert metrics.compute("accuracy", [2, 1, 0, 2], [2.0, 1.0, 2.0, 0.0]) == {"accuracy": 0.5}
    assert metrics.compute("accuracy", [0, 1, 0], [2.0, 1.0, 1.0]) == {
        "accuracy": pytest.approx(1 / 3)
    }
    with pytest.raises(ValueError, match="auc is not defined"):
        metrics.compute("auc", [2, 1, 0], [2.0, 1.0, 2.0])


def test_an_unknown_metric_names_the_known() -> None:
    with pytest.raises(ValueError, match="'rsme'; allowed: rmse, mae, mape, r2, accuracy, auc"):
        metrics.compute("rsme", [1.0], [1.0])
