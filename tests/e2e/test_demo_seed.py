"""The demo's raw data: real sales as a user would export them, with a few dozen broken rows."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SALES = 21_613
COLUMNS = 21


@pytest.fixture(scope="module")
def write(
    python_of: Callable[[str], Path],
    repository: Path,
) -> Callable[[Path], dict[str, bytes]]:
    """Writes the files into a folder; their content by name."""

    def run(folder: Path) -> dict[str, bytes]:
        command = [str(python_of("data")), "-m", "demo.king_county", str(folder)]
        subprocess.run(command, cwd=repository, check=True)
        return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}

    return run


def test_every_sale_is_there_once_beside_a_few_dozen_broken_rows(
    write: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    files = write(tmp_path)
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
    write: Callable[[Path], dict[str, bytes]], tmp_path: Path
) -> None:
    first, second = write(tmp_path / "first"), write(tmp_path / "second")
    assert first == second
    for name, content in first.items():
        if name.endswith(".csv"):
            dates = [row["date"] for row in csv.DictReader(content.decode().splitlines())]
            well_formed = {date for date in dates if date.count("-") == 2}
            assert min(well_formed).startswith(name.removeprefix("sales-").removesuffix(".csv"))
