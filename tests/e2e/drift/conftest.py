"""One Airflow and one local AWS for the models of this folder, and a local AWS for those in other forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from frugal.local import REPOSITORY, LocalAws
from tests.contract.conftest import run_local_aws
from tests.e2e.drift import flats, houses
from tests.e2e.drift.flats import FLATS, ROOMS
from tests.e2e.drift.houses import RETRAIN, TRAIN, WATCH, Houses
from tests.e2e.drift.lives import Lives, going_on
from tests.faults import setup
from tests.faults.cluster import Cluster

SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": "4",
    # After so long, what a dead scheduler ran is run again.
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
    # Airflow watches a queue once it has parsed the DAG again after it was unpaused.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
}
CLOCK = "0.02"
PIPELINES = ("train", "watch_drift", "retrain_on_drift")


class QuickAws(LocalAws):
    """A local AWS that moves traffic and writes what it captured in a fiftieth of the time."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", CLOCK]


@pytest.fixture(scope="session")
def lives(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[Lives]:
    """The models in other forms."""
    folder = tmp_path_factory.mktemp("forms")
    for local in run_local_aws(folder, python_of("local-aws").parents[2]):
        with going_on(folder, local) as lives:
            yield lives


@pytest.fixture(scope="session", autouse=True)
def _begin(request: pytest.FixtureRequest) -> None:
    """Have `lives` go on beside all tests, when one asks for it: they wait more than they work."""
    if any("lives" in getattr(test, "fixturenames", ()) for test in request.session.items):
        request.getfixturevalue("lives")


@pytest.fixture(scope="session")
def include(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What FRUGAL_INCLUDE is set to."""
    folder = houses.write_include(tmp_path_factory.mktemp("include"))
    flats.write_include(folder)
    return folder


@pytest.fixture(scope="session")
def running(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path], include: Path
) -> Iterator[Cluster]:
    """Started once, with the DAG files as they are."""
    folder = tmp_path_factory.mktemp("drift")
    dags = folder / "dags"
    dags.mkdir()
    for name in PIPELINES:
        (dags / f"{name}.py").symlink_to(REPOSITORY / "dags" / f"{name}.py")
    (dags / "flats.py").symlink_to(Path(__file__).with_name("dags") / "flats.py")
    envs = python_of("local-aws").parents[2]
    settings = SETTINGS | {"FRUGAL_INCLUDE": str(include)}
    made = setup.make(folder, envs, QuickAws, dags, settings)
    with made.programs:
        made.launch(
            {TRAIN, WATCH, RETRAIN, *(f"retrain_on_drift_{name}" for name in (FLATS, ROOMS))}
        )
        yield made


@pytest.fixture
def cluster(running: Cluster) -> Iterator[Cluster]:
    """The one cluster, whole again after each test."""
    yield running
    running.heal()


@pytest.fixture(scope="session")
def model(running: Cluster, include: Path) -> Houses:
    """The example model with its raw data; trained by nobody yet."""
    return Houses.settle(running, include)
