"""What the user chose, checked before anything is started: a model, and a folder of raw data for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from demo.home import DemoError
from frugal.aws.settings import Settings
from frugal.spec import ModelSpec, SpecError, find_specs, load_spec

SUFFIXES = (".csv", ".csv.gz")
SHOWN = 10


@dataclass(frozen=True)
class RawFolder:
    """The CSV files directly in a folder, and the names of everything else there."""

    path: Path
    files: list[Path]
    left_out: list[str]


def read_spec(model: str) -> ModelSpec:
    """The model's spec. Raises DemoError with what there is instead, or with every mistake in it."""
    models = Settings.load().models
    path = models / model / "model.yaml"
    known = [found.parent.name for found in find_specs(models)]
    if model not in known:
        raise DemoError(f"no model {model!r}: there is no {path}. Models: {listed(known)}")
    try:
        return load_spec(path)
    except SpecError as error:
        raise DemoError(str(error)) from error


def read_folder(path: Path, spec: ModelSpec) -> RawFolder:
    """What of a folder is raw data. Raises DemoError when nothing is, or when the model reads elsewhere."""
    if not path.exists():
        raise DemoError(f"--raw {path}: no such folder")
    if not path.is_dir():
        raise DemoError(f"--raw {path}: is a file; give the folder that holds the CSV files")
    wanted = f"{spec.name}/raw/"
    if spec.data.raw not in (None, wanted):
        raise DemoError(
            f"--raw {path}: would fill {wanted}, but data.raw of {spec.name}'s model.yaml is "
            f"{spec.data.raw!r}; leave data.raw out"
        )
    entries = sorted(path.iterdir())
    files = [entry for entry in entries if entry.is_file() and entry.name.endswith(SUFFIXES)]
    left_out = [
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in entries
        if entry not in files
    ]
    if not files:
        there = f"it holds {listed(left_out)}" if left_out else "it is empty"
        raise DemoError(f"--raw {path}: no {' or '.join(SUFFIXES)} file directly in it; {there}")
    return RawFolder(path, files, left_out)


def listed(names: list[str]) -> str:
    """Names as a phrase, the first few of many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more if names else "none"
