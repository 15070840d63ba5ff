"""Which jobs a task has on AWS, and with which one it goes on. Their names say it, so AWS itself is the memory.

A job is called <base>-<digest of the environment and the task>-<tries>-<generation>-<rung>. `tries` is how many
retries Airflow allows the task: that number grows with each clear by a user, and with nothing else, so a cleared
task finds nothing to go on with. A generation is one way down the capacity ladder; the next one begins when a job
failed for another reason than capacity. The same task at the same point thus always makes the same name, and AWS
refuses it twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from frugal.aws import clients, names
from frugal.aws.settings import Settings
from frugal.jobs.kind import JobKind

NUMBERS = 3
SUFFIX_LENGTH = len("-99-99-9")
CLOCKS_DIFFER_BY = timedelta(minutes=1)


@dataclass(frozen=True)
class Job:
    """One job: its name, its region (None: the run's), and what its name says; one name for life says nothing.

    `created` and `over` are what a list said; a list may be seconds behind.
    """

    name: str
    region: str | None = None
    tries: int = 0
    generation: int = 0
    rung: int = 0
    created: datetime | None = None
    over: bool = False


@dataclass(frozen=True)
class TaskJobs:
    """The jobs of one task of a DAG run, mapped or not."""

    kind: JobKind
    base_name: str
    stem: str
    tries: int
    since: datetime | None

    @classmethod
    def of(cls, kind: JobKind, base_name: str, context: Any) -> TaskJobs:
        """Those of the task that Airflow's context is of."""
        ti, run = context["ti"], context.get("dag_run")
        task = (Settings.load().environment, ti.dag_id, ti.run_id, ti.task_id, ti.map_index)
        stem = names.unique(base_name, *task, length=kind.name_length - SUFFIX_LENGTH)
        return cls(kind, base_name, stem, ti.max_tries, getattr(run, "start_date", None))

    def job(self, generation: int, rung: int, region: str | None) -> Job:
        """The job of this task that has this place."""
        name = f"{self.stem}-{self.tries}-{generation}-{rung}"
        return Job(name, region, self.tries, generation, rung)

    def parse(self, name: str, region: str | None = None) -> Job | None:
        """What a name says; None when it is not one of this task."""
        numbers = name.removeprefix(f"{self.stem}-").split("-")
        if len(numbers) != NUMBERS or not all(number.isdecimal() for number in numbers):
            return None
        tries, generation, rung = map(int, numbers)
        return Job(name, region, tries, generation, rung)

    def listed(self, regions: Iterable[str | None]) -> list[Job]:
        """All that AWS has of them, oldest first."""
        kind, found = self.kind, []
        summaries = f"{kind.name_key.removesuffix('Name')}Summaries"
        for region in regions:
            pages = clients.client("sagemaker", region).get_paginator(kind.list)
            for page in pages.paginate(NameContains=self.stem):
                for item in page[summaries]:
                    if job := self.parse(item[kind.name_key], region):
                        created, over = item["CreationTime"], kind.is_over(item)
                        found.append(replace(job, created=created, over=over))
        return sorted(found, key=lambda job: (job.tries, job.generation, job.created))

    def latest(self, listed: list[Job]) -> Job | None:
        """The job that this attempt goes on with; None when a user cleared the task, or its DAG run is another
        one of the same id, since the last job began.
        """
        own = [job for job in listed if job.tries == self.tries]
        if not own:
            return None
        created = own[-1].created
        if self.since and created and created < self.since - CLOCKS_DIFFER_BY:
            return None
        return own[-1]

    def next_generation(self, listed: list[Job]) -> int:
        """The first generation of which there is no job."""
        return 1 + max((job.generation for job in listed if job.tries == self.tries), default=-1)
