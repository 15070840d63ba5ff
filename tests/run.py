"""Run the whole suite, each folder in the environment that its code runs in.

    python3 tests/run.py [pytest arguments]

A folder that OWNED does not name runs beside Airflow. The suites run at the same time; each one's output is
shown when it ends, and the last line counts them all.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ENVS = Path(os.environ.get("FRUGAL_HOME", REPOSITORY / ".frugal")).resolve() / "envs"

#: environment -> the test folders that need what it holds
OWNED = {
    "tests/local-aws": ["tests/unit/local_aws"],
    "tests/xgboost-3.0-5": ["tests/unit/container", "tests/unit/model"],
    "tests/neo-xgboost": ["tests/unit/neo"],
}


def suites() -> dict[str, list[str]]:
    """Environment -> pytest's folder arguments, for the folders that hold tests."""
    owned = {
        env: [folder for folder in folders if any((REPOSITORY / folder).rglob("test_*.py"))]
        for env, folders in OWNED.items()
    }
    others = [f"--ignore={folder}" for folders in owned.values() for folder in folders]
    return {env: folders for env, folders in owned.items() if folders} | {
        "airflow": ["tests", *others]
    }


def start(env: str, arguments: list[str]) -> subprocess.Popen[str]:
    python = ENVS / env / "bin" / "python"
    cache = f"cache_dir={ENVS.parent / 'pytest' / env}"
    return subprocess.Popen(
        [str(python), "-m", "pytest", "-q", "-o", cache, *arguments, *sys.argv[1:]],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def main() -> int:
    """0 when every suite passed and at least one test ran."""
    started = time.monotonic()
    counts: dict[str, int] = {}
    failed = []
    running = {env: start(env, arguments) for env, arguments in suites().items()}
    for env, process in running.items():
        output, _ = process.communicate()
        print(f"== {env}\n{output}", flush=True)
        if process.returncode:
            failed.append(env)
        for number, outcome in re.findall(
            r"(\d+) (passed|failed|skipped|errors?)", output.rstrip().rpartition("\n")[2]
        ):
            counts[outcome] = counts.get(outcome, 0) + int(number)
    wrong = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    if failed:
        print(f"Failed in: {', '.join(failed)}")
    print(f"All suites took {time.monotonic() - started:.0f} s")
    skipped = f", {counts['skipped']} skipped" if "skipped" in counts else ""
    print(f"{counts.get('passed', 0)} passed, {wrong} failed{skipped}")
    return 1 if failed or not counts.get("passed") else 0


if __name__ == "__main__":
    sys.exit(main())
