"""Logs, metrics and events that AWS publishes itself, put straight into moto."""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

import moto.backends
from moto.core.utils import utcnow

from local_aws import ACCOUNT
from local_aws.backing.snapshots import Snapshots

log = logging.getLogger(__name__)


@dataclass
class Samples:
    """Values of a metric, summed up: CloudWatch's statistic set."""

    count: int
    total: float
    least: float
    most: float

    @classmethod
    def of(cls, value: float) -> Samples:
        return cls(1, value, value, value)

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)


def _backend(service: str, region: str) -> Any:
    backends: Any = moto.backends.get_backend(service)  # type: ignore[call-overload]
    return backends[ACCOUNT][region]


class Telemetry:
    """CloudWatch Logs, CloudWatch metrics and EventBridge, as SageMaker writes to them."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots
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
        """Add one statistic set, stamped now, to a metric."""
        datum = {
            "MetricName": name,
            "Dimensions": [{"Name": k, "Value": v} for k, v in dimensions.items()],
            "Timestamp": utcnow(),
            "Unit": unit,
            "StatisticValues": {
                "SampleCount": samples.count,
                "Sum": samples.total,
                "Minimum": samples.least,
                "Maximum": samples.most,
            },
        }
        with self._lock:
            _backend("cloudwatch", region).put_metric_data(namespace, [datum])
        self._snapshots.touch("cloudwatch")

    def event(
        self, region: str, detail_type: str, detail: dict[str, Any], resources: list[str]
    ) -> None:
        """An event from `aws.sagemaker` on the default bus, delivered by its rules.

        A target that moto cannot deliver to is logged: no job fails for it.
        """
        entry = {
            "Source": "aws.sagemaker",
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
