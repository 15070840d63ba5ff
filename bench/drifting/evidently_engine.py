"""The same four measures by Evidently's data drift preset, with the same arguments; a report runs one
measure over all columns, so there are four. Making the data frames does not count.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["DO_NOT_TRACK"] = "1"

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

MEASURES = ("ks", "wasserstein", "psi", "jensenshannon")


def main(reference: str, window: str, output: str) -> None:
    before, now = np.load(reference), np.load(window)
    names = [f"x{i}" for i in range(len(now))]
    definition = DataDefinition(numerical_columns=names)
    frames = [
        Dataset.from_pandas(
            pd.DataFrame(values.T.astype(np.float64), columns=names), data_definition=definition
        )
        for values in (now, before)
    ]
    started, processors = time.perf_counter(), time.process_time()
    found: dict[str, Any] = {}
    for measure in MEASURES:
        metrics = Report([DataDriftPreset(num_method=measure)]).run(*frames).dict()["metrics"]
        found[measure] = [float(metric["value"]) for metric in metrics[1:]]
    found["seconds"] = time.perf_counter() - started
    found["processor_seconds"] = time.process_time() - processors
    Path(output).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:4])
