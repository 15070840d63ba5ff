"""Nothing that the demo starts outlives it, whichever way it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.home import DemoError, clean_environment
from demo.processes import Programs

PATIENCE = 120.0
# A program with a child that has left its session, and which ignores SIGTERM as its child does.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(600)
"""
# A parent that can be killed: it starts one stubborn program and says so.
PARENT = """
import sys, time
from pathlib import Path
from demo.processes import Programs
import os
folder, program = Path(sys.argv[1]), sys.argv[2]
with Programs(Path(sys.executable), dict(os.environ), folder / "keeper.log", 0.5) as programs:
    programs.start("stubborn", [sys.executable, "-c", program], folder / "stubborn.log")
    time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition came true before patience ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    """An environment in which `demo` can be imported."""
    return clean_environment() | {"PYTHONPATH": str(repository)}


@pytest.fixture
def programs(environment: dict[str, str], tmp_path: Path) -> Iterator[Programs]:
    """A hold on a keeper."""
    with Programs(Path(sys.executable), environment, tmp_path / "keeper.log", grace=0.5) as held:
        yield held


def grandchild(log: Path) -> int:
    """Pid of the stubborn program's child, once it wrote it."""
    assert eventually(lambda: log.exists() and log.read_text().endswith("\n"))
    return int(log.read_text())


def test_stop_ends_programs_that_ignore_sigterm_and_children_that_left_their_session(
    programs: Programs, tmp_path: Path
) -> None:
    programs.start("stubborn", [sys.executable, "-c", STUBBORN], tmp_path / "stubborn.log")
    child = grandchild(tmp_path / "stubborn.log")
    programs.stop()
    assert not alive(child)


def test_killing_the_parent_outright_ends_everything(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path), STUBBORN]
    parent = subprocess.Popen(command, env=environment)
    child = grandchild(tmp_path / "stubborn.log")
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert eventually(lambda: not alive(child))


def test_a_program_that_exits_is_reported_with_the_end_of_its_log(
    programs: Programs, tmp_path: Path
) -> None:
    programs.start(
        "brief", [sys.executable, "-c", "raise SystemExit('no luck')"], tmp_path / "brief.log"
    )
    assert eventually(lambda: "brief" in programs.exited)
    with pytest.raises(DemoError, match=r"brief exited with code 1(.|\n)*no luck"):
        programs.check()


def test_a_program_gets_the_environment_and_log_that_it_was_given(
    programs: Programs, tmp_path: Path
) -> None:
    code = "import os; print(sorted(os.environ))"
    log = tmp_path / "logs" / "deep" / "env.log"
    programs.start("env", [sys.executable, "-c", code], log, env={"ONLY": "this"})
    assert eventually(lambda: "env" in programs.exited)
    assert programs.exited["env"] == 0
    assert "'ONLY'" in log.read_text()
    assert "PYTHONPATH" not in log.read_text()
