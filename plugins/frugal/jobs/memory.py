"""What a task remembers of its job across retries: Airflow 3.3's task state store, or nothing.

Without the store the names themselves are the memory: they are deterministic, so AWS is asked which
generation of a job exists. The one difference: clearing a task whose job succeeded finds that job again
and returns its result, where the store starts a fresh one.
"""

from __future__ import annotations

from typing import Any


class Memory:
    """Generation (how many jobs of this task ended) and rung of the capacity ladder."""

    def __init__(self, store: Any | None) -> None:
        self._store = store

    @property
    def is_kept(self) -> bool:
        """Whether anything survives this attempt."""
        return self._store is not None

    @property
    def generation(self) -> int:
        """0 for the task's first job; grows with each job that came to its end."""
        return int(self._get("generation", 0))

    @property
    def rung(self) -> int:
        """The rung of the ladder that is being tried."""
        return int(self._get("rung", 0))

    def was_cleared(self, max_tries: int) -> bool:
        """Whether a user cleared the task since `started`: Airflow then allows it more tries."""
        return bool(self._get("max_tries", max_tries) != max_tries)

    def started(self, max_tries: int) -> None:
        """An attempt goes to its job; Airflow allows the task `max_tries` until a user clears it."""
        if self._store is not None:
            self._store.set("max_tries", max_tries)

    def ended(self, *, next_rung: int = 0) -> None:
        """The job came to its end, whichever: the next one is another job."""
        if self._store is not None:
            self._store.set("generation", self.generation + 1)
            self._store.set("rung", next_rung)

    def _get(self, key: str, default: int) -> Any:
        return self._store.get(key, default) if self._store is not None else default
