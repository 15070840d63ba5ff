"""How busy a variant's instances are: CPUUtilization and MemoryUtilization of /aws/sagemaker/Endpoints.

After the developer guide's "SageMaker Jobs and Endpoint Metrics": CPU is 0 to 100 for each core, and put once a minute.
Instances here share this machine: its cores and its memory are what a share is of.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from local_aws.execution.model_server import ModelServer

NAMESPACE = "/aws/sagemaker/Endpoints"
MINUTE = 60.0
# Seconds of this machine between two looks at its processes, however short a minute is here.
SHORTEST = 1.0


class Utilization:
    """What the instances used since it was asked before. `minute` is how long a minute lasts here."""

    def __init__(self, minute: float) -> None:
        self._period = max(SHORTEST, minute)
        self._asked = time.monotonic()
        self._used: dict[Path, float] = {}

    def of(self, servers: Sequence[ModelServer]) -> dict[str, float]:
        """Both metrics in percent, the average of the instances that ran for all of the time; nothing while a minute is
        not over, or none did."""
        now = time.monotonic()
        if now - self._asked < self._period:
            return {}
        before, self._used = self._used, {server.base: server.cpu for server in servers}
        # From before the first look to after this one: whatever delays either, no core is busier than busy.
        passed, self._asked = time.monotonic() - self._asked, now
        used = [
            cpu - before[at] for at, cpu in self._used.items() if cpu >= before.get(at, cpu + 1)
        ]
        if not used:
            return {}
        memory = sum(server.memory for server in servers) / len(servers)
        return {
            "CPUUtilization": 100 * sum(used) / len(used) / passed,
            "MemoryUtilization": 100 * memory / _memory(),
        }


def _memory() -> int:
    """Bytes of memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
