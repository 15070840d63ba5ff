"""Windows of captured traffic: which one is due, what was captured in it, and what has been watched already.

    <model>/capture/<endpoint>/<variant>/yyyy/mm/dd/hh/*.jsonl   data capture, AWS's or the handler's own
    <model>/monitor/<window>/manifest.json                       the objects that the drift job reads
    <model>/monitor/<window>/drift.json, report.html, ...        what it found
    <model>/monitor/<window>/decision.json                       what came of it

A window is called after its first hour, `2026-11-22T16Z`, and its length in hours, `-24h`. Where Model Monitor's hours
are shorter, as on a local AWS with a `--clock`, its windows are called after the second: `2026-11-22T16Z05-24-36s`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from frugal.aws import clients, registry
from frugal.aws.run import Run
from frugal.spec import ModelSpec

HOUR = timedelta(hours=1)
NAME = "%Y-%m-%dT%HZ"
NAMED = re.compile(r"(.{14})(?:-([1-9]\d{0,3})h|(\d\d)-(\d\d)-([1-9]\d{0,4})s)")
MONITOR, MANIFEST, VERDICT = "monitor", "manifest.json", "drift.json"


@dataclass(frozen=True)
class Window:
    """The time from `start`, in UTC and, but for Model Monitor's, on the hour, for `length`."""

    start: datetime
    length: timedelta

    @classmethod
    def ending_before(cls, now: datetime, length: timedelta) -> Window:
        """The last one of whole hours that is over at `now`."""
        end = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(end - length, length)

    @classmethod
    def since(cls, start: datetime, now: datetime) -> Window:
        """Of whole hours, from the one that `start` is in to the one that `now` is in."""
        first = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        return cls(first, (now - first) // HOUR * HOUR + HOUR)

    @classmethod
    def parse(cls, name: str) -> Window:
        """The one that `name` names. Raises ValueError when it names none."""
        found = NAMED.fullmatch(name)
        if found is None:
            raise ValueError(f"no window: {name!r}; such as 2026-11-22T16Z-24h")
        hour = datetime.strptime(found[1], NAME).replace(tzinfo=UTC)
        hours, minute, second, seconds = (int(part or 0) for part in found.groups()[1:])
        start = hour + timedelta(minutes=minute, seconds=second)
        return cls(start, timedelta(hours=hours, seconds=seconds))

    @property
    def name(self) -> str:
        """Sorts by time, and stands in S3 keys and run ids."""
        if self.length % HOUR or self.start.minute or self.start.second:
            return f"{self.start:{NAME}%M-%S}-{self.length // timedelta(seconds=1)}s"
        return f"{self.start:{NAME}}-{self.length // HOUR}h"

    @property
    def hours(self) -> Iterator[str]:
        """`yyyy/mm/dd/hh` of each hour."""
        for number in range(self.length // HOUR):
            yield f"{self.start + number * HOUR:%Y/%m/%d/%H}"


def place(run: Run, window: str, *parts: str) -> str:
    """URI below what belongs to one window."""
    return run.s3(MONITOR, window, *parts)


def captured(spec: ModelSpec, run: Run, endpoint: str, window: Window) -> list[str]:
    """Keys of the non-empty objects that hold the window's traffic, of every variant; in batch of its inputs."""
    root = f"{run.s3('capture')}/"
    if spec.deploy.strategy == "batch":
        return _batch_inputs(root, window)
    return sorted(hourly(f"{root}{endpoint}/", window))


def _batch_inputs(root: str, window: Window) -> list[str]:
    """Transform jobs capture manifests of the objects that they read: `capture/input/yyyy/mm/dd/hh/<id>.json`."""
    keys: set[str] = set()
    for hour in window.hours:
        bucket, _ = clients.split_uri(root)
        for key in clients.list_objects(f"{root}input/{hour}/"):
            head, *names = _manifest(f"s3://{bucket}/{key}")
            prefix = clients.split_uri(head["prefix"])[1]
            keys.update(f"{prefix}{name}" for name in names)
    return sorted(keys)


def _manifest(uri: str) -> list[Any]:
    document: Any = clients.read_json(uri)
    return list(document)


def find(spec: ModelSpec, run: Run, endpoint: str, window: Window) -> dict[str, Any] | None:
    """What a drift job reads: {"window", "captured", "truth", "baseline", "evaluation"}, URIs; None when nothing was
    captured.

    The baseline is that of the run that trained the champion, so that a promotion renews it. Ground truth is whatever
    has arrived since the window began. Raises LookupError when there is no baseline.
    """
    keys = captured(spec, run, endpoint, window)
    if not keys or run.champion is None:
        return None
    trained_by = registry.lineage(run.champion.arn)[registry.RUN]
    baseline = run.s3("runs", trained_by, "baseline")
    if not clients.list_objects(f"{baseline}/constraints.json"):
        raise LookupError(
            f"{run.champion.arn} has no baseline: {baseline} holds no constraints.json"
        )
    arrived = Window.since(window.start, datetime.now(UTC))
    truth = sorted(hourly(f"s3://{run.bucket}/{truth_root(spec)}", arrived))
    return {
        "window": window.name,
        "captured": _listed(run, window.name, MANIFEST, keys),
        "truth": _listed(run, window.name, "truth.json", truth) if truth else None,
        "baseline": baseline,
        "evaluation": run.s3("runs", trained_by, "evaluation"),
    }


def truth_root(spec: ModelSpec) -> str:
    """Key prefix of the model's ground truth. Its folders are named after the hour in which it was collected, not that
    of the request (SageMaker guide, "Ingest Ground Truth labels and merge them with predictions").
    """
    return f"{(spec.monitor.truth or f'{spec.name}/truth').strip('/')}/"


def hourly(root: str, window: Window) -> dict[str, int]:
    """Keys and sizes of the non-empty objects below `root` that lie in folders of the window's hours."""
    hours = set(window.hours)
    return {
        key: item["Size"]
        for key, item in clients.list_objects(root).items()
        if item["Size"] and "/".join(key.split("/")[-5:-1]) in hours
    }


def _listed(run: Run, window: str, name: str, keys: list[str]) -> str:
    """URI of a manifest that a ProcessingInput of type ManifestFile reads."""
    uri = place(run, window, name)
    clients.write_json(uri, [{"prefix": f"s3://{run.bucket}/"}, *keys])
    return uri


def verdict(run: Run, window: str) -> dict[str, Any] | None:
    """drift.json of a window; None while it has not been watched."""
    return clients.read_json(place(run, window, VERDICT))
