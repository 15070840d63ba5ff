"""Names are accepted by AWS and can be found again."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from frugal.aws import names

AWS_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")  # botocore's pattern of job names


@given(st.from_regex(r"[a-z][a-z0-9-]{0,90}", fullmatch=True), st.text(), st.integers())
def test_unique_names_fit_aws_and_repeat(base: str, run: str, generation: int) -> None:
    name = names.unique(base, run, generation)
    assert AWS_NAME.fullmatch(name)
    assert name == names.unique(base, run, generation)
    assert name != names.unique(base, run, generation + 1)


def test_parts_do_not_run_into_each_other() -> None:
    assert names.unique("job", "ab", "c") != names.unique("job", "a", "bc")


@given(st.text(min_size=1))
def test_run_ids_are_safe_in_keys_and_tags(dag_run_id: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,63}", names.run_id("dev", dag_run_id))
