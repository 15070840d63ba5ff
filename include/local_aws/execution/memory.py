"""How much memory a job or a server uses right now, and how much of the processors it used."""

from __future__ import annotations

import os
from pathlib import Path

from local_aws.execution.open_files import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
# utime, stime, cutime and cstime in /proc/<pid>/stat, after the name (proc(5)).
_TIMES = slice(11, 15)


def resident(ancestor: int) -> int:
    """Bytes of memory that the descendants of a process hold; 0 where the system does not tell."""
    return sum(_resident(pid) for pid in descendants(ancestor))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


def processor_seconds(ancestor: int) -> float:
    """Seconds that the descendants of a process have run for, those that they waited for included; 0 where the system
    does not tell."""
    return sum(_ran(pid) for pid in descendants(ancestor))


def _ran(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[_TIMES])) / _TICKS
