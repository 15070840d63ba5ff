"""Runs a command that finds its base directory at /opt/ml, as it would in a container.

    python -I -S opt_ml.py <base> <program> <argument>...

Started by the leash as a program of its own (standard library only), it becomes that command. On
Linux, where the system lets a process have mounts of its own (root's, or in a user namespace),
<base> is mounted at /opt/ml for the command and what it starts, and for nobody else; whatever else
is in /opt stays there. Elsewhere (macOS, most containers) the command runs without: there only the
/opt/ml that a request spells out is rewritten.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
OPT, TARGET = Path("/opt"), Path("/opt/ml")


def main() -> int:
    base, program, *arguments = sys.argv[1:]
    if sys.platform == "linux" and OPT.is_dir() and _possible(Path(base)):
        _mount(Path(base))
    try:
        os.execv(program, [program, *arguments])  # noqa: S606
    except OSError as error:
        print(f"{program}: {error.strerror}", flush=True)
        return 127


def _possible(base: Path) -> bool:
    """Whether a process that is thrown away could do it: there is no way back from half of it."""
    probe = os.fork()
    if not probe:
        try:
            _mount(base)
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(probe, 0)[1] == 0


def _mount(base: Path) -> None:
    _unshare()
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    if not TARGET.is_dir():
        _make_room(base / "tmp" / "opt")
    _bind(base, TARGET)


def _unshare() -> None:
    """Get mounts of our own. In a user namespace root could not read the files of others."""
    user, group = os.geteuid(), os.getegid()
    if user == 0:
        _call("unshare", CLONE_NEWNS)
        return
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def _make_room(kept: Path) -> None:
    """Make an /opt with all that was in it and a directory `ml`; `kept` is used meanwhile."""
    kept.mkdir(parents=True, exist_ok=True)
    _bind(OPT, kept)
    _call("mount", b"tmpfs", os.fsencode(OPT), b"tmpfs", 0, None)
    for entry in kept.iterdir():
        place = OPT / entry.name
        if entry.is_symlink():
            place.symlink_to(entry.readlink())
        elif entry.is_dir():
            place.mkdir()
            _bind(entry, place)
        else:
            place.touch()
            _bind(entry, place)
    TARGET.mkdir()
    _call("umount2", os.fsencode(kept), MNT_DETACH)
    kept.rmdir()


def _bind(source: Path, target: Path) -> None:
    _call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND | MS_REC, None)


def _call(function: str, *arguments: object) -> None:
    """Call the C library. Raises `OSError`."""
    if getattr(ctypes.CDLL(None, use_errno=True), function)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main())
