"""What moves between the run's home and another region, and what does not move twice."""

from __future__ import annotations

import pytest

from frugal.aws import regions
from frugal.aws.settings import Settings
from tests.contract.ladder.conftest import AWAY, HOME, Buckets


def test_the_run_is_laid_out_alike_in_the_other_regions_bucket(buckets: Buckets) -> None:
    run, away = buckets.run, buckets.away
    assert away.bucket == f"{run.bucket}-{AWAY}"
    assert away.source == f"s3://{away.bucket}/churn/code/abc.tar.gz"
    assert away.own("checkpoints") == f"s3://{away.bucket}/churn/runs/manual-1/checkpoints"
    assert regions.elsewhere(run, HOME) is run
    assert regions.elsewhere(run, None) is run


def test_a_region_may_have_a_bucket_of_another_name(
    buckets: Buckets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(Settings.bucket_variable(AWAY), "elsewhere")
    assert regions.elsewhere(buckets.run, AWAY).bucket == "elsewhere"
    reason = regions.without_bucket(regions.elsewhere(buckets.run, AWAY))
    assert reason is not None
    assert "FRUGAL_BUCKET_EU_WEST_1" in reason
    assert regions.without_bucket(buckets.away) is None


def test_what_training_reads_is_brought_once(buckets: Buckets) -> None:
    run, away = buckets.run, buckets.away
    buckets.put(run, run.dataset("train", "part-0.parquet"), "rows")
    buckets.put(run, run.dataset("validation", "part-0.parquet"), "more")
    buckets.put(run, run.dataset("test", "part-0.parquet"), "is not read")
    buckets.put(run, run.source, "code")
    assert sum(copy.size for copy in regions.inputs_missing(run, away)) == len("rowsmorecode")
    assert regions.bring(run, away, []) == len("rowsmorecode")
    assert buckets.get(away, away.dataset("train", "part-0.parquet")) == "rows"
    assert buckets.get(away, away.dataset("test", "part-0.parquet")) is None
    assert regions.bring(run, away, []) == 0
    buckets.put(run, run.source, "code, changed")
    assert regions.bring(run, away, []) == len("code, changed")
    assert regions.transfers(run) == [
        {"from": HOME, "to": AWAY, "bytes": 12},
        {"from": HOME, "to": AWAY, "bytes": 13},
    ]


def test_checkpoints_go_there_and_newer_ones_come_back(buckets: Buckets) -> None:
    run, away = buckets.run, buckets.away
    slot = run.own("checkpoints", "0.checkpoint")
    buckets.put(run, slot, "round 10")
    regions.bring(run, away, [])
    assert buckets.get(away, slot) == "round 10"
    buckets.put(away, slot, "round 20")
    buckets.put(away, run.own("checkpoints", "1.checkpoint"), "round 25")
    buckets.put(away, away.own("model", "job-1", "output", "model.tar.gz"), "model")
    assert regions.bring_home(run, away, "job-1") == len("round 20round 25model")
    assert buckets.get(run, slot) == "round 20"
    assert buckets.get(run, run.own("checkpoints", "1.checkpoint")) == "round 25"
    assert buckets.get(run, run.own("model", "job-1", "output", "model.tar.gz")) == "model"
    assert regions.bring_home(run, away, "job-1") == 0


def test_what_a_stopped_job_left_elsewhere_is_found_by_the_next_rung(buckets: Buckets) -> None:
    run, away = buckets.run, buckets.away
    slot = run.own("checkpoints", "0.checkpoint")
    buckets.put(run, slot, "round 10")
    regions.bring(run, away, [])
    buckets.put(away, slot, "round 40")  # and nobody brought it home: its task was killed
    regions.bring(run, run, [away])
    assert buckets.get(run, slot) == "round 40"


def test_an_older_checkpoint_never_replaces_a_newer_one(buckets: Buckets) -> None:
    run, away = buckets.run, buckets.away
    slot = run.own("checkpoints", "0.checkpoint")
    buckets.put(away, slot, "round 10")
    regions.bring(run, run, [away])
    buckets.put(run, slot, "round 30")
    regions.bring(run, run, [away])
    assert buckets.get(run, slot) == "round 30"
    regions.bring(run, away, [])
    assert buckets.get(away, slot) == "round 30"
