"""A tree model as an ONNX graph, for ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from container.onnx_names import INPUT, OUTPUT
from container.trees import Ensemble, Tree

OPSETS = (("", 15), ("ai.onnx.ml", 3))
IR_VERSION = 8


def to_onnx(ensemble: Ensemble) -> onnx.ModelProto:
    """The graph ``features`` (rows, features) -> ``prediction`` (rows, outputs), both float32.

    A missing feature is NaN. Outputs are what XGBoost's ``predict`` returns, after the
    objective's transform: one column, or for ``multi:softprob`` a column per class.
    """
    sums = "prediction" if ensemble.transform == "identity" else "margin"
    columns = ensemble.classes if ensemble.transform == "softmax" else 1
    graph = helper.make_graph(
        [_trees(ensemble, sums), *_transform(ensemble.transform)],
        "trees",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["rows", ensemble.features])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["rows", columns])],
    )
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model


def _trees(ensemble: Ensemble, output: str) -> NodeProto:
    """All trees in one operator: their sums by output, and the base score's margin."""
    trees = ensemble.trees
    sizes = [len(tree.left) for tree in trees]
    inner = [tree.left >= 0 for tree in trees]
    leaves = [~mask for mask in inner]
    targets = [
        np.full(int(mask.sum()), target)
        for mask, target in zip(leaves, ensemble.output_of_tree, strict=True)
    ]
    all_inner = np.concatenate(inner)
    return helper.make_node(
        "TreeEnsembleRegressor",
        [INPUT],
        [output],
        domain="ai.onnx.ml",
        n_targets=ensemble.classes,
        aggregate_function="SUM",
        base_values=[ensemble.margin] * ensemble.classes,
        nodes_treeids=np.repeat(np.arange(len(trees)), sizes),
        nodes_nodeids=np.concatenate([np.arange(size) for size in sizes]),
        nodes_modes=np.where(all_inner, "BRANCH_LT", "LEAF").tolist(),
        nodes_featureids=_joined(trees, "feature") * all_inner,
        nodes_values=_joined(trees, "value") * all_inner,
        nodes_truenodeids=_joined(trees, "left") * all_inner,
        nodes_falsenodeids=_joined(trees, "right") * all_inner,
        nodes_missing_value_tracks_true=(_joined(trees, "default_left") & all_inner).astype(int),
        target_treeids=np.repeat(np.arange(len(trees)), [int(mask.sum()) for mask in leaves]),
        target_nodeids=np.concatenate([np.flatnonzero(mask) for mask in leaves]),
        target_ids=np.concatenate(targets),
        target_weights=_joined(trees, "value")[~all_inner],
    )


def _joined(trees: tuple[Tree, ...], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(tree, name) for tree in trees])


def _transform(name: str) -> list[NodeProto]:
    """Nodes from ``margin`` to ``prediction``; none for the identity."""
    node = helper.make_node
    to_float = {"to": TensorProto.FLOAT}
    return {
        "identity": [],
        "sigmoid": [node("Sigmoid", ["margin"], [OUTPUT])],
        "exp": [node("Exp", ["margin"], [OUTPUT])],
        "softmax": [node("Softmax", ["margin"], [OUTPUT], axis=1)],
        "argmax": [
            node("ArgMax", ["margin"], ["class"], axis=1, keepdims=1),
            node("Cast", ["class"], [OUTPUT], **to_float),
        ],
        "step": [
            node("Constant", [], ["zero"], value_float=0.0),
            node("Greater", ["margin", "zero"], ["above"]),
            node("Cast", ["above"], [OUTPUT], **to_float),
        ],
    }[name]
