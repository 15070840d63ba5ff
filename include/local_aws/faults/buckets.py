"""Token buckets: so many calls a second of an operation, and so many at once after a pause."""

from __future__ import annotations

import time


class Buckets:
    """A bucket for each key that is asked about, full at first. Not thread-safe."""

    def __init__(self) -> None:
        self._levels: dict[tuple[int, str], tuple[float, float]] = {}

    def take(self, key: tuple[int, str], rate: float, burst: float) -> bool:
        """Take one from a bucket that holds `burst` and gets `rate` a second; False when it is empty."""
        now = time.monotonic()
        level, at = self._levels.get(key, (burst, now))
        level = min(burst, level + (now - at) * rate)
        fits = level >= 1
        self._levels[key] = (level - fits, now)
        return fits

    def clear(self) -> None:
        self._levels.clear()
