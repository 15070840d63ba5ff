"""The example model, watched by the minute, and the sales that it is asked about."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from demo.home import Home
from demo.seed import write_raw
from frugal.aws.windows import Window
from frugal.local import REPOSITORY
from frugal.pipelines.watch_drift import SETTLED
from tests.e2e.drift.patience import until
from tests.faults.cluster import Cluster
from tests.faults.work import BUCKET

NAME = "house-prices"
TRAIN, WATCH, RETRAIN = (
    f"{what}_house_prices" for what in ("train", "watch_drift", "retrain_on_drift")
)
ROWS_OF_A_REQUEST = 50
REQUESTS_OF_A_DAY = 24
DAY = timedelta(days=1)
SEED = 20141101
SHIFT = 1.33
SHIFTED = ("price", "sqft_living", "sqft_above", "sqft_living15")
#: What a test cannot wait for is shorter than a user has it; an endpoint of two moves in two halves.
CHANGES: dict[str, dict[str, Any]] = {
    "train": {"hyperparameters": {"num_round": 300, "eta": 0.1, "max_depth": 5, "nthread": 1}},
    "compile": {"backend": "none"},
    "deploy": {
        "strategy": "realtime",
        "instance": "ml.c5.xlarge",
        "instances": 2,
        "rollout": {"kind": "canary", "percent": 50, "bake": "1m"},
    },
    "monitor": {"schedule": "* * * * *", "window": "1d", "retrain": {"cooldown": "1s"}},
}


def write_include(folder: Path) -> Path:
    """A copy of include/ as pipelines read it, with the example model changed as above."""
    source = REPOSITORY / "include"
    ignore = shutil.ignore_patterns("__pycache__", "drafts")
    for part in ("container", "prices", f"models/{NAME}"):
        shutil.copytree(source / part, folder / part, ignore=ignore)
    shutil.copy(source / "images.yaml", folder)
    path = folder / "models" / NAME / "model.yaml"
    spec = yaml.safe_load(path.read_text()) | {"schedule": None}
    spec |= CHANGES | {"train": spec["train"] | CHANGES["train"]}
    path.write_text(yaml.safe_dump(spec))
    return folder


@dataclass
class Houses:
    """The model in one account, its raw data, and the traffic of its endpoint.

    `files` are the sales of 2014, `later` those of 2015, of houses a third larger than they were and as much dearer.
    """

    cluster: Cluster
    files: Sequence[Path]
    later: Path
    features: Sequence[str]
    dice: random.Random = field(default_factory=lambda: random.Random(SEED))

    @classmethod
    def settle(cls, cluster: Cluster, include: Path) -> Houses:
        """With the sales of 2014 as raw data."""
        spec = yaml.safe_load((include / "models" / NAME / "model.yaml").read_text())
        files = write_raw(Home.load())
        later = _shifted(files[-1], cluster.folder / files[-1].name)
        houses = cls(cluster, files[:-1], later, spec["data"]["features"])
        for path in houses.files:
            houses.add_raw(path)
        return houses

    def add_raw(self, path: Path) -> None:
        """One more file of sales, as a county's export leaves it."""
        self.cluster.s3.put_object(
            Bucket=BUCKET, Key=f"{NAME}/raw/{path.name}", Body=path.read_bytes()
        )

    def ask(self, files: Iterable[Path], windows: Iterable[Window]) -> None:
        """Ask the endpoint, in the middle of each window, about sales drawn from `files`.

        The local AWS's clock is put there meanwhile, so that what is captured lies where it belongs.
        """
        runtime = self.cluster.client("sagemaker-runtime")
        rows = [row for path in files for row in self._rows(path)]
        for window in windows:
            at = window.start + window.length / 2
            with self.cluster.at(at):
                for _ in range(REQUESTS_OF_A_DAY):
                    body = "\n".join(self.dice.choices(rows, k=ROWS_OF_A_REQUEST))
                    runtime.invoke_endpoint(EndpointName=NAME, ContentType="text/csv", Body=body)
                place = f"{NAME}/capture/{NAME}/main/{at:%Y/%m/%d/%H}/"
                until(partial(self._has_all, place), f"all of {place}")

    def ask_unseen(self, files: Iterable[Path], windows: Iterable[Window]) -> None:
        """The same while no task runs: a window is watched once, and a part of it is not what is meant."""
        self.cluster.freeze("scheduler")
        self.ask(files, windows)
        self.cluster.resume("scheduler")

    def _has_all(self, prefix: str) -> bool:
        """Whether as much was captured as was asked in a window."""
        s3 = self.cluster.s3
        bodies: Iterator[bytes] = (
            s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in self.keys(prefix)
        )
        return sum(body.count(b"\n") for body in bodies) == REQUESTS_OF_A_DAY

    def _rows(self, path: Path) -> list[str]:
        """Sales as the endpoint takes them: numbers in the features' order, dates as days since 1970."""
        with path.open(newline="") as file:
            return [
                ",".join(_number(name, row[name]) for name in self.features)
                for row in csv.DictReader(file)
                if _is_whole(row)
            ]

    def keys(self, prefix: str) -> list[str]:
        """Keys of the bucket's objects below `prefix`."""
        pages = self.cluster.s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=prefix
        )
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def read(self, *parts: str) -> Any:
        """A JSON document below the model's prefix; None when there is none."""
        key = "/".join((NAME, *parts))
        if key not in self.keys(key):
            return None
        return json.loads(self.cluster.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def _number(name: str, text: str) -> str:
    return str((date.fromisoformat(text) - date(1970, 1, 1)).days) if name == "date" else text


def _is_whole(row: dict[str, str]) -> bool:
    """Whether a sale is none of those that the export broke: their numbers are no numbers, or of another age."""
    try:
        date.fromisoformat(row["date"])
        return (
            float(row["price"]) > 0 <= min(float(row["bathrooms"]), int(row["bedrooms"]))
            and int(row["yr_built"]) < 2030
        )
    except ValueError:
        return False


def _shifted(source: Path, path: Path) -> Path:
    """The sales of `source` with what `SHIFTED` names larger."""
    with source.open(newline="") as given, path.open("w", newline="") as file:
        reader = csv.DictReader(given)
        writer = csv.DictWriter(file, reader.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        for row in reader:
            larger = {
                name: str(int(int(row[name]) * SHIFT)) for name in SHIFTED if row[name].isdigit()
            }
            writer.writerow(row | larger)
    return path


def last_day(now: datetime) -> Window:
    """The last window that is over and settled, as the DAG sees it."""
    return Window.ending_before(now - SETTLED, DAY)


def before(window: Window, days: int) -> Window:
    """The window so many days earlier."""
    return Window(window.start - days * DAY, DAY)
