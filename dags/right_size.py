"""One Airflow DAG for each model.yaml with a `right_size` section: which instance types are worth their price."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.right_size import build_dag
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        spec = load_spec(path)
    except SpecError:
        continue  # dags/train.py shows the mistakes
    if spec.right_size is not None:
        dag = build_dag(spec, spec.right_size)
        globals()[dag.dag_id] = dag
