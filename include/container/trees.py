"""A gradient-boosted tree model as plain arrays: between XGBoost's files and other runtimes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

TRANSFORMS = {
    "reg:squarederror": "identity",
    "reg:squaredlogerror": "identity",
    "reg:pseudohubererror": "identity",
    "rank:pairwise": "identity",
    "rank:ndcg": "identity",
    "rank:map": "identity",
    "binary:logitraw": "identity",
    "reg:logistic": "sigmoid",
    "binary:logistic": "sigmoid",
    "reg:gamma": "exp",
    "reg:tweedie": "exp",
    "count:poisson": "exp",
    "binary:hinge": "step",
    "multi:softprob": "softmax",
    "multi:softmax": "argmax",
}
"""How an objective turns the sum of its trees into what ``predict`` returns."""


@dataclass(frozen=True)
class Tree:
    """One tree, its nodes numbered breadth first from the root, 0; every array is (nodes,).

    A row goes left when its feature is below ``value`` (float32 comparison), and where
    ``default_left`` says when it is missing. In a leaf (``left`` = -1) ``value`` is the output.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    parent: NDArray[np.int32]
    feature: NDArray[np.int32]
    default_left: NDArray[np.bool_]
    value: NDArray[np.float32]
    gain: NDArray[np.float32]
    cover: NDArray[np.float32]


@dataclass(frozen=True)
class Ensemble:
    """A whole model: the trees, the output each adds to, and what is done with the sums.

    ``base_score`` is as XGBoost keeps it: in terms of what ``predict`` returns where the transform is
    a sigmoid or an exponential. ``classes`` is the number of outputs, 1 unless multi-class.
    """

    objective: str
    features: int
    classes: int
    base_score: float
    trees: tuple[Tree, ...]
    output_of_tree: tuple[int, ...]

    @property
    def transform(self) -> str:
        """One of the values of TRANSFORMS."""
        return TRANSFORMS[self.objective]

    @property
    def margin(self) -> float:
        """What is added to the sum of the trees before the transform."""
        if self.transform == "sigmoid":
            return float(np.log(self.base_score / (1 - self.base_score)))
        if self.transform == "exp":
            return float(np.log(self.base_score))
        return self.base_score


def from_booster(booster: Any) -> Ensemble:
    """The trees of an ``xgboost.Booster``.

    Raises:
        ValueError: the model has something that this form cannot hold; see ``from_json``.
    """
    return from_json(json.loads(bytes(booster.save_raw("json"))))


def from_json(model: Mapping[str, Any]) -> Ensemble:
    """The trees of a model in XGBoost's JSON (written by 1.0 or later).

    Raises:
        ValueError: not a ``gbtree`` booster, trees with categorical splits or several outputs per
            leaf, a base score per output, or an objective that is not in TRANSFORMS.
    """
    learner = model["learner"]
    booster = learner["gradient_booster"]
    parameters = learner["learner_model_param"]
    objective = learner["objective"]["name"]
    if booster["name"] != "gbtree":
        raise ValueError(f"the booster is {booster['name']!r}; only gbtree has trees alone")
    if objective not in TRANSFORMS:
        raise ValueError(
            f"the objective is {objective!r}; supported are {', '.join(sorted(TRANSFORMS))}"
        )
    if int(parameters.get("num_target", 1)) > 1:
        raise ValueError(f"the model has {parameters['num_target']} targets; one is supported")
    trees = tuple(_tree(tree) for tree in booster["model"]["trees"])
    features = int(parameters["num_feature"])
    if any(tree.feature[tree.left >= 0].max(initial=-1) >= features for tree in trees):
        raise ValueError(f"a split is on a feature beyond the model's {features}")
    return Ensemble(
        objective=objective,
        features=features,
        classes=max(1, int(parameters["num_class"])),
        base_score=_base_score(parameters["base_score"]),
        trees=trees,
        output_of_tree=tuple(booster["model"]["tree_info"]),
    )


def _base_score(text: str) -> float:
    """A number, or since XGBoost 3.1 a list, of which one with a single element is taken."""
    scores = json.loads(text)
    if isinstance(scores, list):
        if len(scores) != 1:
            raise ValueError(f"the model has {len(scores)} base scores; one is supported")
        scores = scores[0]
    return float(np.float32(scores))


def _tree(tree: Mapping[str, Any]) -> Tree:
    if tree.get("categories_nodes"):
        raise ValueError(
            "the model has categorical splits; encode categories as numbers before training"
        )
    if int(tree["tree_param"].get("size_leaf_vector") or 1) > 1:
        raise ValueError("the trees have several outputs per leaf (multi_output_tree)")
    left = np.asarray(tree["left_children"], np.int32)
    right = np.asarray(tree["right_children"], np.int32)
    order = _breadth_first(left, right)
    place = np.full(len(left) + 1, -1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    parent = np.full(len(order), -1, np.int32)
    new_left, new_right = place[left[order]], place[right[order]]
    inner = np.flatnonzero(new_left >= 0)
    parent[new_left[inner]] = inner
    parent[new_right[inner]] = inner
    return Tree(
        left=new_left,
        right=new_right,
        parent=parent,
        feature=np.asarray(tree["split_indices"], np.int64)[order].astype(np.int32),
        default_left=np.asarray(tree["default_left"], np.bool_)[order],
        value=np.asarray(tree["split_conditions"], np.float32)[order],
        gain=np.asarray(tree["loss_changes"], np.float32)[order],
        cover=np.asarray(tree["sum_hessian"], np.float32)[order],
    )


def _breadth_first(left: NDArray[np.int32], right: NDArray[np.int32]) -> list[int]:
    """Nodes that the root reaches; pruned ones stay behind."""
    order, seen = [0], {0}
    for node in order:
        if left[node] < 0:
            continue
        children = {int(left[node]), int(right[node])}
        if len(children) < 2 or children & seen or min(children) < 0 or max(children) >= len(left):
            raise ValueError(f"the children {children} of node {node} do not make a tree")
        order += [int(left[node]), int(right[node])]
        seen |= children
    return order
