"""What bench/drift.py runs: windows that drift or do not, and the engines that are timed."""
