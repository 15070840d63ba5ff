"""The decision as a worker makes it: with EC2's prices, without them, and with a region that has no bucket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from frugal.aws import clients
from frugal.aws.run import Inputs
from frugal.jobs.capacity import Ladder
from frugal.spec import parse_spec
from frugal.stages.ladder import LADDER, ladder
from tests.contract.ladder.conftest import AWAY, HOME, Buckets, fault
from tests.specs import shortest

SPEC = shortest() + "train:\n  max_run: 2h\n"
THREE = """\
  capacity:
    - {instance: ml.m5.xlarge, patience: 10m}
    - {instance: ml.m5.xlarge, region: eu-west-1, patience: 1h}
    - {instance: ml.m5.xlarge, spot: false}
"""


def decide(buckets: Buckets, train: str) -> Ladder:
    return ladder(parse_spec(SPEC + train), Inputs(buckets.run, {}))


@pytest.fixture
def no_ec2(buckets: Buckets) -> Iterator[None]:
    """EC2 answers every call with an error."""
    with fault(buckets.local, "error", service="ec2", error="ServiceUnavailable"):
        yield


def test_spot_is_priced_by_ec2s_share_and_ordered_with_its_transfer(buckets: Buckets) -> None:
    run = buckets.run
    buckets.put(run, run.dataset("train", "part-0.parquet"), "rows" * 1000)
    decided = decide(buckets, THREE + "  capacity_order: cheapest\n")
    costs = [rung.cost for rung in decided.rungs if rung.cost is not None]
    assert len(costs) == 3
    assert costs == sorted(costs)
    near, far, on_demand = sorted(decided.rungs, key=lambda rung: rung.index)
    assert on_demand.cost == pytest.approx(0.46)
    assert "USD of transfer" in far.reason
    assert "more for interruptions" in near.reason
    assert (near.region, far.region, far.patience) == (HOME, AWAY, 3600)
    assert "7200 s of training expected, as of train.max_run" in decided.reason
    assert (
        "no placement scores: EC2 scores fewer than 3 instance types always low" in decided.reason
    )
    assert clients.read_json(run.own(LADDER)) == decided.as_json()


def test_three_types_are_scored(buckets: Buckets) -> None:
    decided = decide(
        buckets,
        "  capacity: [{instance: ml.m5.xlarge}, {instance: ml.c5.xlarge}, {instance: ml.m5.4xlarge}]\n",
    )
    assert all("placement score" in rung.reason for rung in decided.rungs)


@pytest.mark.usefixtures("no_ec2")
def test_without_ec2_the_written_order_stays_and_the_reason_says_so(buckets: Buckets) -> None:
    decided = decide(buckets, THREE + "  capacity_order: cheapest\n")
    assert [rung.index for rung in decided.rungs] == [0, 1, 2]
    assert [rung.cost is None for rung in decided.rungs] == [True, True, False]
    unknown = "spot prices of us-east-1 are unknown: ec2 describe_spot_price_history"
    assert unknown in decided.reason


def test_a_region_without_a_bucket_is_left_out_with_the_reason(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRUGAL_BUCKET_EU_WEST_1", "nowhere-to-be-found")
    decided = decide(buckets, THREE)
    assert [rung.index for rung in decided.rungs] == [0, 2]
    assert "nowhere-to-be-found for eu-west-1 answers 404" in decided.left_out[0].reason
    monkeypatch.setenv("FRUGAL_BUCKET_EU_WEST_1", buckets.run.bucket)
    assert "for eu-west-1 is in us-east-1" in decide(buckets, THREE).left_out[0].reason
