"""What an archive needs besides its graph to serve itself on Inferentia. Needs Python 3.8 alone."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCH_FILE = "neuron.json"
IMPORTED = (
    "__init__",
    "capture",
    "csv_body",
    "exchange",
    "headers",
    "pii",
    "neuron_inference",
    "neuron_serving",
)
"""Modules of this package that the handlers import."""


def add_handlers(model_dir: Path, batch_rows: int) -> None:
    """Put the handlers, and how many rows the graph takes, into a model directory."""
    code = model_dir / "code" / "container"
    code.mkdir(parents=True, exist_ok=True)
    for name in IMPORTED:
        (code / (name + ".py")).write_bytes((HERE / (name + ".py")).read_bytes())
    (model_dir / "code" / "inference.py").write_text("from container.neuron_inference import *\n")
    (model_dir / BATCH_FILE).write_text(json.dumps({"batch_rows": batch_rows}))


def batch_rows(model_dir: Path) -> int:
    """How many rows the graph of a model directory takes."""
    found: int = json.loads((model_dir / BATCH_FILE).read_text())["batch_rows"]
    return found
