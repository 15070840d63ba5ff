"""Frugal: cost-optimised SageMaker pipelines for Airflow."""
