"""What depends on the framework that trains a model, by ``train.framework`` of model.yaml.

A module has ``RUNTIME`` (framework and version, for people), ``portable(model_dir, path)`` (the archive that Neo
compiles) and ``graph(model_dir)`` (the model as ONNX). Only the module of the image's own framework can be imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

MODULES = {"xgboost": "container.boosting", "pytorch": "container.networks"}


def of(spec: Mapping[str, Any]) -> Any:
    """The module of a model's framework. Needs that framework's image."""
    return importlib.import_module(MODULES[spec["train"]["framework"]])
