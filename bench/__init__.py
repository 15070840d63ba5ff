"""Benchmarks: every module here is one, and packages are what they share.

``python -m bench`` runs them all, ``python -m bench preprocess --gb 4`` runs one. To add a benchmark,
drop a module that runs as ``python -m bench.<name>``, prints its figures, and writes its page below
docs/benchmarks/.
"""
