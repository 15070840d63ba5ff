"""A small dataset with every kind of column, and the example model's code laid out as a job has it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

EXIT_OF = {signal.SIGTERM: 143, signal.SIGKILL: -9}
#: Runs train.py, which sends itself a signal once it has done so many steps: one from outside may come too late.
INTERRUPTED = """
import os, runpy, sys
from container import checkpoint

at, signum = int(sys.argv.pop(1)), int(sys.argv.pop(1))
reached = checkpoint.Attempts.reached

def interrupted(self, step):
    reached(self, step)
    if step == at:
        os.kill(os.getpid(), signum)

checkpoint.Attempts.reached = interrupted
runpy.run_module("train", run_name="__main__", alter_sys=True)
"""
PATIENCE_SECONDS = 600.0
ROWS = {"train": 3000, "validation": 800, "test": 700}
COLUMNS = {
    "id": "string",
    "day": "date",
    "rooms": "integer",
    "area": "float",
    "garden": "boolean",
    "kind": "category",
    "seen": "datetime",
    "price": "float",
}
SPEC: dict[str, Any] = {
    "name": "houses",
    "data": {
        "target": "price",
        "features": ["day", "rooms", "area", "garden", "kind", "seen"],
        "columns": {name: {"type": kind} for name, kind in COLUMNS.items()},
    },
    "train": {"framework": "xgboost"},
    "evaluate": {
        "metric": "rmse",
        "floor": 100.0,
        "must_beat_champion": True,
        "decides": "recent",
        "recent": {"date": None, "share": 0.2, "min_rows": 200},
    },
    "compile": {"backend": "neo"},
}
HYPERPARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "num_round": 300,
    "segment_rounds": 10,
    "checkpoint_seconds": 0,
    "subsample": 0.6,
    "colsample_bytree": 0.7,
    "colsample_bynode": 0.7,
    "eta": 0.1,
    "nthread": 1,
}


def make_table(rows: int, seed: int) -> pa.Table:
    """Sales whose price follows from the other columns, with gaps."""
    random = np.random.default_rng(seed)
    rooms = random.integers(1, 9, rows)
    area = random.gamma(4.0, 30.0, rows)
    garden = random.random(rows) < 0.3
    kind = random.integers(0, 4, rows)
    days = random.integers(16_000, 16_400, rows).astype("int32")
    price = 50 * rooms + 2 * area + 80 * garden + 40 * np.sin(kind) + random.normal(0, 25, rows)
    return pa.table(
        {
            "id": pa.array([f"{seed}-{i}" for i in range(rows)]),
            "day": pa.array(days).cast(pa.date32()),
            "rooms": pa.array(rooms, mask=random.random(rows) < 0.05),
            "area": pa.array(area),
            "garden": pa.array(garden),
            "kind": pa.array([f"kind {k}" for k in kind]).dictionary_encode(),
            "seen": pa.array(days.astype("int64") * 86_400_000_000).cast(pa.timestamp("us")),
            "price": pa.array(price),
        }
    )


@pytest.fixture(scope="session")
def splits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with train/, validation/ and test/, several files and row groups each."""
    folder = tmp_path_factory.mktemp("splits")
    for seed, (split, rows) in enumerate(ROWS.items()):
        table, half = make_table(rows, seed), rows // 2
        (folder / split).mkdir()
        for part, slice_ in enumerate((table.slice(0, half), table.slice(half))):
            path = folder / split / f"part-{part:05}.parquet"
            pq.write_table(slice_, path, compression="zstd", row_group_size=600)
    return folder


@dataclass
class Job:
    """A job's base directory, as SageMaker lays out /opt/ml."""

    base: Path
    splits: Path
    repository: Path
    hyperparameters: dict[str, Any] = field(default_factory=lambda: dict(HYPERPARAMETERS))
    cpus: int = 1
    example: str = "house-prices"

    def stage_code(self, directory: Path, spec: Mapping[str, Any] = SPEC) -> Path:
        """Publish container/, the example model's scripts and spec.json in ``directory``."""
        include = self.repository / "include"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(include / "container", directory / "container", ignore=ignored)
        for script in (include / "models" / self.example).glob("*.py"):
            shutil.copy(script, directory)
        (directory / "spec.json").write_text(json.dumps(spec))
        return directory

    def train(self, *command: str, **hyperparameters: Any) -> int:
        """Run train.py as script mode does, to its end; output goes to ``base``/log."""
        code = self.base / "code"
        if not code.exists():
            self.stage_code(code)
        settings = {**self.hyperparameters, **hyperparameters}
        arguments = [text for k, v in settings.items() for text in (f"--{k}", str(v))]
        variables = {
            "SM_CHANNEL_TRAIN": self.splits / "train",
            "SM_CHANNEL_VALIDATION": self.splits / "validation",
            "SM_MODEL_DIR": self.base / "model",
            "SM_OUTPUT_DATA_DIR": self.base / "output" / "data",
            "SM_NUM_CPUS": self.cpus,
        }
        with (self.base / "log").open("a") as log:
            return subprocess.run(
                [sys.executable, *(command or ("-m", "train")), *arguments],
                cwd=code,
                env=self.environment(code) | {k: str(v) for k, v in variables.items()},
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE_SECONDS,
            ).returncode

    def interrupt(self, at: int, signum: signal.Signals, **hyperparameters: Any) -> None:
        """Run the training until ``at`` steps are done, when the signal arrives."""
        code = self.train("-c", INTERRUPTED, str(at), str(int(signum)), **hyperparameters)
        assert code == EXIT_OF[signum], self.log
        assert self.attempts()[-1] == at, self.log

    def process(self, module: str) -> subprocess.CompletedProcess[str]:
        """Run ``container.<module>`` as a Processing job does."""
        code = self.base / "processing" / "input" / "code"
        return subprocess.run(
            [sys.executable, "-m", f"container.{module}"],
            cwd=self.base,
            env=self.environment(code),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def environment(self, code: Path) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        return kept | {"SAGEMAKER_BASE_DIR": str(self.base), "PYTHONPATH": str(code)}

    @property
    def log(self) -> str:
        return (self.base / "log").read_text()

    @property
    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.base / "output" / "data" / "training.json").read_text()
        )
        return found

    @property
    def model(self) -> bytes:
        return (self.base / "model" / "xgboost-model").read_bytes()

    def attempts(self) -> list[int]:
        """The step that every attempt so far reached."""
        path = self.base / "checkpoints" / "attempts"
        lines = path.read_text().splitlines() if path.exists() else []
        return [int(line.split()[1]) for line in lines]


@pytest.fixture
def make_job(tmp_path: Path, splits: Path, repository: Path) -> Callable[[str], Job]:
    def make(name: str) -> Job:
        base = tmp_path / name
        base.mkdir()
        return Job(base, splits, repository)

    return make


@pytest.fixture
def job(make_job: Callable[[str], Job]) -> Job:
    return make_job("job")


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, splits: Path, repository: Path) -> Job:
    """A training that nothing interrupted."""
    whole = Job(tmp_path_factory.mktemp("uninterrupted"), splits, repository)
    assert whole.train() == 0, whole.log
    return whole
