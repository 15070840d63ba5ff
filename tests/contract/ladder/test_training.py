"""Training on the ladder, end to end on the local AWS: interrupted, moved to another region, and the same model."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from frugal.aws import regions
from frugal.jobs.experience import Experience, experience
from frugal.jobs.history import jobs_of
from frugal.local import LocalAws
from tests.contract.conftest import run_local_aws
from tests.contract.jobs.attempts import finish, result_of, submit
from tests.contract.jobs.conftest import point_clients_at
from tests.contract.ladder.conftest import AWAY, HOME, fault, make_bucket
from tests.contract.ladder.tiny import Tiny, make_tree
from tests.contract.waiting import await_true

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

INTERRUPTIONS = 5
ON_DEMAND = "[{instance: ml.m5.xlarge, spot: false}]"
AWAY_NEXT = (
    "[{instance: ml.m5.xlarge, patience: 1s}, {instance: ml.m5.xlarge, region: eu-west-1},"
    " {instance: ml.m5.xlarge, spot: false}]"
)
SPOT = "[{instance: ml.m5.xlarge}, {instance: ml.m5.xlarge, spot: false}]"
PREDICT = """\
import sys, numpy, xgboost
rows = numpy.random.default_rng(0).uniform(0, 200, (1000, 3))
for path in sys.argv[1:]:
    booster = xgboost.Booster(model_file=bytearray(open(path, "rb").read()))
    print(booster.inplace_predict(rows).tobytes().hex())
"""


@dataclass(frozen=True)
class Hasty(LocalAws):
    """A local AWS whose capacity comes back at once. From SIGTERM to SIGKILL are 12 s: for one checkpoint."""

    def command(self) -> list[str]:
        return [*super().command(), "--clock", "0.1", "--reclaim-seconds", "0.1"]


@pytest.fixture(scope="module")
def aws(
    tmp_path_factory: pytest.TempPathFactory, python_of: Callable[[str], Path]
) -> Iterator[LocalAws]:
    """A local AWS for this module."""
    home = tmp_path_factory.mktemp("frugal")
    yield from run_local_aws(home, python_of("local-aws").parents[2], Hasty)


@pytest.fixture
def tiny(
    aws: LocalAws, tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch, request: Any
) -> Tiny:
    """A run of the small model; all of them share a dataset."""
    for name, value in aws.client_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws"}')
    monkeypatch.setenv("FRUGAL_POLL_SECONDS", "0.1")
    monkeypatch.setenv("FRUGAL_INCLUDE", str(tmp_path))
    make_tree(tmp_path, repository)
    point_clients_at(aws)
    monkeypatch.setenv("FRUGAL_BUCKET", "tiny")
    make_bucket("tiny", HOME)
    make_bucket(f"tiny-{AWAY}", AWAY)
    return Tiny.prepared("tiny", request.node.name)


def whole(tiny: Tiny) -> dict[str, Any]:
    """The result of the same training without an interruption."""
    other = Tiny(replace(tiny.run, id=f"{tiny.run.id}-whole"))
    return result_of(other.operator(ON_DEMAND, "whole-train"), other.context())


def predictions(python: Path, folder: Path, *models: bytes) -> list[str]:
    """What each model says of a thousand rows: the bytes of its predictions."""
    files = []
    for number, model in enumerate(models):
        files.append(folder / f"{number}.ubj")
        files[-1].write_bytes(model)
    command = [str(python), "-c", PREDICT, *map(str, files)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_five_interruptions_leave_the_same_predictions_bit_for_bit(
    tiny: Tiny, aws: LocalAws, python_of: Callable[[str], Path], tmp_path: Path
) -> None:
    operator, context = tiny.operator(SPOT, f"held{INTERRUPTIONS}-train"), tiny.context()
    deferred = submit(operator, context)
    for attempt in range(1, INTERRUPTIONS + 1):
        await_true(partial(tiny.reached, attempt), f"attempt {attempt} to wait")
        aws.interrupt(deferred.trigger.job)
    result = finish(operator, deferred, context)
    assert (result["interruptions"], result["spot"]) == (INTERRUPTIONS, True)
    assert tiny.report(result["artifact"])["resumed_at"] == [40, 80, 120, 160, 200]
    known = experience(f"held{INTERRUPTIONS}-train", {"ml.m5.xlarge": 2.0})
    assert (known.job, known.seconds) == (result["job"], 2 * result["seconds_run"])
    assert known.interruptions == INTERRUPTIONS
    assert known.interruptions_per_hour > Experience().interruptions_per_hour
    models = [
        tiny.file(artifact, "xgboost-model")
        for artifact in (result["artifact"], whole(tiny)["artifact"])
    ]
    interrupted, uninterrupted = predictions(python_of("images/xgboost-3.0-5"), tmp_path, *models)
    assert interrupted == uninterrupted
    assert models[0] == models[1]


def test_no_capacity_at_home_resumes_in_another_region_and_the_model_comes_home(
    tiny: Tiny, aws: LocalAws
) -> None:
    first = tiny.operator(AWAY_NEXT, "held1-train")
    submit(first, tiny.context())
    await_true(lambda: tiny.reached(1), "the first attempt to wait")
    first.on_kill()
    second = tiny.operator(AWAY_NEXT, "held1-train")
    with fault(aws, "no-capacity", region=HOME, spot=True):
        result = result_of(second, tiny.context())
    assert (result["rung"], result["region"], result["spot"]) == (1, AWAY, True)
    assert result["artifact"].startswith(f"s3://{tiny.run.bucket}/tiny/runs/")
    assert tiny.report(result["artifact"])["resumed_at"] == [40]
    routes = {(moved["from"], moved["to"]) for moved in regions.transfers(tiny.run)}
    assert routes == {(HOME, AWAY), (AWAY, HOME)}
    jobs = jobs_of(tiny.run, {}, [AWAY])["train"]
    assert [(job["rung"], job["region"], job["error"]) for job in jobs] == [
        (0, HOME, "JobStopped"),
        (0, HOME, "JobStopped"),
        (1, AWAY, None),
    ]
    assert result["ladder"]["rungs"][1]["reason"].startswith("expected to cost")
