"""What decides on the drift of two models, beside a stand-in of what trains them."""

from __future__ import annotations

from unittest.mock import patch

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from frugal.pipelines import retrain_on_drift
from frugal.spec import parse_spec
from tests.e2e.drift.flats import FLATS, ROOMS, SPEC

#: What `flats` does is done by its events alone.
for name, every in ((FLATS, "0 0 1 1 *"), (ROOMS, "* * * * *")):
    with DAG(f"train_{name}", schedule=None, is_paused_upon_creation=False) as training:
        EmptyOperator(task_id="train")
    globals()[training.dag_id] = training
    with patch.object(retrain_on_drift, "HOURLY", every):
        deciding = retrain_on_drift.build_dag(parse_spec(SPEC.format(name=name)))
    globals()[deciding.dag_id] = deciding
