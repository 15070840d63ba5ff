"""A pytest plugin that lays the Amazon provider of a folder over the installed one; see `test_older.py`."""

from __future__ import annotations

import importlib
import os
import sys

import airflow.providers

FOLDER, VERSION = os.environ["AMAZON_PROVIDER"], os.environ["AMAZON_PROVIDER_VERSION"]
NAME = "airflow.providers.amazon"

# Airflow imported a module of each provider by now.
for name in [name for name in sys.modules if name.startswith(NAME)]:
    del sys.modules[name]
airflow.providers.__path__ = [f"{FOLDER}/airflow/providers", *airflow.providers.__path__]

found = importlib.import_module(NAME).__version__
if not found.startswith(f"{VERSION}."):
    raise ImportError(f"the provider is {found}, not {VERSION}")
