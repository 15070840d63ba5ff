"""Frugal's DAGs under test, of one task each: `frugal_<kind>` and its variants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.sdk import Context

from frugal.aws.run import Inputs, Run
from frugal.jobs.operator import JobOperator
from tests.faults import work
from tests.faults.fragile import Fragile
from tests.faults.variants import variants

RUN = Run(
    id="faults",
    model="faults",
    region="us-east-1",
    account="123456789012",
    bucket=work.BUCKET,
    role_prefix="frugal-",
    code="",
    source="",
    code_hash="",
    fingerprint="",
    tags={},
)


class Subject(Fragile, JobOperator):
    """The operator under test, whose run is given, and not left by a task before it."""

    def _inputs(self, context: Context) -> Inputs:
        self.base_name = context["params"]["name"]
        return Inputs(run=RUN, results={}, params=dict(context["params"]))


def request_of(build: Callable[[work.Params], work.Request]) -> Callable[[Inputs], work.Request]:
    return lambda inputs: build(inputs.params)


def subject(kind: str, **arguments: Any) -> None:
    """The one task; of training jobs there is a ladder, too."""
    ladder = arguments.pop("ladder", False)
    builders = work.LADDER if ladder else (work.BUILDERS[kind],)
    task = Subject(
        task_id="job",
        kind=kind,
        base_name=kind,
        requests=[request_of(build) for build in builders],
        upstream=[],
        **arguments,
    )
    task.job_kind = kind


for kind in work.BUILDERS:
    for dag in variants(
        f"frugal_{kind}", lambda kind=kind, **arguments: subject(kind, **arguments)
    ):
        globals()[dag.dag_id] = dag
