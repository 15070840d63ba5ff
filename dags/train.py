"""One Airflow DAG for each include/models/<name>/model.yaml: from raw data to a live endpoint."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.train import broken_dag, build_dag
from frugal.serving.chooser.auto import resolved
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        dag = build_dag(resolved(load_spec(path)))
    except SpecError as error:
        dag = broken_dag(path.parent.name, error)
    globals()[dag.dag_id] = dag
