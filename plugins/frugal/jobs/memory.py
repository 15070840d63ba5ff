"""What a task remembers across retries: Airflow 3.3's task state store, or nothing.

Only what AWS cannot tell: its jobs' names are the memory of everything else (see `adoption`). Without the store a
retry decides the order of the capacity ladder again, by the prices of then.
"""

from __future__ import annotations

from typing import Any

from frugal.jobs.capacity import Ladder

KEY = "ladder"


class Memory:
    """The capacity ladder as it was decided for the generation that is under way."""

    def __init__(self, store: Any | None) -> None:
        self._store = store

    @property
    def ladder(self) -> Ladder | None:
        """The ladder that was kept last, if any is."""
        kept = self._store.get(KEY, None) if self._store is not None else None
        return Ladder.from_json(kept) if kept else None

    def keep(self, ladder: Ladder) -> None:
        """Keep the ladder for the retries of this task."""
        if self._store is not None:
            self._store.set(KEY, ladder.as_json())
