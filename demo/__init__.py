"""The demo: seeds raw data, runs the example pipeline on a real Airflow and a local AWS, and shows what it cost."""
