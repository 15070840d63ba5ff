"""Trains a network on the house prices: what SageMaker runs in its PyTorch container (script mode).

Hyperparameters arrive as ``--name value``: those of `container.networks`, and those of ``network.build``.
The training may be interrupted at any moment; started again, it goes on from its last checkpoint
and ends with the weights that an uninterrupted training gives.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from container import networks
from container.checkpoint import Checkpoints
from container.features import FeatureSchema
from container.paths import BASE, load_spec
from container.splits import fingerprint


def main() -> None:
    spec = load_spec()
    train = Path(os.environ["SM_CHANNEL_TRAIN"])
    validation = Path(os.environ["SM_CHANNEL_VALIDATION"])
    hyperparameters = networks.read_hyperparameters(sys.argv[1:])
    schema = FeatureSchema.learn(spec["data"], train)
    checkpoints = Checkpoints(
        BASE / "checkpoints",
        identity=networks.identity(hyperparameters, fingerprint(train, validation)),
        interval=hyperparameters["checkpoint_seconds"],
    )
    metric = spec["evaluate"]["metric"]
    fitted = networks.fit(hyperparameters, schema, metric, train, validation, checkpoints)
    networks.save(
        fitted,
        schema,
        model_dir=Path(os.environ["SM_MODEL_DIR"]),
        output_dir=Path(os.environ["SM_OUTPUT_DATA_DIR"]),
    )
    print(f"training: {fitted.report}")


if __name__ == "__main__":
    main()
