"""Where things are inside a SageMaker container.

Everything hangs off one base directory, ``/opt/ml`` on AWS. ``SAGEMAKER_BASE_DIR`` (the training
toolkit's own variable) moves it, which is how the same code runs outside a container.
Processing inputs and outputs are placed by the request's ``LocalPath``; Frugal's requests always
use ``/opt/ml/processing/input/<name>`` and ``/opt/ml/processing/output/<name>``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))

EXIT_MESSAGE_BYTES = 1024
"""Longest ``ExitMessage`` that DescribeProcessingJob returns."""


def processing_input(name: str) -> Path:
    """Directory that holds the processing input called ``name``."""
    return BASE / "processing" / "input" / name


def processing_output(name: str) -> Path:
    """Directory whose files become the processing output called ``name``; created if missing."""
    path = BASE / "processing" / "output" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def code_dir() -> Path:
    """Root of the published code: the directory with ``spec.json`` and the model's own files.

    That is the directory this package was imported from, or, when the package is installed
    elsewhere, the job's code input (processing) or ``code`` (training).

    Raises:
        FileNotFoundError: none of them holds a ``spec.json``.
    """
    candidates = (Path(__file__).resolve().parents[1], processing_input("code"), BASE / "code")
    for candidate in candidates:
        if (candidate / "spec.json").is_file():
            return candidate
    looked = ", ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(f"spec.json was not found in any of: {looked}")


def load_spec() -> dict[str, Any]:
    """The model's specification with every default filled in, as published beside the code."""
    spec: dict[str, Any] = json.loads((code_dir() / "spec.json").read_text(encoding="utf-8"))
    return spec


def write_exit_message(text: str) -> None:
    """Leave ``text`` as the job's exit message, cut to what SageMaker keeps (1 KB of UTF-8)."""
    path = BASE / "output" / "message"
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = text.encode("utf-8")
    if len(encoded) > EXIT_MESSAGE_BYTES:
        encoded = encoded[: EXIT_MESSAGE_BYTES - 3].decode("utf-8", "ignore").encode() + b"..."
    path.write_bytes(encoded)
