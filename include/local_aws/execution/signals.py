"""Why a running job is told to end."""

from __future__ import annotations

from enum import Enum


class Signal(Enum):
    """What ends a process that has not ended by itself."""

    STOP = "stop"
    INTERRUPT = "interrupt"
    TIMEOUT = "timeout"
    FAULT = "fault"
    DONE = "done"
