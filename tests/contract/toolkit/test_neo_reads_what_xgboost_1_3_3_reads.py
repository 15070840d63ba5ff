"""Neo's version limit, held against XGBoost 1.3.3 itself.

What ``container.neo_export`` writes must load there and predict the same; and the local Neo must
take and refuse the same files as that version does.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .conftest import installed

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
MODELS = ROOT / "tests/unit/toolkit/models.py"
OBJECTIVES = (
    *("reg:squarederror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:logistic"),
    *("reg:gamma", "reg:tweedie", "count:poisson", "binary:logistic", "binary:logitraw"),
    *("binary:hinge", "rank:pairwise", "rank:ndcg", "rank:map", "multi:softprob", "multi:softmax"),
)


@dataclass(frozen=True)
class Reader:
    """XGBoost 1.3.3, in a process of its own each time."""

    python: Path
    library: Path

    def __call__(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [self.python, HERE / "xgboost_1_3_3.py", self.library, *arguments]
        return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def reader(python_of: Callable[[str], Path]) -> Reader:
    """XGBoost 1.3.3, installed from its lock once (157 MB, for Linux on x86-64 alone)."""
    python = python_of("images/xgboost-3.0-5")
    target = installed(python, HERE / "xgboost-1.3.3.txt", "--no-deps", "--only-binary", ":all:")
    return Reader(python, target / "xgboost" / "lib" / "libxgboost.so")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]) -> Path:
    """One booster per objective, trained and exported in the XGBoost 3.0 image."""
    directory = tmp_path_factory.mktemp("models")
    subprocess.run(
        [python_of("images/xgboost-3.0-5"), MODELS, directory, *OBJECTIVES],
        env={"PYTHONPATH": str(ROOT / "include"), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    for archive in directory.glob("*/model.tar.gz"):
        with tarfile.open(archive) as tar:
            tar.extractall(archive.parent)
    return directory


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_exported_model_predicts_bit_for_bit_the_same(
    reader: Reader, models: Path, objective: str
) -> None:
    model = models / objective.replace(":", "-")

    done = reader(model / "xgboost.model", model / "rows.npy", model / "predictions.npy")

    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == 0


def as_json_of_1_3(model: Path) -> str:
    document = json.loads((model / "model.json").read_text())
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["default_left"] = [bool(value) for value in tree["default_left"]]
    document["version"] = [1, 3, 3]
    return json.dumps(document)


FILES: dict[str, Callable[[Path], str | bytes]] = {
    "exported": lambda model: (model / "xgboost.model").read_bytes(),
    "exported without its header": lambda model: (model / "xgboost.model").read_bytes()[4:],
    "JSON of 1.3": as_json_of_1_3,
    "JSON of 3.0": lambda model: (model / "model.json").read_bytes(),
    "UBJSON of 3.0": lambda model: (model / "xgboost-model").read_bytes(),
    "cut short": lambda model: (model / "xgboost.model").read_bytes()[:-10],
    "cut to its header": lambda model: (model / "xgboost.model").read_bytes()[:20],
    "empty": lambda _: b"",
    "not a model": lambda _: b"a,b\n1,2\n" * 100,
    "JSON, but not a model": lambda _: "{}",
}

READ = "import sys, pathlib, _neo_model; _neo_model.read(pathlib.Path(sys.argv[1]))"


@pytest.mark.parametrize("kind", FILES)
def test_local_neo_takes_and_refuses_the_same_files(
    reader: Reader, models: Path, tmp_path: Path, python_of: Callable[[str], Path], kind: str
) -> None:
    content = FILES[kind](models / "reg-squarederror")
    path = tmp_path / "x.model"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    local = subprocess.run(
        [python_of("images/neo-xgboost"), "-c", READ, path],
        env={"PYTHONPATH": f"{ROOT / 'include'}:{ROOT / 'include/local_aws/toolkit'}"},
        capture_output=True,
        text=True,
    )

    assert local.returncode in (0, 1)
    assert (local.returncode == 0) == (reader(path).returncode == 0), local.stderr
    if local.returncode:
        assert "InvalidModelError" in local.stderr
