"""The benchmarks run, and the engines that they compare agree about the data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.harness import Program, measure, table, take_turns


def bench(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_engines_agree_on_a_small_file(repository: Path, python_of: Callable[[str], Path]) -> None:
    assert python_of("bench").exists()
    done = bench(repository, "preprocess", "--gb", "0.02", "--repeats", "1", "--no-write")
    assert done.returncode == 0, done.stderr
    assert all(engine in done.stdout for engine in ("Frugal (pyarrow)", "Polars", "DuckDB"))


def test_an_unknown_benchmark_is_refused_with_those_there_are(repository: Path) -> None:
    done = bench(repository, "nothing")
    assert done.returncode == 2
    assert "there is no benchmark 'nothing'; there are" in done.stderr
    assert "preprocess" in done.stderr


def test_runs_take_turns_and_carry_the_kernels_figures() -> None:
    programs = [Program(name, [sys.executable, "-c", "x = bytearray(2**26)"], {}) for name in "ab"]
    results = take_turns(programs, 2)
    assert [(result.name, len(result.runs)) for result in results] == [("a", 2), ("b", 2)]
    assert all(result.peak_mib > 64 for result in results)
    assert results[0].fastest <= results[0].typical
    assert measure(programs[0]).processor_seconds > 0


def test_tables_are_markdown() -> None:
    assert table(("", "time"), [("one", "1 s"), ("two", "10 s")]).splitlines() == [
        "|     | time |",
        "| --- | ---: |",
        "| one |  1 s |",
        "| two | 10 s |",
    ]
