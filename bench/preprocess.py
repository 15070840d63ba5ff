"""Preprocessing against Polars and DuckDB: ``python -m bench preprocess [--gb 4]``.

All three do the same work (bench/preprocessing/task.py) on the same made-up CSV file, each in its
own process and locked environment, in turns; what they report is compared before anything is
printed. Frugal's engine runs as the Processing job does, in the environment that stands for AWS's
XGBoost image.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.harness import (
    HOME,
    REPOSITORY,
    Program,
    Result,
    machine,
    measure,
    python_of,
    table,
    take_turns,
)
from bench.preprocessing.task import Summary, differences, specification

PAGE = REPOSITORY / "docs" / "benchmarks" / "preprocess.md"
IMAGE = "images/xgboost-3.0-5"
BAD_SHARE = 0.001


def main() -> None:
    arguments = parse_arguments()
    (HOME / "bench").mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="preprocess-", dir=HOME / "bench"))
    try:
        page = compare(scratch, arguments.gb, arguments.repeats)
    finally:
        if not arguments.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print(page)
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench preprocess", description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="size of the CSV file (10^9 bytes)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each engine")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="print only, leave the page alone"
    )
    return parser.parse_args()


def compare(scratch: Path, gigabytes: float, repeats: int) -> str:
    """Measure everything; returns the page."""
    source = generate(scratch / "clean", gigabytes, 0)
    spoiled = generate(scratch / "spoiled", min(gigabytes, 1), BAD_SHARE)
    engines = [frugal(source), *rivals(source, scratch)]
    results = take_turns(engines, repeats)
    summaries = [of_manifest(source), *(of_rival(scratch / e.name) for e in engines[1:])]
    for engine, summary in zip(engines[1:], summaries[1:], strict=True):
        if found := differences(summaries[0], summary):
            raise SystemExit(f"Frugal and {engine.name} disagree: {'; '.join(found)}")
    sizes = [size_of(dataset_of(source)), *(size_of(scratch / e.name) for e in engines[1:])]
    dirty = measure(frugal(spoiled))
    manifest = json.loads((dataset_of(spoiled) / "manifest.json").read_text())
    rows = sum(summaries[0].rows.values())
    return render(results, sizes, gigabytes, source.stat().st_size, rows) + (
        f"\nBad rows cost time: Frugal's engine took {dirty.seconds:.1f} s and {dirty.peak_mib:.0f} MiB for "
        f"{spoiled.stat().st_size / 1e9:.1f} GB in which\n"
        f"{manifest['quarantine']['fraction']:.1%} of the rows, evenly spread, have a wrong type or a "
        "key that came before. Almost every block is then\n"
        "parsed twice and nearly every file written twice, which is the worst case.\n"
    )


def generate(base: Path, gigabytes: float, bad: float) -> Path:
    """Make a job's base directory with the raw file and spec.json; returns the raw file."""
    code, raw = (base / "processing" / "input" / name for name in ("code", "raw"))
    code.mkdir(parents=True)
    raw.mkdir()
    (code / "spec.json").write_text(json.dumps(specification()))
    source = raw / "sales.csv"
    command = [python_of(IMAGE), "-m", "bench.preprocessing.sales", source, gigabytes, bad]
    subprocess.run([str(part) for part in command], cwd=REPOSITORY, check=True)
    return source


def frugal(source: Path) -> Program:
    base = source.parents[3]
    return Program(
        "frugal",
        [python_of(IMAGE), "-m", "container.preprocess"],
        {"SAGEMAKER_BASE_DIR": str(base), "PYTHONPATH": str(REPOSITORY / "include")},
    )


def rivals(source: Path, scratch: Path) -> list[Program]:
    """Each empties its own output directory first, as Frugal's engine does."""
    fresh = (
        "import pathlib, runpy, shutil, sys; out = pathlib.Path(sys.argv[2]); "
        "shutil.rmtree(out, ignore_errors=True); out.mkdir(); "
        "runpy.run_module(sys.argv.pop(3), run_name='__main__')"
    )
    return [
        Program(
            name,
            [
                python_of("bench"),
                "-c",
                fresh,
                source,
                scratch / name,
                f"bench.preprocessing.{name}_engine",
            ],
            {"PYTHONPATH": str(REPOSITORY)},
        )
        for name in ("polars", "duckdb")
    ]


def dataset_of(source: Path) -> Path:
    return source.parents[2] / "output" / "dataset"


def of_manifest(source: Path) -> Summary:
    manifest = json.loads((dataset_of(source) / "manifest.json").read_text())
    rows = {name: manifest["rows"][name] for name in ("train", "validation", "test")}
    statistics = {
        name: {key: value for key, value in found.items() if _comparable(key, value)}
        for name, found in manifest["statistics"].items()
    }
    for name in ("date", "waterfront"):
        statistics[name] = {key: statistics[name][key] for key in ("count", "nulls")}
    return Summary(rows, manifest["quarantine"]["rows"], statistics)


def _comparable(key: str, value: object) -> bool:
    return key in ("count", "nulls") or (value is not None and not isinstance(value, str))


def of_rival(output: Path) -> Summary:
    return Summary(**json.loads((output / "summary.json").read_text()))


def size_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*.parquet"))


def render(results: list[Result], sizes: list[int], gigabytes: float, raw: int, rows: int) -> str:
    versions = json.loads(
        subprocess.run(
            [
                str(python_of("bench")),
                "-c",
                "import json, polars, duckdb; "
                "print(json.dumps({'polars': polars.__version__, 'duckdb': duckdb.__version__}))",
            ],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    )
    names = {
        "frugal": "Frugal (pyarrow)",
        "polars": f"Polars {versions['polars']}",
        "duckdb": f"DuckDB {versions['duckdb']}",
    }
    lines = [
        (
            names[result.name],
            f"{result.fastest:.1f} s",
            f"{result.typical:.1f} s",
            f"{result.processor_seconds:.1f} s",
            f"{raw / result.fastest / 1e6:.0f} MB/s",
            f"{result.peak_mib:.0f} MiB",
            f"{size / 1e6:.0f} MB",
        )
        for result, size in zip(results, sizes, strict=True)
    ]
    header = ("", "fastest", "median", "processors", "CSV per second", "peak memory", "Parquet")
    return f"""# Preprocessing: {raw / 1e9:.1f} GB of CSV

{dt.datetime.now(dt.UTC).date()}, {machine()}; {rows:,} rows, 21 columns; {len(results[0].runs)} runs each, in turns.
The machine's load average was {os.getloadavg()[2]:.1f} over the last 15 minutes; the engines account for 2 of it.
Written by `python -m bench preprocess --gb {gigabytes:g}`.

{table(header, lines)}

The work is the same: parse and convert every column, check required values, bounds and a key that
is unique over the whole file, split by a hash of the house, write zstd Parquet, compute statistics
(bench/preprocessing/task.py). The engines' statistics are compared and agree. "processors" is the
time that all processors together spent, which a busy machine distorts less; memory is the peak
resident size that the kernel reports. Polars and DuckDB split by their own hash, which
promises nothing across versions, and they only detect bad rows, where Frugal's engine
also sets them apart with row number and reason.
"""


if __name__ == "__main__":
    main()
