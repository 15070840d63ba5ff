"""A trained booster in the form that SageMaker Neo compiles: what XGBoost 1.3.3 reads.

Neo's list of supported frameworks ends at XGBoost 1.3.3 and its input is one archive with one
``.model`` file (Neo developer guide, "Prepare model for compilation" and "Troubleshoot errors").
XGBoost 1.3.3 writes its binary form into files of that name; this module writes the same bytes
from any later booster whose trees that version can hold. That 1.3.3 itself loads the file and
predicts the same is tested; that Neo accepts it on AWS is not verified.
"""

from __future__ import annotations

import io
import os
import struct
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from container.trees import Ensemble, Tree, from_booster

MEMBER = "xgboost.model"
"""Name of the file in the archive; Neo wants exactly one ``*.model``."""

VERSION = (1, 3)
LEFT_CHILD = DEFAULT_LEFT = np.uint32(1 << 31)

LEARNER, MODEL, TREE = "<fIiiiII27i", "<iiiiqii32i", "<iiiiii31i"
"""``LearnerModelParamLegacy``, ``GBTreeModelParam`` and ``TreeParam`` of XGBoost 1.3.3."""

NODE = np.dtype(
    [("parent", "<i4"), ("left", "<i4"), ("right", "<i4"), ("split", "<u4"), ("value", "<f4")]
)
STATISTIC = np.dtype(
    [("gain", "<f4"), ("cover", "<f4"), ("weight", "<f4"), ("leaf_children", "<i4")]
)


def export(booster: Any, path: str | os.PathLike[str]) -> Path:
    """Write ``path``, a ``.tar.gz`` that holds the trees of an ``xgboost.Booster`` for Neo.

    Attributes, feature names and training parameters are left out. All trees are written: slice
    the booster (``booster[:best_iteration + 1]``) to predict with fewer.

    Raises:
        ValueError: ``path`` does not end in ``.tar.gz``, or XGBoost 1.3.3 cannot hold the model:
            categorical splits, several outputs per leaf or targets, a base score per output, a
            booster that is not ``gbtree``, an objective it does not know.
    """
    path = Path(path)
    if not path.name.endswith(".tar.gz"):
        raise ValueError(f"Neo takes a .tar.gz archive; {path.name!r} was to be written")
    try:
        model = encode(from_booster(booster))
    except ValueError as error:
        raise ValueError(
            f"XGBoost 1.3.3, the last that Neo reads, cannot hold it: {error}"
        ) from error
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(MEMBER)
        member.size = len(model)
        archive.addfile(member, io.BytesIO(model))
    return path


def encode(ensemble: Ensemble) -> bytes:
    """The file that XGBoost 1.3.3 writes for these trees (``learner.cc``, ``gbtree_model.h``)."""
    classes = ensemble.classes if ensemble.classes > 1 else 0
    learner = struct.pack(
        LEARNER, ensemble.base_score, ensemble.features, classes, 0, 0, *VERSION, *[0] * 27
    )
    model = struct.pack(MODEL, len(ensemble.trees), 1, 0, 0, 0, 1, 0, *[0] * 32)
    return b"".join(
        [
            b"binf",
            learner,
            _string(ensemble.objective),
            _string("gbtree"),
            model,
            *(_tree(tree, ensemble.features) for tree in ensemble.trees),
            np.asarray(ensemble.output_of_tree, "<i4").tobytes(),
        ]
    )


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode("ascii")


def _tree(tree: Tree, features: int) -> bytes:
    count = len(tree.left)
    nodes = np.zeros(count, NODE)
    is_left = np.zeros(count, np.bool_)
    is_left[tree.left[tree.left >= 0]] = True
    nodes["parent"] = (tree.parent.view(np.uint32) | LEFT_CHILD * is_left).view(np.int32)
    nodes["left"], nodes["right"] = tree.left, tree.right
    nodes["split"] = tree.feature.astype(np.uint32) | np.where(tree.default_left, DEFAULT_LEFT, 0)
    nodes["value"] = tree.value
    statistics = np.zeros(count, STATISTIC)
    statistics["gain"], statistics["cover"] = tree.gain, tree.cover
    header = struct.pack(TREE, 1, count, 0, 0, features, 0, *[0] * 31)
    return b"".join([header, nodes.tobytes(), statistics.tobytes()])
