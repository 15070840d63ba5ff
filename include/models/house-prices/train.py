"""Trains the house price model: what SageMaker runs in its XGBoost container (script mode).

Hyperparameters arrive as ``--name value``: XGBoost's own, and those of `container.boosting`.
The training may be interrupted at any moment; started again, it goes on from its last checkpoint
and ends with the model that an uninterrupted training gives.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from container import boosting
from container.checkpoint import Checkpoints
from container.features import FeatureSchema
from container.paths import BASE, load_spec
from container.splits import fingerprint


def main() -> None:
    train = Path(os.environ["SM_CHANNEL_TRAIN"])
    validation = Path(os.environ["SM_CHANNEL_VALIDATION"])
    hyperparameters = boosting.read_hyperparameters(sys.argv[1:])
    schema = FeatureSchema.learn(load_spec()["data"], train)
    checkpoints = Checkpoints(
        BASE / "checkpoints",
        identity=boosting.identity(hyperparameters, fingerprint(train, validation)),
        interval=hyperparameters["checkpoint_seconds"],
    )
    fitted = boosting.fit(hyperparameters, schema, train, validation, checkpoints)
    boosting.save(
        fitted,
        schema,
        model_dir=Path(os.environ["SM_MODEL_DIR"]),
        output_dir=Path(os.environ["SM_OUTPUT_DATA_DIR"]),
    )
    print(f"training: {fitted.report}")


if __name__ == "__main__":
    main()
