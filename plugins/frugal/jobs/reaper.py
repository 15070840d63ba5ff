"""Stops what bills for nobody: jobs whose DAG run is over, deleted or unknown, and jobs that their task left behind.

Only what carries our ownership tag and that of this environment is looked at, so Airflows that share an account need
a FRUGAL_ENVIRONMENT each. What serves is left alone unless it was never promoted: see `_serving`. It can be run at any
time, and again: what is stopping or stopped already is not found.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from frugal.aws.tags import MODEL, TEMPORARY, TaskKey
from frugal.jobs.endpoint import ENDPOINT
from frugal.jobs.kind import is_missing
from frugal.jobs.kinds import TRAINING
from frugal.jobs.lasting import LastingKind
from frugal.jobs.tuning import TUNING
from frugal.jobs.underway import Connect, Underway, find, tags_of
from frugal.jobs.witness import GONE, OVER, Witness

DAY = timedelta(days=1)
log = logging.getLogger(__name__)


class NotStopped(RuntimeError):
    """Some of what is there could not be listed, judged or stopped; the message says what and why."""


@dataclass(frozen=True)
class Verdict:
    """Whether a thing is to be stopped, and the reason for either."""

    stop: bool
    reason: str


@dataclass
class Reaped:
    """What was stopped (in a dry run: would be), and what was spared, each with the reason."""

    stopped: list[dict[str, str]] = field(default_factory=list)
    spared: list[dict[str, str]] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)

    def as_json(self) -> dict[str, list[dict[str, str]]]:
        """{"stopped": [...], "spared": [...], "refused": [...]}, each {"kind", "name", "region", "reason"}."""
        return dict(vars(self))


@dataclass(frozen=True)
class Reaper:
    """`connect(service, region)` gives boto3 clients; `witness` is None where there is no Airflow to ask: then,
    and for what does not say its task, age decides. `promoted(model)` says whether the Model Registry has an approved
    version of a model.
    """

    connect: Connect
    environment: str
    witness: Witness | None = None
    promoted: Callable[[str], bool] = lambda model: True
    older_than: timedelta = DAY
    dry_run: bool = False

    def reap(self, regions: Iterable[str], *, run: tuple[str, str] | None = None) -> Reaped:
        """Look at everything in `regions`, or only at what the DAG run (dag id, run id) `run` made, and stop what
        is nobody's. Raises NotStopped, once everything else is seen to, for what cannot be.
        """
        reaped = Reaped()
        for region in sorted(set(regions)):
            try:
                found, unseen = find(self.connect, region, self.environment)
            except Exception as error:
                log.exception("Could not look into %s", region)
                found, unseen = [], {"thing": str(error)}
            reaped.refused += [
                {
                    "kind": kind,
                    "name": f"every {kind} in {region}",
                    "region": region,
                    "reason": reason,
                }
                for kind, reason in unseen.items()
            ]
            chosen = [thing for thing in found if run is None or _made_by(thing, run)]
            for thing, judge in self.judges(chosen, run_ends=run is not None):
                self._see_to(thing, judge, reaped)
        if reaped.refused:
            lines = [f"{item['name']}: {item['reason']}" for item in reaped.refused]
            raise NotStopped("not seen to: " + "; ".join(lines))
        return reaped

    def judges(
        self, found: Sequence[Underway], *, run_ends: bool = False
    ) -> Iterator[tuple[Underway, Callable[[], Verdict]]]:
        """What gives the verdict on each, `found` being oldest first. It may ask AWS and Airflow, and raise.

        `run_ends` says that this is the last thing that the DAG run of all of them does.
        """
        newest, tuned = _newest(found), {thing.task for thing in found if thing.kind is TUNING}
        for thing in found:
            if not (thing.kind is TRAINING and thing.task in tuned):
                youngest = newest[thing.kind.name, thing.task]
                yield thing, partial(self._verdict, thing, youngest, run_ends)

    def _verdict(self, thing: Underway, newest: Underway, run_ends: bool) -> Verdict:
        temporary = TEMPORARY.items() <= thing.tags.items()
        if thing.serves and not temporary:
            return self._serving(thing)
        task = thing.task
        if self.witness is None or task is None:
            return self._by_age(thing)
        run = self.witness.run(task)
        if run != "active":
            known = "is over" if run == "over" else "was deleted, or is of another Airflow"
            return Verdict(True, f"the DAG run of {task} {known}")
        if thing.serves:
            return Verdict(run_ends, f"{task} made it for its DAG run alone")
        state = self.witness.task(task)
        if state in OVER:
            return Verdict(True, f"{task} is {state}")
        if thing.kind.one_per_attempt and thing != newest:
            return Verdict(True, f"{task} has gone on to {newest.name}")
        return Verdict(False, f"{task} is {state or 'to be scheduled'}")

    def _by_age(self, thing: Underway) -> Verdict:
        age = datetime.now(UTC) - thing.created
        hours = age / timedelta(hours=1)
        text = f"{hours:.1f} h old, and no Airflow knows its DAG run"
        return Verdict(age > self.older_than, text)

    def _serving(self, thing: Underway) -> Verdict:
        """An endpoint is stopped only if the task that made the configuration which it serves did not succeed, and
        its model has no approved version: it came to serve after nobody waited for it any more.
        """
        if thing.kind is not ENDPOINT or self.witness is None:
            return Verdict(False, "serves")
        tags = self._configuration_tags(thing)
        task, model = TaskKey.from_tags(tags), tags.get(MODEL)
        if task is None or self.witness.run(task) != "over":
            return Verdict(False, "serves")
        state = self.witness.task(task)
        if state == "success" or state not in OVER or state == GONE:
            return Verdict(False, f"serves, as {task} made it")
        if model is None or self.promoted(model):
            return Verdict(False, f"serves {model}, of which a version is approved")
        return Verdict(True, f"serves, but {task} is {state} and no version of {model} is approved")

    def _configuration_tags(self, endpoint: Underway) -> Mapping[str, str]:
        client = self.connect("sagemaker", endpoint.region)
        description = ENDPOINT.find(client, endpoint.name)
        if description is None:
            return {}
        name = description["EndpointConfigName"]
        try:
            config = client.describe_endpoint_config(EndpointConfigName=name)
        except client.exceptions.ClientError as error:
            if is_missing(error.response["Error"]):
                return {}
            raise
        return tags_of(client, config["EndpointConfigArn"])

    def _see_to(self, thing: Underway, judge: Callable[[], Verdict], reaped: Reaped) -> None:
        """Judge it and do so. What cannot be judged or stopped keeps nothing else from being stopped."""
        entry = {"kind": thing.kind.name, "name": thing.name, "region": thing.region}
        try:
            verdict = judge()
            stops = verdict.stop and not self.dry_run
            ended = stops and not _stop(self.connect("sagemaker", thing.region), thing)
        except Exception as error:
            log.exception("Could not see to %s", thing)
            reaped.refused.append({**entry, "reason": str(error)})
            return
        if ended:
            log.info("%s ended by itself", thing)
            return
        word = ("To stop" if self.dry_run else "Stopped") if verdict.stop else "Spared"
        log.log(
            logging.WARNING if verdict.stop else logging.INFO,
            "%s %s: %s",
            word,
            thing,
            verdict.reason,
        )
        told = reaped.stopped if verdict.stop else reaped.spared
        told.append({**entry, "reason": verdict.reason})


def _stop(client: Any, thing: Underway) -> bool:
    if thing.serves and isinstance(thing.kind, LastingKind):
        return thing.kind.remove(client, thing.name)
    return thing.kind.halt(client, thing.name)


def _made_by(thing: Underway, run: tuple[str, str]) -> bool:
    task = thing.task
    return task is not None and (task.dag_id, task.run_id) == run


def _newest(found: Sequence[Underway]) -> dict[tuple[str, TaskKey | None], Underway]:
    """The youngest thing of each kind and task: the only one that the task may still wait for."""
    return {(thing.kind.name, thing.task): thing for thing in found}
