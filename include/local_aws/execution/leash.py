"""Runs one command and never outlives whoever started it.

Started by `process.py` as a program of its own (standard library only). The first line on stdin is
the command as JSON: {"argv", "env", "cwd"}. After it, a line `TERM` or `KILL` signals the command's
process group. When stdin closes, because its owner said so or because it was killed, everything
the command started is killed. Exits as the command did, with 128 + n for signal n.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
KILLED = 128 + signal.SIGKILL


def main() -> int:
    spec = json.loads(sys.stdin.readline())
    _adopt_orphans()
    os.chdir(spec["cwd"])
    argv = spec["argv"]
    try:
        null = os.open(os.devnull, os.O_RDONLY)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0)]
        pid = os.posix_spawn(argv[0], argv, spec["env"], file_actions=actions, setpgroup=0)
    except OSError as error:
        print(f"{argv[0]}: {error.strerror}", flush=True)
        return 127
    threading.Thread(target=_obey, args=(pid,), daemon=True).start()
    code = _wait(pid)
    _kill_everything(pid)
    return code


def _adopt_orphans() -> None:
    """Become the parent of whatever the command leaves behind. Linux only; elsewhere the process
    group is all that can be killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _obey(pid: int) -> None:
    for line in sys.stdin:
        _signal_group(pid, getattr(signal, "SIG" + line.strip()))
    _kill_everything(pid)
    os._exit(KILLED)


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _wait(pid: int) -> int:
    try:
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except ChildProcessError:  # whoever killed everything was told of its end first
        return KILLED
    return 128 - code if code < 0 else code


def _kill_everything(pid: int) -> None:
    _signal_group(pid, signal.SIGKILL)
    while children := _children():
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        _reap()
        time.sleep(0.001)


def _children() -> list[int]:
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in children.split()]


def _reap() -> None:
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


if __name__ == "__main__":
    sys.exit(main())
