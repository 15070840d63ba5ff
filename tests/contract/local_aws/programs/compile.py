"""A compiler for tests: copies the model, or fails as Neo does when there is no `.model` file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
models = list((base / "input" / "model").glob("*.model"))
if not models:
    (base / "output" / "failure").write_text(
        "ClientError: InputConfiguration: No valid XGBoost model file found. Please make sure the "
        "framework you select is correct."
    )
    sys.exit(1)
(base / "output" / "compiled" / "compiled.bin").write_bytes(models[0].read_bytes()[::-1])
