"""What a run left can be read once the local AWS has stopped."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from demo.home import BUCKET
from demo.keepsakes import keep

RUN = "rents/runs/1"
REPORT = {
    "model": "rents",
    "run": "1",
    "next": [
        f"quarantined rows: s3://{BUCKET}/rents/datasets/f/quarantine/quarantine.csv",
        f"evaluation: s3://{BUCKET}/{RUN}/evaluation/evaluation.json",
        f"drift baseline: s3://{BUCKET}/{RUN}/baseline",
        f"captured traffic: s3://{BUCKET}/rents/capture",
    ],
}
EVERYTHING = {
    "rents/datasets/f/quarantine/quarantine.csv": b"file,row\n",
    f"{RUN}/evaluation/evaluation.json": b"{}",
    f"{RUN}/baseline/statistics.json": b"{}",
    f"{RUN}/baseline/constraints.json": b"{}",
    f"{RUN}/baseline-other/no.json": b"{}",
    f"{RUN}/report.json": b'{"run": "1"}',
    "rents/capture/AllTraffic/1.jsonl": b"{}",
}


class Bucket:
    """As much of an S3 client as copying needs, over one bucket in memory."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def list_objects_v2(self, *, Prefix: str, **_: str) -> dict[str, Any]:  # noqa: N803
        found = [{"Key": key} for key in self.objects if key.startswith(Prefix)]
        return {"Contents": found} if found else {}

    def get_object(self, *, Key: str, **_: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with what an earlier run left."""
    (tmp_path / "rents").mkdir()
    (tmp_path / "rents" / "stale.json").touch()
    return tmp_path / "rents"


def test_small_files_are_copied_and_traffic_is_named(folder: Path) -> None:
    lines = keep(Bucket(EVERYTHING), REPORT, folder, captures=False)
    assert sorted(path.name for path in folder.iterdir()) == [
        "constraints.json",
        "evaluation.json",
        "quarantine.csv",
        "report.json",
        "statistics.json",
    ]
    assert (folder / "quarantine.csv").read_bytes() == b"file,row\n"
    assert f"evaluation: {folder / 'evaluation.json'}" in lines
    assert f"captured traffic: s3://{BUCKET}/rents/capture/" in lines
    assert "bin/frugal local start" in lines[-1]


def test_what_does_not_exist_is_not_listed(folder: Path) -> None:
    there = {f"{RUN}/report.json": EVERYTHING[f"{RUN}/report.json"]}
    lines = keep(Bucket(there), REPORT, folder, captures=False)
    assert lines[0] == f"report: {folder / 'report.json'}"
    assert len(lines) == 3
    assert [path.name for path in folder.iterdir()] == ["report.json"]


def test_traffic_that_is_still_to_be_written_is_named(folder: Path) -> None:
    lines = keep(Bucket({}), REPORT, folder, captures=True)
    assert lines[0] == f"captured traffic: s3://{BUCKET}/rents/capture/"
