"""How the cluster under test is set up: Airflow's settings, and a local AWS whose programs can be held."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from demo.airflow import Airflow
from demo.home import Home, clean_environment, free_port
from demo.processes import Programs
from frugal.local import REPOSITORY, LocalAws
from tests.faults import work
from tests.faults.cluster import Cluster

DAGS = Path(__file__).with_name("dags")
SLOTS = "64"
#: AWS's own waits, among them that for capacity on demand, outlast what a loaded scheduler takes to hear of a deferral.
CLOCK = "0.3"
SETTINGS = {
    "CORE__PARALLELISM": "16",
    "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    "TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
    "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "90",  # it may wait for SQLite for a minute
    "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "2",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
}


class SlottedAws(LocalAws):
    """A local AWS with more slots than cores, as held jobs idle, and programs that can be held."""

    def command(self) -> list[str]:
        table = yaml.safe_load((REPOSITORY / "include/local_aws/images/images.yaml").read_text())
        for entry in table:
            entry |= {role: work.HELD for role in ("serve", "compile") if role in entry}
        images = self.home / "images.yaml"
        images.write_text(yaml.safe_dump(table))
        return [*super().command(), "--slots", SLOTS, "--clock", CLOCK, "--images", str(images)]


def make(
    folder: Path,
    envs: Path,
    kind: type[LocalAws] = SlottedAws,
    dags: Path = DAGS,
    settings: Mapping[str, str] | None = None,
) -> Cluster:
    """A cluster with all its state in `folder`, on free ports, not started. `envs` are make's.

    `settings` are laid over the environment of all that is Airflow's.
    """
    home = Home(folder)
    (folder / "envs").symlink_to(envs)
    local = kind(folder, free_port(0))
    environment = clean_environment() | local.client_environment()
    environment |= {
        "AIRFLOW_CONN_AWS_DEFAULT": '{"conn_type": "aws"}',
        "FRUGAL_POLL_SECONDS": "0.5",
        "FRUGAL_BUCKET": work.BUCKET,
    }
    airflow = Airflow(home, aws=environment, dags=dags, port=0)
    airflow.environment |= {f"AIRFLOW__{name}": value for name, value in SETTINGS.items()}
    airflow.environment |= settings or {}
    jobs = folder / "jobs"
    jobs.mkdir()
    programs = Programs(Path(sys.executable), airflow.environment, home.logs / "keeper.log")
    return Cluster(programs, airflow, local, jobs)
