"""Logs, notifications and events that AWS publishes itself, put straight into moto."""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from local_aws import clock
from local_aws.backing import event_delivery
from local_aws.backing.backends import backend
from local_aws.backing.snapshots import Snapshots

log = logging.getLogger(__name__)


class Telemetry:
    """CloudWatch Logs, SNS and EventBridge, as other services write to them."""

    def __init__(self, snapshots: Snapshots) -> None:
        event_delivery.install()
        self._snapshots = snapshots
        self._lock = threading.Lock()

    def log(self, region: str, group: str, stream: str, lines: list[str]) -> None:
        """Append lines, stamped now, to a stream, which is made when it is not there."""
        now = int(clock.now() * 1000)
        events = [{"timestamp": now, "message": line} for line in lines]
        with self._lock:
            logs = backend("logs", region)
            logs.ensure_log_group(group)
            logs.ensure_log_stream(group, stream)
            logs.put_log_events(group, stream, events)
        self._snapshots.touch("logs")

    def notify(self, region: str, topic: str, subject: str, message: str) -> None:
        """Publish to an SNS topic, by its ARN. Raises when there is none."""
        with self._lock:
            backend("sns", topic.split(":")[3]).publish(message, arn=topic, subject=subject)
        self._snapshots.touch("sns")

    def event(
        self,
        region: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        source: str = "aws.sagemaker",
    ) -> None:
        """An event of AWS's own on the default bus, delivered by its rules; no job fails for it."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": resources,
            "Time": clock.now(),
        }
        with self._lock:
            try:
                backend("events", region).put_events([entry])
            except Exception:
                log.exception("%s could not be delivered", detail_type)
        self._snapshots.touch("events")
