"""Measures an endpoint under a load that does not wait for it: arrivals, drive, measure, search."""

from frugal.serving.load_test.drive import Sample, drive
from frugal.serving.load_test.measure import Measure, measure

__all__ = ["Measure", "Sample", "drive", "measure"]
