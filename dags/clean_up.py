"""The Airflow DAG that cleans up every night."""

from __future__ import annotations

from frugal.pipelines.clean_up import build_dag

clean_up = build_dag()
