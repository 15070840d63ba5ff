"""Cleaning up among ten thousand things, throttled as AWS throttles: ``python -m bench cleanup``.

A local AWS of its own is filled through its API with what is old and not in use (bench/cleaning/seed.py); then
nights plan in a process of their own (bench/cleaning/night.py). The smaller account tells what memory grows with.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.cleaning.seed import BUCKET, THREADS, Account, scale, seed
from bench.harness import HOME, REPOSITORY, Program, measure, table
from frugal.local import LocalAws

PAGE = REPOSITORY / "docs" / "benchmarks" / "cleanup-scale.md"
ENVIRONMENT = "bench"
OLD_SECONDS = 120 * 86400
SHARES = (0.1, 1.0)
#: Calls a second of an operation, and at once after a pause. CloudWatch's and the tagging API's are those that AWS
#: publishes; SageMaker's are not published, and Logs' and Application Auto Scaling's are taken to be like them.
RATES: tuple[dict[str, Any], ...] = (
    {"service": "resourcegroupstaggingapi", "operation": "GetResources", "rate": 15},
    {"service": "resourcegroupstaggingapi", "operation": "*TagResources", "rate": 5},
    {"service": "cloudwatch", "operation": "GetMetricData", "rate": 50},
    {"service": "cloudwatch", "operation": "Describe*", "rate": 9},
    *({"service": name, "rate": 10} for name in ("sagemaker", "logs", "application-autoscaling")),
)


class SlowAws(LocalAws):
    """A local AWS with AWS's own waits: what was shortened would look at its alarms without a pause."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", "1"]


def main() -> None:
    arguments = parse_arguments()
    scratch = HOME / "bench" / "cleanup"
    results = []
    for share in arguments.shares:
        shutil.rmtree(scratch, ignore_errors=True)
        try:
            results.append(run(scratch, share, arguments.throttle))
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        print(summary(results[-1:]), flush=True)
    page = render(results)
    print(page)
    if arguments.write:
        PAGE.write_text(page)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench cleanup", description=__doc__)
    parser.add_argument(
        "--shares", type=float, nargs="+", default=SHARES, help="of the ten thousand, in turns"
    )
    parser.add_argument(
        "--no-throttle", dest="throttle", action="store_false", help="without throttling"
    )
    parser.add_argument(
        "--no-write", dest="write", action="store_false", help="print only, leave the page alone"
    )
    return parser.parse_args()


def run(scratch: Path, share: float, throttle: bool) -> dict[str, Any]:
    """Seed an account, and let nights look at it: what was counted, and how long seeding took."""
    with account_of(scratch) as local:
        started = time.monotonic()
        fill(local, share)
        seeding = time.monotonic() - started
        if throttle:
            local.ask(
                "POST", "/_local/faults", {"rules": [{"fault": "throttle", **r} for r in RATES]}
            )
        counted = scratch / "nights.json"
        command = [sys.executable, "-m", "bench.cleaning.night", str(counted)]
        environment = local.client_environment() | {
            "FRUGAL_ENVIRONMENT": ENVIRONMENT,
            "FRUGAL_BUCKET": BUCKET,
            "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")]),
        }
        measure(Program("nights", command, environment))
        rules = local.ask("GET", "/_local/faults")["rules"]
        nights = json.loads(counted.read_text())
    return {
        "seeding": seeding,
        **nights,
        "throttled": sum(rule["fired"] for rule in rules),
    }


@contextmanager
def account_of(scratch: Path) -> Iterator[LocalAws]:
    """A local AWS with a state of its own, for as long as it is needed."""
    scratch.mkdir(parents=True)
    (scratch / "envs").symlink_to(HOME / "envs")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    local = SlowAws(scratch, port)
    local.start()
    try:
        yield local
    finally:
        local.stop()


def fill(local: LocalAws, share: float) -> None:
    """Everything is as old as OLD_SECONDS when this returns."""
    account = Account(clients_of(local), ENVIRONMENT)
    local.ask("POST", "/_local/clock", {"Shift": -OLD_SECONDS})
    seed(account, share)
    scale(account)
    local.ask("POST", "/_local/clock", {"Shift": OLD_SECONDS})


def clients_of(local: LocalAws) -> Callable[[str], Any]:
    environment = local.client_environment()
    session = boto3.Session(
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    services = ("s3", "sagemaker", "logs", "cloudwatch", "application-autoscaling")
    config = Config(max_pool_connections=THREADS)
    made = {s: session.client(s, endpoint_url=local.url, config=config) for s in services}
    return made.__getitem__


HEADER = (
    *("things", "night", "seconds", "calls", "calls a thing", "of them throttled"),
    "peak MiB",
)


def summary(results: list[dict[str, Any]]) -> str:
    rows = [
        [
            f"{night['resources']:,}",
            night["name"],
            f"{night['seconds']:.1f}",
            f"{night['calls']:,}",
            f"{night['calls'] / night['resources']:.3f}",
            f"{night['throttled']:,}",
            f"{night['peak_mib']:.0f}",
        ]
        for result in results
        for night in result["nights"]
    ]
    return table(HEADER, rows)


def render(results: list[dict[str, Any]]) -> str:
    last = results[-1]
    first = last["nights"][0]
    operations = table(
        ("operation", "calls in the first night"),
        [(name, f"{count:,}") for name, count in first["by_operation"][:12]],
    )
    rates = table(
        ("calls of", "a second, each operation"),
        [(f"{r['service']} {r.get('operation', '')}".strip(), f"{r['rate']:g}") for r in RATES],
    )
    marking = last["marking"]
    template = (Path(__file__).parent / "cleaning" / "scale.md").read_text()
    return template.format(
        summary=summary(results),
        operations=operations,
        rates=rates,
        asked=f"{(first['calls'] - first['throttled']) / first['resources']:.3f}",
        seeding=f"{last['seeding']:.0f}",
        marked=f"{first['found'].get('mark', 0):,}",
        marking_seconds=f"{marking['seconds']:.1f}",
        marking_calls=f"{marking['calls']:,}",
        found=", ".join(f"{count:,} to {verdict}" for verdict, count in first["found"].items()),
        unseen="; ".join(f"{kind}: {why}" for kind, why in first["unseen"].items()) or "nothing",
    )


if __name__ == "__main__":
    main()
