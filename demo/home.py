"""Where the demo keeps what it makes, and which AWS account it plays."""

from __future__ import annotations

import fcntl
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import IO

REPOSITORY = Path(__file__).resolve().parents[1]
LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "123456789012"
KEPT = ("FRUGAL_HOME", "FRUGAL_INCLUDE")
EXAMPLE = "house-prices"
#: Models whose raw data the demo brings: house sales, for trees and for a network.
EXAMPLES = (EXAMPLE, "house-prices-network")
BUCKET = f"frugal-{ACCOUNT}-{REGION}"


class DemoError(Exception):
    """The demo cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Home:
    """Paths below FRUGAL_HOME (default `.frugal` in the repository)."""

    path: Path

    @classmethod
    def load(cls) -> Home:
        """The home that the environment names."""
        return cls(Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve())

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME: database, configuration, logs."""
        return self.path / "airflow"

    @property
    def logs(self) -> Path:
        """One file a program, and Airflow's task logs."""
        return self.airflow / "logs"

    @property
    def local_aws(self) -> Path:
        """State of the local AWS."""
        return self.path / "local-aws"

    @property
    def raw(self) -> Path:
        """The raw CSV files before they are uploaded."""
        return self.path / "data" / "raw"

    @property
    def summary(self) -> Path:
        """The machine-readable summary."""
        return self.path / "demo.json"

    @property
    def keepsakes(self) -> Path:
        """Copies of what the last run of each model left, one folder a model."""
        return self.path / "demo"

    def lock(self) -> IO[str]:
        """Held until it is closed. Raises DemoError when another demo uses this home."""
        self.airflow.mkdir(parents=True, exist_ok=True)
        held = (self.airflow / "demo.lock").open("w")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise DemoError(f"another demo runs in {self.path}: stop it first") from None
        return held

    def python(self, environment: str) -> Path:
        """Interpreter of a locked environment. Raises DemoError when `make` has not built it."""
        python = self.path / "envs" / environment / "bin" / "python"
        if not python.exists():
            raise DemoError(f"{python} does not exist: run `make envs` first")
        return python


def free_port(preferred: int) -> int:
    """`preferred` when nothing listens there, else a port that the system chooses."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise DemoError("no free port on loopback")


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that points at another Airflow or a real AWS account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or not name.startswith(("AIRFLOW", "AWS_", "FRUGAL_"))
    }
    local = f"{LOOPBACK},localhost"
    return kept | {"NO_PROXY": local, "no_proxy": local, "PYTHONUNBUFFERED": "1"}
