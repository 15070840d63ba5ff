"""The files of dags/ as Airflow's DAG processor loads them, and models for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.specs import shortest

Load = Callable[..., dict[str, Any]]
WriteModel = Callable[..., None]


@pytest.fixture
def include(tmp_path: Path) -> Path:
    """An include folder without any model."""
    (tmp_path / "include" / "models").mkdir(parents=True)
    return tmp_path / "include"


@pytest.fixture
def write_model(include: Path) -> WriteModel:
    """Writes the model `name`: the shortest model.yaml, and the sections given."""

    def write(name: str, sections: str = "") -> None:
        folder = include / "models" / name
        folder.mkdir()
        for script in ("train.py", "inference.py"):
            (folder / script).touch()
        (folder / "model.yaml").write_text(shortest(name) + sections)

    return write


@pytest.fixture
def load(tmp_path: Path, repository: Path, include: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a file of dags/ with an include folder, and fails on any import error; DAGs by id."""
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT", "0")  # a busy machine is no mistake

    def dags(file: str, include: Path = include) -> dict[str, Any]:
        monkeypatch.setenv("FRUGAL_INCLUDE", str(include))
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(repository / "dags" / file))
        assert bag.import_errors == {}
        return dict(bag.dags)

    return dags
