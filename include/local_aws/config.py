"""What `serve` was told: where things are and how this machine differs from AWS."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from local_aws import DEFAULT_PORT


@dataclass(frozen=True)
class Simulation:
    """What AWS decides and this machine has to make up. Every figure here is simulated.

    `clock` scales AWS's own fixed waits (the 120 s between SIGTERM and SIGKILL, the pauses between
    checkpoint uploads) and the times of a deployment (its waits, bakes and timeouts), never the times
    of a job. `spot_ratio` is BillableTimeInSeconds /
    TrainingTimeInSeconds of managed spot. `reclaim_seconds` is how long reclaimed capacity stays
    away. `slots` is how many jobs run at a time; the others are Pending. `endpoint_instances` is the
    quota of instances that a region's endpoints have together: a process each. `loaded_models` is how
    many models fit into a multi-model instance's memory, whatever their size.
    """

    clock: float = 0.1
    spot_ratio: float = 0.3
    reclaim_seconds: float = 2.0
    slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    serverless_idle_seconds: float = 60.0
    endpoint_instances: int = 32
    loaded_models: int = 20

    def wait(self, seconds: float) -> float:
        """How long one of AWS's fixed waits lasts here."""
        return seconds * self.clock


@dataclass(frozen=True)
class Config:
    """Directories, address, simulation and faults (a plan file, a seed) of one local AWS."""

    state: Path
    environments: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    images: Path = Path(__file__).parent / "images" / "images.yaml"
    simulation: Simulation = field(default_factory=Simulation)
    faults: Path | None = None
    seed: int | None = None

    @property
    def url(self) -> str:
        """Where jobs find this process."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"
