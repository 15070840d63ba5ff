"""How long Airflow's DAG processor takes for each file of dags/: ``python -m bench.dags``.

Each turn is a fresh process that has imported Airflow and frozen what the garbage collector would look through,
as the DAG processor's workers have (airflow/dag_processing/manager.py), and then runs the file; what the file
imports of Frugal is part of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parent.parent
TURNS = 7
LIMIT_MS = 150
PROGRAM = """
import gc, runpy, sys, time
import airflow.dag_processing.dagbag, airflow.sdk.bases.operator, airflow.triggers.base
from airflow.sdk import DAG, BaseOperator, Context, Param, TriggerRule, get_current_context, task
gc.freeze()
started = time.perf_counter()
runpy.run_path(sys.argv[1])
print(1000 * (time.perf_counter() - started))
"""


def run() -> dict[str, list[float]]:
    """File name -> milliseconds of each turn."""
    files = sorted((REPOSITORY / "dags").glob("*.py"))
    return {file.name: [parse(file) for _ in range(TURNS)] for file in files}


def parse(file: Path) -> float:
    """Milliseconds that one parse takes."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    milliseconds: float = json.loads(done.stdout.splitlines()[-1])
    return milliseconds


def main() -> None:
    """Print a line a file; the limit is the house's own."""
    print(f"DAG files: ms to parse once Airflow is imported (limit {LIMIT_MS}), {TURNS} turns")
    for name, turns in run().items():
        verdict = "within" if median(turns) <= LIMIT_MS else "OVER"
        print(f"  {name:24} min {min(turns):6.1f}  median {median(turns):6.1f}  {verdict}")


if __name__ == "__main__":
    main()
