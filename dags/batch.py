"""One Airflow DAG for each model.yaml that says `deploy: {strategy: batch}`: predictions for what lies in S3."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.batch import build_dag
from frugal.serving.chooser.auto import resolved
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        spec = resolved(load_spec(path))
    except SpecError:
        continue  # dags/train.py shows what is wrong with it
    if spec.deploy.strategy == "batch":
        dag = build_dag(spec)
        globals()[dag.dag_id] = dag
