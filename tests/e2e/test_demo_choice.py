"""The demo refuses at once what it could not use, and takes of a folder what is raw data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from demo.choice import read_folder, read_spec
from demo.home import EXAMPLE, DemoError


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def include(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An include folder of its own, with the example model under the name `rents`, data.raw left out."""
    source, rents = repository / "include" / "models" / EXAMPLE, tmp_path / "models" / "rents"
    shutil.copytree(source, rents)
    text = (rents / "model.yaml").read_text().replace(f"name: {EXAMPLE}", "name: rents", 1)
    (rents / "model.yaml").write_text(text)
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    return tmp_path


def test_csv_files_directly_in_the_folder_are_taken_and_the_rest_is_named(raw: Path) -> None:
    (raw / "b.csv").touch()
    (raw / "a.csv.gz").touch()
    (raw / "notes.txt").touch()
    (raw / "old").mkdir()
    (raw / "old" / "c.csv").touch()
    folder = read_folder(raw, read_spec(EXAMPLE))
    assert [file.name for file in folder.files] == ["a.csv.gz", "b.csv"]
    assert folder.left_out == ["notes.txt", "old/"]


def test_a_folder_without_csv_is_refused_with_what_is_there(raw: Path) -> None:
    with pytest.raises(DemoError, match=f"{raw}.*it is empty"):
        read_folder(raw, read_spec(EXAMPLE))
    (raw / "sales.xlsx").touch()
    with pytest.raises(DemoError, match=r"it holds sales\.xlsx"):
        read_folder(raw, read_spec(EXAMPLE))


def test_a_file_and_a_path_that_is_not_there_are_refused(raw: Path) -> None:
    (raw / "sales.csv").touch()
    with pytest.raises(DemoError, match=r"sales\.csv: is a file"):
        read_folder(raw / "sales.csv", read_spec(EXAMPLE))
    with pytest.raises(DemoError, match=r"elsewhere: no such folder"):
        read_folder(raw / "elsewhere", read_spec(EXAMPLE))


def test_a_model_that_reads_elsewhere_takes_no_folder(include: Path, raw: Path) -> None:
    (raw / "sales.csv").touch()
    path = include / "models" / "rents" / "model.yaml"
    path.write_text(path.read_text().replace("data:\n", "data:\n  raw: exports/rents/\n", 1))
    with pytest.raises(DemoError, match=r"data\.raw.*'exports/rents/'"):
        read_folder(raw, read_spec("rents"))


def test_an_unknown_model_is_refused_with_those_there_are(include: Path) -> None:
    with pytest.raises(DemoError, match=r"no model 'rent': .*models/rent/model\.yaml.*: rents$"):
        read_spec("rent")


def test_the_command_ends_at_once_with_every_mistake(
    include: Path, tmp_path: Path, repository: Path
) -> None:
    path = include / "models" / "rents" / "model.yaml"
    path.write_text(path.read_text() + "colour: red\nshape: round\n")
    home = tmp_path / "home"
    env = os.environ | {
        "FRUGAL_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(("plugins", "include", ".")),
    }
    done = subprocess.run(
        [sys.executable, "-m", "demo", "--model", "rents"],
        cwd=repository,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "model.yaml: 2 mistakes\n" in done.stdout
    assert "colour: no such key" in done.stdout
    assert not home.exists()
