"""The compiler behind the local CreateCompilationJob: an XGBoost 1.3.3 model becomes ONNX.

Reads ``input/config/compilation.json`` ({"InputConfig", "OutputConfig"} of the request) and
``input/model/`` (the archive, unpacked); leaves the artefact's files in ``output/compiled/``.
What cannot be compiled is one line in ``output/failure``, worded as Neo's errors are
("Troubleshoot Neo compilation errors", developer guide), and exit code 1.

Neo's own compiler makes machine code for the target; here every CPU target gives the same ONNX
graph, run by ONNX Runtime behind the same ``dlr`` interface. Only XGBoost is compiled locally.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[2]))

from _neo_model import InvalidModelError, read

from container.onnx_trees import to_onnx

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))

SUPPORTED = {
    "DARKNET": "",
    "KERAS": "2.2.4",
    "MXNET": "1.8.0",
    "ONNX": "1.7.0",
    "PYTORCH": "1.4-1.8, 1.12, 1.13, 2.0",
    "SKLEARN": "",
    "TENSORFLOW": "1.15.3, 2.9",
    "TFLITE": "",
    "XGBOOST": "1.3.3",
}
"""Neo's frameworks and the versions it stopped at (developer guide, "Supported instance types and
frameworks", cloud instances; the empty ones are for edge devices)."""

CPU_TARGETS = frozenset({"ml_m4", "ml_m5", "ml_c4", "ml_c5"})
"""Cloud targets that Neo lists for XGBoost; GPU and Inferentia targets take no trees."""


class CompilationError(Exception):
    """What DescribeCompilationJob returns as FailureReason."""


def main() -> int:
    """Compile; return the exit code."""
    config = json.loads((BASE / "input/config/compilation.json").read_text("utf-8"))
    try:
        compile_model(config["InputConfig"], config["OutputConfig"])
    except CompilationError as error:
        print(error, file=sys.stderr)
        (BASE / "output").mkdir(parents=True, exist_ok=True)
        (BASE / "output/failure").write_text(str(error), encoding="utf-8")
        return 1
    return 0


def compile_model(source: Mapping[str, Any], target: Mapping[str, Any]) -> None:
    """Write the artefact of the model in ``input/model``.

    Raises:
        CompilationError: a framework, version, target or model that Neo refuses, or that only the
            local compiler lacks; the text says which.
    """
    _check_framework(source["Framework"], source.get("FrameworkVersion"))
    device = target.get("TargetDevice") or json.dumps(target.get("TargetPlatform"))
    if device not in CPU_TARGETS:
        raise CompilationError(
            f"ClientError: InputConfiguration: XGBoost models are compiled for"
            f" {', '.join(sorted(CPU_TARGETS))}, not for {device}"
        )
    models = sorted((BASE / "input/model").rglob("*.model"))
    if len(models) != 1:
        found = ", ".join(model.name for model in models) or "none"
        raise CompilationError(
            "ClientError: InputConfiguration: Exactly one XGBoost model file (*.model) is expected"
            f" in the archive; found {found}"
        )
    try:
        ensemble = read(models[0])
    except InvalidModelError as error:
        raise CompilationError(
            "ClientError: InputConfiguration: Invalid XGBoost model. Please make sure the"
            f" framework you select is correct. {error}"
        ) from error
    _check_shape(source.get("DataInputConfig"), ensemble.features)
    output = BASE / "output/compiled"
    output.mkdir(parents=True, exist_ok=True)
    (output / "compiled.onnx").write_bytes(to_onnx(ensemble).SerializeToString())
    description = {
        "compiler": "frugal-local",
        "features": ensemble.features,
        "objective": ensemble.objective,
        "target": device,
        "trees": len(ensemble.trees),
    }
    (output / "compiled.meta").write_text(json.dumps(description, indent=1), encoding="utf-8")
    print(f"Compiled {len(ensemble.trees)} trees over {ensemble.features} features for {device}")


def _check_framework(framework: str, version: str | None) -> None:
    versions = SUPPORTED.get(framework)
    if versions is None:
        raise CompilationError(f"ClientError: InputConfiguration: unknown framework {framework}")
    if framework != "XGBOOST":
        raise CompilationError(
            f"ClientError: InputConfiguration: {framework} models are not compiled by the local"
            f" Neo, which has XGBOOST alone; on AWS Neo takes {framework} {versions}".rstrip()
        )
    if version is not None and version != versions:
        raise CompilationError(
            f"ClientError: InputConfiguration: Framework version {version} is not supported for"
            f" {framework}; supported: {versions}"
        )


def _check_shape(text: str | None, features: int) -> None:
    """``DataInputConfig`` may be left out for XGBoost; given, its width has to be the model's."""
    if not text:
        return
    try:
        shapes = json.loads(text)
    except json.JSONDecodeError as error:
        raise CompilationError(
            f"ClientError: InputConfiguration: DataInputConfig is not JSON: {text}"
        ) from error
    shape = next(iter(shapes.values())) if isinstance(shapes, dict) and shapes else shapes
    if not isinstance(shape, list) or shape[-1:] != [features]:
        raise CompilationError(
            f"ClientError: InputConfiguration: Input has wrong shape in DataInputConfig: {text};"
            f" the model has {features} features"
        )


if __name__ == "__main__":
    sys.exit(main())
