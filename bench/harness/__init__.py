"""Measure programs fairly: each run in its own process, all by the same means, in turns."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve()


def python_of(environment: str) -> Path:
    """The interpreter of a locked environment; `make envs` builds them.

    Raises:
        SystemExit: it is not built.
    """
    python = HOME / "envs" / environment / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"environment {environment!r} is not built: run `make envs`")
    return python


@dataclass(frozen=True)
class Program:
    """Something to run: its name in tables, its command, and variables beside the inherited ones."""

    name: str
    command: Sequence[str | Path]
    environment: dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run of a program: seconds by the clock, seconds of all processors, peak resident MiB."""

    seconds: float
    processor_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Result:
    """All runs of one program."""

    name: str
    runs: tuple[Run, ...]

    @property
    def fastest(self) -> float:
        return min(run.seconds for run in self.runs)

    @property
    def typical(self) -> float:
        return median(run.seconds for run in self.runs)

    @property
    def processor_seconds(self) -> float:
        return min(run.processor_seconds for run in self.runs)

    @property
    def peak_mib(self) -> float:
        return max(run.peak_mib for run in self.runs)


def measure(program: Program) -> Run:
    """Run a program once; the figures are the kernel's (wait4).

    Raises:
        SystemExit: it failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in program.command],
        env={**os.environ, **program.environment},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{program.name} failed with exit code {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def take_turns(programs: Iterable[Program], repeats: int) -> list[Result]:
    """Run every program ``repeats`` times, in turns, so that a busy machine slows all alike."""
    programs = list(programs)
    runs: list[list[Run]] = [[] for _ in programs]
    for turn in range(repeats):
        for program, taken in zip(programs, runs, strict=True):
            taken.append(measure(program))
            print(
                f"  turn {turn + 1} of {repeats}: {program.name} {taken[-1].seconds:.1f} s",
                flush=True,
            )
    return [Result(p.name, tuple(taken)) for p, taken in zip(programs, runs, strict=True)]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with aligned columns, the first to the left and the others to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in [lines[0], rule, *lines[1:]]
    )


def machine() -> str:
    """The processor and memory that the figures are from."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    return (
        f"{models[0] if models else 'unknown processor'}, {processors} processors, {memory:.0f} GiB"
    )
