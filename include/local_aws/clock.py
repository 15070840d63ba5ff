"""What time it is on this AWS: this machine's time, plus what it was told to be ahead or behind.

The time is the process's, as moto's state is. Descriptions, metrics, alarms, scheduled actions, warm
pools, S3's and the logs' times follow it; faults and the times of running jobs are this machine's.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class _Offset:
    """Seconds ahead of this machine."""

    seconds = 0.0
    lock = threading.Lock()


def now() -> float:
    """Seconds since 1970."""
    return time.time() + _Offset.seconds


def utcnow() -> datetime:
    """As moto has it: UTC, without saying so."""
    return datetime.fromtimestamp(now(), UTC).replace(tzinfo=None)


def shifted() -> float:
    """Seconds that this AWS is ahead of this machine; below 0, behind."""
    return _Offset.seconds


def shift(seconds: float) -> float:
    """Go forward, or back, at once; the new offset."""
    with _Offset.lock:
        _Offset.seconds += seconds
        return _Offset.seconds
