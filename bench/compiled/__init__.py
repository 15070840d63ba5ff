"""Models for ``bench.serving``: each as it was trained and compiled, by the pipeline's own jobs."""
