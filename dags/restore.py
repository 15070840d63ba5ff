"""One Airflow DAG for each model: back to an earlier version, by one param."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.restore import build_dag
from frugal.serving.chooser.auto import resolved
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        spec = resolved(load_spec(path))
    except SpecError:
        continue  # dags/train.py shows the mistakes
    dag = build_dag(spec)
    globals()[dag.dag_id] = dag
