"""Runs programs so that none of them, nor any of their descendants, outlives it.

`python -m demo.keeper GRACE` reads one JSON command a line from standard input and answers with one JSON event
a line on standard output. When standard input ends - its parent closed it, or died in whatever way -
everything is stopped: SIGTERM, SIGKILL after GRACE seconds.

    {"preload": [module, ...]}                     imports modules once, for `fork` below
    {"start": name, "argv": [...], "log": path, "env": {...}, "fork": false}
    {"stop": true}

A program with `"fork": true` is not executed: the keeper forks and runs `airflow.__main__` with its
argv. Importing Airflow takes three seconds of CPU; four components that share one import start in
half the time. Each program leads a session and a process group of its own and writes to its own log.

Events: {"started": name, "pid": n} and {"exited": name, "code": n}; a signal is a negative code.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.2
GC_THRESHOLD = 50_000


def prctl(option: int, value: int) -> None:
    """Linux's prctl(2); nothing elsewhere, where a killed keeper can leave a program behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def report(**event: object) -> None:
    """One event to the parent, which may be gone."""
    with contextlib.suppress(OSError):
        print(json.dumps(event), flush=True)


class Keeper:
    """Starts, reaps and stops programs."""

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.programs: dict[int, str] = {}

    def obey(self, command: dict[str, Any]) -> None:
        """Carry out one command other than stop."""
        if "preload" in command:
            preload(command["preload"])
        else:
            self.start(command)

    def start(self, command: dict[str, Any]) -> None:
        """Start one program in a session of its own."""
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            become(command, parent)
        self.programs[pid] = command["start"]
        report(started=command["start"], pid=pid)

    def reap(self) -> None:
        """Collect what exited; orphans of the programs arrive here too."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if name := self.programs.pop(pid, None):
                report(exited=name, code=os.waitstatus_to_exitcode(status))

    def stop(self) -> None:
        """SIGTERM to every program's group, SIGKILL to whatever is left after the grace."""
        for pid in self.programs:
            send(pid, signal.SIGTERM, group=True)
        patience = time.monotonic() + self.grace
        while self.programs and time.monotonic() < patience:
            time.sleep(0.02)
            self.reap()
        while left := children():
            for pid in left:
                send(pid, signal.SIGKILL)
            time.sleep(0.02)
            self.reap()


def preload(modules: list[str]) -> None:
    """Import with a rare garbage collection, which what is forked inherits, and keep it off the imports.

    It makes Airflow's API server, which builds 800 routes, start with a fifth less CPU.
    """
    gc.set_threshold(GC_THRESHOLD)
    for module in modules:
        importlib.import_module(module)
    gc.freeze()


def become(command: dict[str, Any], parent: int) -> NoReturn:
    """Turn this forked child into the program. Never returns."""
    code = 127
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(code)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_DFL)
        log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if command.get("fork"):
            code = run_airflow(command["argv"])
        else:
            env = command.get("env") or dict(os.environ)
            os.execve(command["argv"][0], command["argv"], env)  # noqa: S606
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(bool(leaving.code))
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run_airflow(argv: list[str]) -> int:
    """What `python -m airflow` does, in a process that imported it already."""
    from setproctitle import setproctitle

    setproctitle(" ".join(argv))
    sys.argv = argv
    runpy.run_module("airflow", run_name="__main__")
    return 0


def send(pid: int, number: int, group: bool = False) -> None:
    """A signal to a process or its group, which may be gone."""
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, number)


def children() -> list[int]:
    """Processes whose parent is this one, orphaned descendants among them."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(int(folder.name))
    return found


def main() -> None:
    """Obey standard input until it ends, says stop, or SIGTERM arrives."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    keeper = Keeper(grace=float(sys.argv[1]))
    unread = b""
    try:
        while not stopping:
            keeper.reap()
            if not select.select([0], [], [], LOOK_SECONDS)[0]:
                continue
            if not (chunk := os.read(0, 65536)):
                break
            *lines, unread = (unread + chunk).split(b"\n")
            for command in map(json.loads, lines):
                if "stop" in command:
                    return
                keeper.obey(command)
    finally:
        keeper.stop()


if __name__ == "__main__":
    main()
