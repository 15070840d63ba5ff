"""All running jobs: started, signalled, and settled after this process was killed."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from local_aws.execution.job import Job
from local_aws.execution.signals import Signal

if TYPE_CHECKING:
    from local_aws.app import App

log = logging.getLogger(__name__)


class Supervisor:
    """Threads of jobs, by kind, region and name."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._jobs: dict[tuple[str, str, str], Job] = {}
        self._lock = threading.Lock()

    def start(self, job: Job, run: Callable[[], None]) -> None:
        """Run a job on a thread of its own."""
        key = (job.states.kind, job.region, job.name)

        def target() -> None:
            try:
                run()
            except Exception:
                log.exception("%s %s", job.states.kind, job.name)
            finally:
                with self._lock:
                    self._jobs.pop(key, None)

        with self._lock:
            self._jobs[key] = job
        threading.Thread(target=target, name=f"{job.states.kind}/{job.name}", daemon=True).start()

    def find(self, kind: str, region: str, name: str) -> Job | None:
        """The job of a name while it runs."""
        with self._lock:
            return self._jobs.get((kind, region, name))

    def signal(self, kind: str, region: str, name: str, what: Signal) -> bool:
        """Tell a job to end; whether there was one."""
        job = self.find(kind, region, name)
        if job:
            job.signal(what)
        return job is not None

    def running(self) -> int:
        with self._lock:
            return len(self._jobs)

    def clear_directories(self) -> None:
        """Remove what killed jobs left behind."""
        shutil.rmtree(self._app.config.state / "jobs", ignore_errors=True)
