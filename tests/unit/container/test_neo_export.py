"""What can be exported for Neo and what cannot; that 1.3.3 reads it is a contract test."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb

from container import trees
from container.neo_export import MEMBER, export

RANDOM = np.random.default_rng(3)
ROWS = RANDOM.normal(size=(200, 3)).astype(np.float32)
LABELS = ROWS.sum(axis=1)


def train(labels: Any = LABELS, **parameters: object) -> xgb.Booster:
    return xgb.train({"max_depth": 3, **parameters}, xgb.DMatrix(ROWS, labels), 4)


def train_on_categories() -> xgb.Booster:
    frame = pd.DataFrame({"zip": pd.Categorical(RANDOM.integers(0, 5, 200))})
    matrix = xgb.DMatrix(frame, frame["zip"].cat.codes % 2, enable_categorical=True)
    return xgb.train({"max_cat_to_onehot": 1}, matrix, 2)


def test_archive_holds_one_model_file(tmp_path: Path) -> None:
    path = export(train(), tmp_path / "model.tar.gz")

    with tarfile.open(path) as archive:
        (member,) = archive.getmembers()
        content = archive.extractfile(member)
        assert content is not None
        assert member.name == MEMBER
        assert content.read(4) == b"binf"


@pytest.mark.parametrize(
    ("booster", "reason"),
    [
        (train_on_categories, "categorical splits"),
        (lambda: train(np.stack([LABELS, LABELS], axis=1)), "2 targets"),
        (
            lambda: train(
                np.stack([LABELS, LABELS], axis=1),
                multi_strategy="multi_output_tree",
                tree_method="hist",
            ),
            "2 targets",
        ),
        (lambda: train(objective="reg:absoluteerror"), "the objective is 'reg:absoluteerror'"),
        (lambda: train(booster="gblinear"), "'gblinear'; only gbtree"),
        (lambda: train(booster="dart"), "'dart'; only gbtree"),
    ],
)
def test_what_xgboost_1_3_3_cannot_hold_is_refused(
    tmp_path: Path, booster: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=f"XGBoost 1.3.3, the last that Neo reads.*{reason}"):
        export(booster(), tmp_path / "model.tar.gz")  # type: ignore[operator]
    assert not list(tmp_path.iterdir())


def test_path_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.tar\.gz"):
        export(train(), tmp_path / "model.json")


def test_pruned_nodes_are_left_out() -> None:
    pruned = train(gamma=40.0, max_depth=6)

    ensemble = trees.from_booster(pruned)

    kept = sum(len(tree.left) for tree in ensemble.trees)
    assert kept == sum(len(pruned[i].trees_to_dataframe()) for i in range(4))


@pytest.mark.parametrize("children", [([1, -1, -1], [1, -1, -1]), ([1, 0, -1], [2, 2, -1])])
def test_nodes_that_make_no_tree_are_refused(children: tuple[list[int], list[int]]) -> None:
    document = json.loads(bytes(train().save_raw("json")))
    tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
    tree["left_children"][:3], tree["right_children"][:3] = children

    with pytest.raises(ValueError, match="do not make a tree"):
        trees.from_json(document)
