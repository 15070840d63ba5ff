"""How much memory a job or a server uses right now."""

from __future__ import annotations

import os
from pathlib import Path

from local_aws.execution.open_files import descendants

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(ancestor: int) -> int:
    """Bytes of memory that the descendants of a process hold; 0 where the system does not tell."""
    return sum(_resident(pid) for pid in descendants(ancestor))


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0
