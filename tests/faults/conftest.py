"""One Airflow and one local AWS for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import setup
from tests.faults.cluster import Cluster
from tests.faults.matrix import quick


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """The one cluster, whole again after each test, so that no test fails for another one."""
    yield running
    running.heal()


@pytest.fixture(scope="session")
def running(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[Cluster]:
    """Started once."""
    made = setup.make(tmp_path_factory.mktemp("faults"), python_of("local-aws").parents[2])
    with made.programs:
        made.launch(
            {cell.dag for cell in quick()} | {"frugal_training", "reaped_training", "clean_up"}
        )
        yield made
