"""Commands on a leash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from local_aws.execution.process import Command, Process

from .conftest import await_true


class Started:
    """A shell script on a leash, with its output."""

    def __init__(self, script: str, directory: Path) -> None:
        self.lines: list[str] = []
        self.ended = threading.Event()
        environment = {"PATH": os.environ["PATH"]}
        command = Command(["/bin/sh", "-c", script], environment, directory)
        self.process = Process(command, self.lines.extend, self.ended.set)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_output_and_exit_code(tmp_path: Path) -> None:
    started = Started("echo one; echo two >&2; printf three; exit 7", tmp_path)
    assert started.ended.wait(120)
    assert sorted(started.lines) == ["one", "three", "two"]
    assert started.process.code == 7


def test_a_signal_s_code_is_128_and_its_number(tmp_path: Path) -> None:
    started = Started("kill -9 $$", tmp_path)
    started.process.wait(120)
    assert started.process.code == 128 + signal.SIGKILL


def test_a_command_that_cannot_start_exits_with_127(tmp_path: Path) -> None:
    lines: list[str] = []
    process = Process(Command(["/no/such"], {}, tmp_path), lines.extend, lambda: None)
    process.wait(120)
    assert process.code == 127
    assert lines == ["/no/such: No such file or directory"]


def test_termination_reaches_the_whole_group_and_gives_time(tmp_path: Path) -> None:
    started = Started("trap 'echo cleaned; exit 0' TERM; echo up; sleep 60 & wait", tmp_path)
    await_true(lambda: started.lines)
    started.process.terminate(grace=120)
    assert started.lines == ["up", "cleaned"]
    assert started.process.code == 0


def test_what_ignores_termination_is_killed(tmp_path: Path) -> None:
    started = Started("trap '' TERM; echo up; while :; do sleep 0.05; done", tmp_path)
    await_true(lambda: started.lines)
    started.process.terminate(grace=0.1)
    assert started.process.code is not None
    assert started.process.code > 128


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's child subreaper")
def test_what_escapes_the_group_is_killed_with_it(tmp_path: Path) -> None:
    started = Started("setsid sleep 60 & echo $!; wait", tmp_path)
    await_true(lambda: started.lines)
    escaped = int(started.lines[0])
    assert alive(escaped)
    started.process.kill()
    await_true(lambda: not alive(escaped))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_outlives_an_owner_that_is_killed(tmp_path: Path) -> None:
    owner = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from local_aws.execution.process import Command, Process
        command = Command(["/bin/sh", "-c", "sleep 61 & echo $$ $!; wait"], {}, Path.cwd())
        Process(command, lambda lines: print(*lines, flush=True), lambda: None)
        time.sleep(60)
        """
    )
    include = Path(__file__).resolve().parents[3] / "include"
    process = subprocess.Popen(
        [sys.executable, "-c", owner],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(include)},
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)
    process.kill()
    process.wait()
    await_true(lambda: not any(alive(pid) for pid in pids))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_files_open_for_writing_are_known(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("x")
    started = Started("exec 3>written 4<read; echo up; sleep 60", tmp_path)
    await_true(lambda: started.lines)
    writing = started.process.writing()
    assert writing is not None
    for name, expected in (("written", True), ("read", False)):
        stat = (tmp_path / name).stat()
        assert ((stat.st_dev, stat.st_ino) in writing) is expected
    started.process.kill()
