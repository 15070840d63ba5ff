"""Stands in for the program of AWS's image sagemaker-model-monitor-groundtruth-merger: captured records
get their ground truth, by inference id or, without one, by event id; records without any are left out.

Developer guide, "Ingest Ground Truth labels and merge them with predictions". Of several labels the one in
the file whose name comes last stands.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def main() -> None:
    """Write the merged records below ``output_path``, in files named as those below ``dataset_source``."""
    names = ("ground_truth_source", "dataset_source", "output_path")
    known, source, output = (Path(os.environ[name]) for name in names)
    truth = {
        str(record["eventMetadata"]["eventId"]): record["groundTruthData"]
        for _, record in records(known)
    }
    merged = captured = 0
    for path, record in records(source):
        captured += 1
        meta = record["eventMetadata"]
        found = truth.get(str(meta.get("inferenceId") or meta["eventId"]))
        if found is None:
            continue
        merged += 1
        target = output / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps({**record, "groundTruthData": found}) + "\n")
    print(f"{merged} of {captured} captured records have a ground truth")


def records(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every record of the JSON lines below a directory, with its file."""
    for path in sorted(directory.rglob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in filter(str.strip, lines):
                yield path, json.loads(line)


main()
