"""Runs cells on a cluster, many at a time, each by its script, and says what became of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from demo.home import DemoError
from tests.faults.cluster import Cluster
from tests.faults.matrix import Cell
from tests.faults.outcome import STOPPED_WITHIN, Outcome, outcome_of
from tests.faults.steps import Step
from tests.faults.task_run import TaskRun

AT_ONCE = 10
LOOK_SECONDS = 0.4
STEP_SECONDS = 600

Tell = Callable[[Cell, Outcome], None]


@dataclass
class Play:
    """Cells that share a script, and where it is."""

    cells: Sequence[Cell]
    runs: Sequence[TaskRun]
    steps: Iterator[Step]
    step: Step = ("its start", lambda: True)
    deadline: float = field(default_factory=lambda: time.monotonic() + STEP_SECONDS)
    problem: str = ""
    is_scripted: bool = True
    _over_since: float | None = None

    def advance(self) -> bool:
        """Go on when what it waits for has come, or did not come in time; whether all of it is done."""
        if self.is_scripted:
            self._play()
        return not self.is_scripted and self._rested()

    def _play(self) -> None:
        what, come = self.step
        try:
            if come():
                self.step = next(self.steps)
                self.deadline = time.monotonic() + STEP_SECONDS
            elif time.monotonic() > self.deadline:
                self.problem = f"{what} never came within {STEP_SECONDS} s"
                self.is_scripted = False
        except StopIteration:
            self.is_scripted = False
        except (DemoError, httpx.HTTPError, BotoCoreError, ClientError, AssertionError) as error:
            self.problem = f"waiting for {what}: {error}"
            self.is_scripted = False

    def _rested(self) -> bool:
        """Whether every task is over, and no job runs, or did so for long enough to be called left."""
        if not all(run.is_over for run in self.runs):
            self._over_since = None
            return bool(self.problem)
        self._over_since = self._over_since or time.monotonic()
        left = any(run.running for run in self.runs)
        return not left or time.monotonic() > self._over_since + STOPPED_WITHIN


def play(
    cluster: Cluster, cells: Collection[Cell], tell: Tell = lambda cell, found: None
) -> dict[Cell, Outcome]:
    """The outcome of every cell. Those with faults of their own first, and of these the ones that wait for a limit;
    then one shared fault after another.
    """
    outcomes: dict[Cell, Outcome] = {}

    def told(cell: Cell, found: Outcome) -> None:
        outcomes[cell] = found
        tell(cell, found)

    own = [cell for cell in cells if not cell.fault.shared]
    own.sort(key=lambda cell: "timeout" not in cell.fault.variant)
    perform(cluster, [[cell] for cell in own], told)
    shared: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.fault.shared:
            shared.setdefault(cell.fault.name, []).append(cell)
    for group in shared.values():
        perform(cluster, [group], told)
        cluster.heal()
    return outcomes


def perform(cluster: Cluster, groups: Collection[Sequence[Cell]], tell: Tell) -> None:
    """Run groups of cells, with scripts for at most `AT_ONCE` cells at a time unless one group has more."""
    waiting, playing = deque(groups), list[Play]()
    while waiting or playing:
        busy = sum(len(p.cells) for p in playing if p.is_scripted)
        if waiting and (not busy or busy + len(waiting[0]) <= AT_ONCE):
            playing.append(begin(cluster, waiting.popleft()))
        cluster.look([run for p in playing for run in p.runs])
        for p in list(playing):
            if p.advance():
                playing.remove(p)
                for cell, run in zip(p.cells, p.runs, strict=True):
                    tell(cell, outcome_of(run, p.problem))
                    strike(run)
        time.sleep(LOOK_SECONDS)


def begin(cluster: Cluster, cells: Sequence[Cell]) -> Play:
    """The play of cells of one fault."""
    fault = cells[0].fault
    runs = [cluster.task_run(cell.subject, cell.kind, fault.variant) for cell in cells]
    return Play(cells, runs, fault.script(cluster, runs))


def strike(run: TaskRun) -> None:
    """Clear away what a run left: its jobs end, and what stands is deleted."""
    run.release()
    kind, sagemaker = run.kind, run.cluster.sagemaker
    for name in {name for name, _ in run.jobs}:
        found = kind.find(sagemaker, name)
        if found and (not kind.one_per_attempt or not kind.is_over(found)):
            with suppress(ClientError):  # it ended meanwhile
                getattr(sagemaker, kind.stop)(**{kind.name_key: name})


def summary(outcomes: Mapping[Cell, Outcome]) -> str:
    """How many cells are right."""
    right = sum(not found.wrong(cell.right) for cell, found in outcomes.items())
    return f"{right} of {len(outcomes)} cells are right"
