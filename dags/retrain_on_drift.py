"""One Airflow DAG for each model.yaml with a `monitor.schedule`: is its drift worth a training?"""

from __future__ import annotations

from frugal.aws.settings import Settings
from frugal.pipelines.retrain_on_drift import build_dag
from frugal.spec import SpecError, find_specs, load_spec

for path in find_specs(Settings.load().models):
    try:
        spec = load_spec(path)
    except SpecError:
        continue  # dags/train.py shows the mistakes
    if spec.monitor.schedule is not None:
        dag = build_dag(spec)
        globals()[dag.dag_id] = dag
