"""Which files a job is writing right now, so that only complete ones are uploaded."""

from __future__ import annotations

from pathlib import Path

Inode = tuple[int, int]

_PROC = Path("/proc")
_ACCESS_MODE = 0o3


def open_for_writing(ancestor: int) -> frozenset[Inode] | None:
    """(device, inode) of what the descendants of a process have open for writing.

    None where the system does not tell (it has no `/proc`).
    """
    if not (_PROC / "self" / "fdinfo").is_dir():
        return None
    return frozenset(inode for pid in descendants(ancestor) for inode in _written(pid))


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did; none where there is no `/proc`."""
    found: list[int] = []
    for children in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            pids = [int(word) for word in children.read_text().split()]
        except OSError:
            continue
        for child in pids:
            found += [child, *descendants(child)]
    return found


def _written(pid: int) -> list[Inode]:
    inodes: list[Inode] = []
    try:
        for info in (_PROC / str(pid) / "fdinfo").iterdir():
            flags = next(
                line for line in info.read_text().splitlines() if line.startswith("flags:")
            )
            if int(flags.split()[1], 8) & _ACCESS_MODE:
                stat = (_PROC / str(pid) / "fd" / info.name).stat()
                inodes.append((stat.st_dev, stat.st_ino))
    except OSError:
        pass
    return inodes
