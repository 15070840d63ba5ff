"""Tags of a task are ones that AWS takes, and tell the task again."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from frugal.aws.tags import TaskKey

AWS_VALUE = re.compile(r"[\w\s.:/=+\-@]{0,256}")  # TagValue, botocore's model
ids = st.text(min_size=1, max_size=250)


@given(ids, ids, ids, st.integers(-1, 1000))
def test_a_task_is_told_by_its_tags(dag: str, run: str, task: str, index: int) -> None:
    key = TaskKey(dag, run, task, index)
    tags = key.as_tags("prod")
    assert tags["ManagedBy"] == "frugal"
    assert tags["frugal:environment"] == "prod"
    assert all(AWS_VALUE.fullmatch(value) for value in tags.values())
    assert TaskKey.from_tags(tags) in (key, None)


@given(st.text("abcXYZ0189_.~:+-", min_size=1, max_size=80))
def test_airflows_own_run_ids_fit(run: str) -> None:
    """Characters of Airflow's allowed_run_id_pattern; the one that AWS refuses takes three."""
    key = TaskKey("train_churn", run, "train")
    assert TaskKey.from_tags(key.as_tags("prod")) == key


def test_an_id_that_is_too_long_for_a_tag_is_left_out() -> None:
    """Never cut: a part of an id is the id of another run, or of none."""
    tags = TaskKey("train_churn", "~" * 200, "train").as_tags("prod")
    assert "frugal:dag-run" not in tags
    assert TaskKey.from_tags(tags) is None


def test_a_scheduled_run_reads_as_airflow_shows_it() -> None:
    run = "scheduled__2026-11-22T03:00:00+00:00"
    tags = TaskKey("train_churn", run, "train", 3).as_tags("prod")
    assert tags["frugal:dag-run"] == run
    assert tags["frugal:map-index"] == "3"
