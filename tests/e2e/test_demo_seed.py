"""The demo's raw data: real sales as a user would export them, with a few dozen broken rows."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from demo.seed import upload

SALES = 21_613
COLUMNS = 21


class Bucket:
    """As much of an S3 client as an upload needs, over one bucket in memory."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.objects = objects

    def get_paginator(self, _: str) -> Bucket:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803
        found = {key: body for key, body in self.objects.items() if key.startswith(Prefix)}
        tags = {
            key: hashlib.md5(body, usedforsecurity=False).hexdigest() for key, body in found.items()
        }
        return [{"Contents": [{"Key": key, "ETag": f'"{tag}"'}]} for key, tag in tags.items()]

    def put_object(self, *, Key: str, Body: IO[bytes], **_: str) -> None:  # noqa: N803
        self.objects[Key] = Body.read()

    def delete_object(self, *, Key: str, **_: str) -> None:  # noqa: N803
        del self.objects[Key]


@pytest.fixture(scope="module")
def written(
    python_of: Callable[[str], Path], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, bytes]]:
    """What two runs wrote: content by name of the file."""

    def run(folder: Path) -> dict[str, bytes]:
        command = [str(python_of("data")), "-m", "demo.king_county", str(folder)]
        subprocess.run(command, cwd=repository, check=True)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    return [run(tmp_path_factory.mktemp("raw")) for _ in range(2)]


def test_every_sale_is_there_once_beside_a_few_dozen_broken_rows(
    written: list[dict[str, bytes]],
) -> None:
    files = dict(written[0])
    broken = json.loads(files.pop("broken.json"))["broken"]
    rows = [
        row for content in files.values() for row in csv.DictReader(content.decode().splitlines())
    ]
    assert len(files) == 3
    assert len(rows[0]) == COLUMNS
    assert len(rows) == SALES + sum(broken.values())
    assert 24 <= sum(broken.values()) < 0.01 * SALES
    good = {(row["id"], row["date"]) for row in rows if not row["id"].startswith("99999")}
    assert len(good) == SALES
    assert {len(row["id"]) for row in rows} == {10}
    assert {row["price"] for row in rows} >= {"", "0", "n/a"}


def test_files_are_split_by_date_and_do_not_change_between_runs(
    written: list[dict[str, bytes]],
) -> None:
    first, second = written
    assert first == second
    for name, content in first.items():
        if name.endswith(".csv"):
            dates = [row["date"] for row in csv.DictReader(content.decode().splitlines())]
            well_formed = {date for date in dates if date.count("-") == 2}
            assert min(well_formed).startswith(name.removeprefix("sales-").removesuffix(".csv"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two raw files."""
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "b.csv").write_text("x\n2\n")
    return tmp_path


def test_an_upload_changes_only_what_differs_and_mirrors_when_told(folder: Path) -> None:
    bucket = Bucket({"rents/raw/gone.csv": b"x\n0\n", "rents/raw/a.csv": b"x\n1\n"})
    bucket.objects["rents/datasets/1/part.parquet"] = b""
    files = sorted(folder.iterdir())
    added = upload(bucket, "rents", files, mirror=False)
    assert (added.uploaded, added.removed, added.kept) == (["b.csv"], [], ["gone.csv"])
    mirrored = upload(bucket, "rents", files, mirror=True)
    assert (mirrored.uploaded, mirrored.removed, mirrored.kept) == ([], ["gone.csv"], [])
    assert sorted(bucket.objects) == [
        "rents/datasets/1/part.parquet",
        "rents/raw/a.csv",
        "rents/raw/b.csv",
    ]
