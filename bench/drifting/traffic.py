"""A baseline and captured traffic for the whole drift job: ``... BASE ROWS MONITOR`` makes the job's inputs
below BASE, ROWS requests a hundred to a record.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.drifting.columns import COLUMNS, draw
from container import baseline, paths

TRAINED, PER_RECORD, PER_FILE = 50_000, 100, 500


def main(base: Path, rows: int, monitor: str) -> None:
    paths.BASE = base
    inputs = {name: base / "processing" / "input" / name for name in ("code", "train", "captured")}
    for folder in inputs.values():
        folder.mkdir(parents=True)
    types = {name: {"type": "float"} for name in (*COLUMNS, "target")}
    data = {"target": "target", "features": list(COLUMNS), "columns": types}
    spec = {"name": "bench", "data": data, "monitor": json.loads(monitor)}
    (inputs["code"] / "spec.json").write_text(json.dumps(spec))
    train = draw(0, TRAINED) | {"target": np.zeros(TRAINED)}
    pq.write_table(pa.table(train), inputs["train"] / "part-0.parquet")
    baseline.main()
    made = base / "processing" / "output" / "baseline"
    made.rename(base / "processing" / "input" / "baseline")
    for file, start in enumerate(range(0, rows, PER_RECORD * PER_FILE)):
        matrix = np.stack(list(draw(file + 1, PER_RECORD * PER_FILE).values()), axis=1)
        lines = [",".join(f"{v:.9g}" for v in row) for row in matrix[: rows - start].tolist()]
        with (inputs["captured"] / f"{file:04}.jsonl").open("w") as captured:
            for at in range(0, len(lines), PER_RECORD):
                captured.write(json.dumps(record(start + at, lines[at : at + PER_RECORD])) + "\n")


def record(number: int, lines: list[str]) -> dict[str, object]:
    side = {
        "observedContentType": "text/csv",
        "mode": "INPUT",
        "data": "\n".join(lines),
        "encoding": "CSV",
    }
    meta = {"eventId": str(number), "inferenceTime": "2026-11-22T10:00:00Z"}
    return {"captureData": {"endpointInput": side}, "eventMetadata": meta, "eventVersion": "0"}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
