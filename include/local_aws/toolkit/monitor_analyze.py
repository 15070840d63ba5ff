"""Stands in for the program of AWS's image sagemaker-model-monitor-analyzer: Frugal's own analyser, under
the same contract."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from container.drift.analyzer import run

run()
