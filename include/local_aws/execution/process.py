"""A command on a leash: its output as lines, its end as a condition, its death guaranteed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local_aws.execution.memory import processor_seconds, resident
from local_aws.execution.open_files import Inode, open_for_writing

log = logging.getLogger(__name__)

LEASH = Path(__file__).with_name("leash.py")
OPT_ML = Path(__file__).with_name("opt_ml.py")
ALONE = [sys.executable, "-I", "-S"]

Lines = Callable[[list[str]], None]


@dataclass(frozen=True)
class Command:
    """What to run: an absolute program with arguments, the whole environment, and the directory that
    is its /opt/ml, where the system allows one, and its working directory."""

    argv: list[str]
    environment: dict[str, str]
    directory: Path


class Process:
    """A running `Command`. `on_output` receives batches of lines on a thread of its own."""

    def __init__(self, command: Command, on_output: Lines, on_exit: Callable[[], None]) -> None:
        self._popen = subprocess.Popen(
            [*ALONE, str(LEASH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._on_output, self._on_exit = on_output, on_exit
        self._lock = threading.Lock()
        spec = {
            "argv": [*ALONE, str(OPT_ML), str(command.directory), *command.argv],
            "env": command.environment,
            "cwd": str(command.directory),
        }
        self._tell(json.dumps(spec))
        self._done = threading.Event()
        self._reader = threading.Thread(target=self._read, name="output", daemon=True)
        self._reader.start()

    def _tell(self, line: str) -> None:
        assert self._popen.stdin is not None
        with self._lock, suppress(BrokenPipeError, ValueError):
            self._popen.stdin.write(line.encode() + b"\n")
            self._popen.stdin.flush()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        stream, rest = self._popen.stdout, b""
        while chunk := stream.read1(1 << 16):  # type: ignore[attr-defined]
            *lines, rest = (rest + chunk).split(b"\n")
            self._pass_on(lines)
        self._pass_on([rest] if rest else [])
        self._popen.wait()
        self._done.set()
        self._on_exit()

    def _pass_on(self, lines: list[bytes]) -> None:
        try:
            if lines:
                self._on_output([line.rstrip(b"\r").decode(errors="replace") for line in lines])
        except Exception:  # the output has to be read on, or its writer would wait for ever
            log.exception("Output was lost")

    @property
    def code(self) -> int | None:
        """The exit code, 128 + n for signal n, or None while it runs."""
        return self._popen.returncode if self._done.is_set() else None

    def writing(self) -> frozenset[Inode] | None:
        """The files it has open for writing; None where the system does not tell."""
        return open_for_writing(self._popen.pid)

    def memory(self) -> int:
        """Bytes of memory that it holds; 0 where the system does not tell."""
        return resident(self._popen.pid)

    def cpu(self) -> float:
        """Seconds of processors that it used; 0 where the system does not tell."""
        return processor_seconds(self._popen.pid)

    def wait(self, timeout: float | None = None) -> bool:
        return self._done.wait(timeout)

    def terminate(self, grace: float) -> None:
        """SIGTERM to the group, `grace` seconds, SIGKILL; returns when it is gone."""
        self._tell("TERM")
        if not self._done.wait(grace):
            self.kill()

    def kill(self) -> None:
        """SIGKILL to everything it started; returns when it is gone."""
        assert self._popen.stdin is not None
        with self._lock, suppress(BrokenPipeError):
            self._popen.stdin.close()
        self._done.wait()
