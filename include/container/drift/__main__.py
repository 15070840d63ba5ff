"""``python3 -m container.drift``"""

from __future__ import annotations

from container.drift.job import run

run()
