"""Script-mode training in a line of arithmetic: the mean of the train channel's numbers."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    files = sorted(Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir())
    numbers = [float(line) for file in files for line in file.read_text().split()]
    mean = options.scale * sum(numbers) / len(numbers)
    print(f"train:mean={mean};", flush=True)
    Path(os.environ["SM_MODEL_DIR"], "mean.json").write_text(json.dumps(mean))


if __name__ == "__main__":
    main()
