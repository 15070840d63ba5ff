"""Logs, metrics, notifications and events that AWS publishes itself."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import moto.backends

from local_aws import ACCOUNT
from local_aws.backing.snapshots import Snapshots
from local_aws.cloudwatch import CloudWatch, Distribution

log = logging.getLogger(__name__)


@dataclass
class Samples:
    """Values of a metric, collected until they are put."""

    values: Distribution

    @classmethod
    def of(cls, value: float) -> Samples:
        return cls(Distribution.of(value))

    def add(self, value: float) -> None:
        self.values.add(Distribution.of(value))


def _backend(service: str, region: str) -> Any:
    backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]
    return backends[ACCOUNT][region]


class Telemetry:
    """CloudWatch Logs, CloudWatch metrics and EventBridge, as SageMaker writes to them."""

    def __init__(self, snapshots: Snapshots, cloudwatch: CloudWatch) -> None:
        self._snapshots = snapshots
        self._cloudwatch = cloudwatch
        self._lock = threading.Lock()

    def log(self, region: str, group: str, stream: str, lines: list[str]) -> None:
        """Append lines, stamped now, to a stream, which is made when it is not there."""
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        with self._lock:
            logs = _backend("logs", region)
            logs.ensure_log_group(group)
            logs.ensure_log_stream(group, stream)
            logs.put_log_events(group, stream, events)
        self._snapshots.touch("logs")

    def metric(
        self,
        region: str,
        namespace: str,
        name: str,
        samples: Samples,
        dimensions: dict[str, str],
        unit: str = "None",
    ) -> None:
        """Add values, stamped now, to a metric."""
        self._cloudwatch.put(region, namespace, name, dimensions, samples.values, unit)

    def notify(self, region: str, topic: str, subject: str, message: str) -> None:
        """Publish to an SNS topic, which may be another region's. Raises when there is none."""
        with self._lock:
            _backend("sns", topic.split(":")[3]).publish(message, arn=topic, subject=subject)
        self._snapshots.touch("sns")

    def event(
        self,
        region: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        source: str = "aws.sagemaker",
    ) -> None:
        """An event of AWS's own on the default bus, delivered by its rules.

        A target that moto cannot deliver to is logged: no job fails for it.
        """
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
            "Time": time.time(),
        }
        with self._lock:
            try:
                _backend("events", region).put_events([entry])
            except Exception:
                log.exception("%s could not be delivered", detail_type)
        self._snapshots.touch("events")
