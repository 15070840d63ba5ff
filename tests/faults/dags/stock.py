"""The amazon provider's own operators, under the same faults: `deferrable_<kind>`, `sync_<kind>` and variants.

Compilation jobs and inference components have no operator there.
"""

from __future__ import annotations

import copy
from typing import Any

from airflow.providers.amazon.aws.operators import sagemaker  # noqa: TID251
from airflow.sdk import Context

from frugal.jobs.kinds import KINDS
from tests.faults import work
from tests.faults.fragile import Fragile
from tests.faults.variants import variants

OPERATORS: dict[str, type[sagemaker.SageMakerBaseOperator]] = {
    "processing": sagemaker.SageMakerProcessingOperator,
    "training": sagemaker.SageMakerTrainingOperator,
    "tuning": sagemaker.SageMakerTuningOperator,
    "transform": sagemaker.SageMakerTransformOperator,
    "endpoint": sagemaker.SageMakerEndpointOperator,
}
MODES = ("deferrable", "sync")
#: Polls of the deferrable operators that take a number of them, whose default is 60: no cell lasts as long as these.
MANY = {"max_attempts": 100_000}
SETTINGS: dict[str, dict[str, Any]] = {"processing": MANY, "training": MANY, "transform": MANY}


def stock(operator: type[sagemaker.SageMakerBaseOperator]) -> type[Any]:
    """`operator`, which reads its request from the DAG run's params when it runs."""

    class Stock(Fragile, operator):  # type: ignore[valid-type, misc]
        def execute(self, context: Context) -> Any:
            params = context["params"]
            request = copy.deepcopy(work.BUILDERS[self.job_kind](params))
            if self.job_kind == "endpoint":
                [request["Model"]] = request.pop("Models")
            else:
                request[KINDS[self.job_kind].name_key] = params["name"]
            self.config = request
            return super().execute(context)

    return Stock


def subject(kind: str, mode: str, **arguments: Any) -> None:
    """The one task; it looks every second."""
    task = stock(OPERATORS[kind])(
        task_id="job",
        config={},
        check_interval=1,
        deferrable=mode == "deferrable",
        **SETTINGS.get(kind, {}),
        **arguments,
    )
    task.job_kind = kind


for mode in MODES:
    for kind in OPERATORS.keys() & work.BUILDERS.keys():
        for dag in variants(
            f"{mode}_{kind}",
            lambda kind=kind, mode=mode, **arguments: subject(kind, mode, **arguments),
        ):
            globals()[dag.dag_id] = dag
