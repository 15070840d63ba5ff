"""No capacity for an instance type, as a fault: jobs wait for it as long as AWS lets them."""

from __future__ import annotations

import time
from collections.abc import Callable

from local_aws.execution.job import Job

#: FailureReason of a job on demand (as users report it of training jobs; assumed of other kinds).
CAPACITY_ERROR = (
    "CapacityError: Unable to provision requested ML compute capacity. "
    "Please retry using a different ML instance type."
)

#: Seconds, scaled by the clock, that a job on demand waits for capacity; AWS's own are unverified.
ON_DEMAND_PATIENCE = 30.0

PERIOD = 0.1


def capacity_came(
    job: Job, pending: Callable[[], None], give_up: Callable[[], bool], patience: float
) -> bool:
    """Wait for capacity while faults keep it away; whether it is there.

    `pending` is called if the job has to wait. It waits until `give_up` turns true, at most
    `patience` seconds.
    """
    faults, deadline = job.app.faults, time.monotonic() + patience
    while rule := faults.draw("no-capacity", job.name, **job.facts):
        pending()
        while faults.lasts(rule):
            if give_up() or time.monotonic() >= deadline:
                return False
            job.pause(PERIOD)
    return True
