"""The parts of one local AWS, put together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws import ACCOUNT, clock
from local_aws.backing import queue_metrics
from local_aws.backing.objects import ObjectStore
from local_aws.backing.services import Services
from local_aws.backing.snapshots import Snapshots
from local_aws.backing.telemetry import Telemetry
from local_aws.cloudwatch import CloudWatch
from local_aws.config import Config
from local_aws.execution.capacity import Capacity
from local_aws.execution.fleet import Fleet
from local_aws.execution.images import Images
from local_aws.execution.meter import SAMPLING, Meter
from local_aws.execution.supervisor import Supervisor
from local_aws.execution.timetable import Timetable
from local_aws.faults import Faults
from local_aws.store import Store

# What is kept of how far the clock was shifted.
SHIFTED = "shifted-clock"

if TYPE_CHECKING:
    from local_aws.autoscaling import AutoScaling
    from local_aws.execution.job import Job


@dataclass
class App:
    """Everything that handlers and jobs share. Made once per process: moto's state is global."""

    config: Config
    faults: Faults = field(init=False)
    store: Store = field(init=False)
    objects: ObjectStore = field(init=False)
    snapshots: Snapshots = field(init=False)
    services: Services = field(init=False)
    cloudwatch: CloudWatch = field(init=False)
    autoscaling: AutoScaling = field(init=False)
    telemetry: Telemetry = field(init=False)
    images: Images = field(init=False)
    capacity: Capacity = field(init=False)
    supervisor: Supervisor = field(init=False)
    timetable: Timetable = field(init=False)
    fleet: Fleet = field(init=False)
    meter: Meter = field(init=False)

    def __post_init__(self) -> None:
        from local_aws.autoscaling import AutoScaling

        state = self.config.state
        state.mkdir(parents=True, exist_ok=True)
        self.faults = Faults(state / "faults.json")
        self.faults.begin(self.config.faults, self.config.seed)
        self.store = Store(state / "control.sqlite")
        self.objects = ObjectStore(state)
        self.snapshots = Snapshots(state / "services")
        self.services = Services(self.objects, self.snapshots)
        clock = self.config.simulation.clock
        self.cloudwatch = CloudWatch(self, state / "metrics.sqlite", clock)
        self.autoscaling = AutoScaling(self)
        self.telemetry = Telemetry(self.snapshots)
        self.images = Images(self.config.images, self.config.environments)
        self.capacity = Capacity(self.config.simulation.slots)
        self.supervisor = Supervisor(self)
        self.timetable = Timetable()
        self.meter = Meter(self.cloudwatch, self.config.simulation.wait(SAMPLING))
        self.meter.every(lambda: queue_metrics.sample(self.meter))
        self.fleet = Fleet(self)

    def start(self) -> None:
        """Bring back what the last process left, and start what it had running."""
        from local_aws.sagemaker import settle

        for _, _, kept in self.store.every(SHIFTED):
            clock.shift(kept["seconds"])
        self.snapshots.load()
        self.cloudwatch.start()
        self.autoscaling.start()
        self.supervisor.clear_directories()
        self.fleet.clear_directories()
        settle(self)

    def shift(self, seconds: float) -> None:
        """Let it be so much later, or earlier, at once: what is due by then happens."""
        self.store.put(SHIFTED, "", "", {"seconds": clock.shift(seconds)})
        self.timetable.run_due()
        self.cloudwatch.look()

    def close(self) -> None:
        """Stop what serves and save what is not saved yet; jobs die with the process."""
        self.timetable.close()
        self.fleet.close()
        self.meter.close()
        self.autoscaling.close()
        self.cloudwatch.close()
        self.snapshots.close()

    def job_directory(self, job: Job) -> Path:
        return self.config.state / "jobs" / job.states.kind / job.region / job.name


def arn(region: str, resource: str) -> str:
    """A SageMaker ARN; AWS lowers the case of names in them."""
    return f"arn:aws:sagemaker:{region}:{ACCOUNT}:{resource.lower()}"
