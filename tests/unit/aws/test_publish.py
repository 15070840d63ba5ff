"""Published code and the dataset's fingerprint change exactly when they must."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import publish
from frugal.spec import ModelSpec, parse_spec
from tests.specs import shortest

SPEC = shortest()
FILES = {
    "container/preprocess/__main__.py": b"from container import paths\nfrom container.split import share\n",
    "container/paths.py": b"BASE = 1\n",
    "container/split.py": b"import container.hashing\n",
    "container/hashing.py": b"SEED = 1\n",
    "container/evaluate.py": b"import numpy\n",
    "train.py": b"pass\n",
}
RAW = {
    "churn/raw/a.csv": {"Size": 10, "ETag": '"1"'},
    "churn/raw/b.csv": {"Size": 5, "ETag": '"2"'},
}


def fingerprint(
    spec: str = SPEC, raw: dict[str, Any] = RAW, files: dict[str, bytes] = FILES
) -> str:
    return publish.fingerprint(parse_spec(spec), raw, files)


@pytest.mark.parametrize(
    "name",
    [
        "container/preprocess/__main__.py",
        "container/paths.py",
        "container/split.py",
        "container/hashing.py",
    ],
)
def test_code_that_prepares_data_changes_the_fingerprint(name: str) -> None:
    assert fingerprint(files={**FILES, name: FILES[name] + b"#\n"}) != fingerprint()


@pytest.mark.parametrize("name", ["container/evaluate.py", "train.py"])
def test_other_code_does_not(name: str) -> None:
    assert fingerprint(files={**FILES, name: b"changed"}) == fingerprint()


def test_raw_objects_and_config_change_it() -> None:
    touched = {**RAW, "churn/raw/b.csv": {"Size": 5, "ETag": '"3"'}}
    assert fingerprint(raw=touched) != fingerprint()
    assert fingerprint(spec=SPEC.replace("tenure: integer", "tenure: float")) != fingerprint()
    assert fingerprint(spec=SPEC + "train: {hyperparameters: {eta: 0.1}}\n") == fingerprint()


def test_the_order_of_a_listing_does_not_matter() -> None:
    assert fingerprint(raw=dict(reversed(RAW.items()))) == fingerprint()


def test_the_archive_is_the_same_bytes_for_the_same_content() -> None:
    first = publish.archive(FILES)
    assert first == publish.archive(dict(reversed(FILES.items())))
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert sorted(archive.getnames()) == sorted(FILES)


def test_collecting_takes_container_code_and_the_models_own(tmp_path: Path) -> None:
    (tmp_path / "container").mkdir()
    (tmp_path / "container" / "paths.py").write_text("BASE = 1\n")
    (tmp_path / "container" / "__pycache__").mkdir()
    (tmp_path / "container" / "__pycache__" / "paths.pyc").write_bytes(b"\0")
    (tmp_path / "models" / "churn").mkdir(parents=True)
    for name in ("model.yaml", "train.py"):
        (tmp_path / "models" / "churn" / name).write_text("\n")
    spec: ModelSpec = parse_spec(SPEC)
    assert set(publish.collect(spec, tmp_path)) == {"spec.json", "container/paths.py", "train.py"}
