"""One Airflow DAG for each model with a `deploy.trial`: to promote or withdraw the version beside the champion."""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.promote import build_dag
from frugal.serving.chooser.auto import resolved
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        spec = resolved(load_spec(path))
    except SpecError:
        continue  # dags/train.py shows the mistakes
    if spec.deploy.trial is not None:
        dag = build_dag(spec)
        globals()[dag.dag_id] = dag
