"""Which instance type a server of a variant gets: the first that has capacity."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_aws.execution.model_server import ServerFailed
from local_aws.store import Record

if TYPE_CHECKING:
    from local_aws.app import App

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
# How long AWS tries where VariantInstanceProvisionTimeoutInSeconds does not say is not documented.
PROVISION_TIMEOUT = 1800.0
POLL = 0.05


@dataclass(frozen=True)
class Site:
    """Whose servers: an endpoint, on one of its configurations."""

    app: App
    region: str
    endpoint: str
    config: str


@dataclass(frozen=True)
class Pool:
    """An instance type, and the model that its instances serve."""

    instance_type: str
    model: Record


class Placement:
    """The pools of a variant, best first: InstancePools by Priority, or its one InstanceType; without
    one, as of serverless variants, there is capacity always."""

    def __init__(self, site: Site, definition: dict[str, Any], pools: list[Pool]) -> None:
        self._site, self.pools = site, pools
        asked = definition.get("VariantInstanceProvisionTimeoutInSeconds", PROVISION_TIMEOUT)
        self._patience = site.app.config.simulation.wait(asked)

    def choose(self, give_up: threading.Event) -> Pool:
        """The best pool with capacity, now or soon. Raises `ServerFailed` when there is none."""
        deadline = time.monotonic() + self._patience
        while True:
            for pool in self.pools:
                if not pool.instance_type or self._has_capacity(pool.instance_type):
                    return pool
            if time.monotonic() > deadline or give_up.wait(POLL):
                raise ServerFailed(NO_CAPACITY)

    def _has_capacity(self, instance_type: str) -> bool:
        site = self._site
        facts = {"instance": instance_type, "spot": False, "region": site.region}
        subject = f"{site.endpoint}/{instance_type}"
        return site.app.faults.draw("no-capacity", subject, job=site.endpoint, **facts) is None


# GiB for each vCPU, by the start of the family's name; the others have 4.
_MEMORY = {"c": 2, "r": 8, "x": 16, "inf1": 2, "p3": 7.6, "g4dn": 4, "p4": 12, "t": 2}


def size_of(instance_type: str) -> tuple[float, float]:
    """vCPUs and memory in MB of an instance type, by the pattern that AWS's names follow."""
    family, size = instance_type.split(".")[1:]
    vcpus = {"medium": 2.0, "large": 2.0, "xlarge": 4.0}.get(size)
    if vcpus is None:
        times = size.removesuffix("xlarge")
        vcpus = 4.0 * int(times) if times.isdigit() else 96.0
    ratios = [ratio for start, ratio in _MEMORY.items() if family.startswith(start)]
    return vcpus, vcpus * (ratios[-1] if ratios else 4) * 1024
