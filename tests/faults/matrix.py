"""The matrix as data: every fault, what is done, and what is right, for each kind of job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from frugal.jobs.kinds import KINDS
from tests.faults import work
from tests.faults.scripts import aws, crashes, users
from tests.faults.steps import Script

SUBJECTS = ("frugal", "deferrable", "sync")
LASTING = {name for name, kind in KINDS.items() if not kind.one_per_attempt}
#: Kinds that the amazon provider has no operator for.
NO_OPERATOR = {"compilation", "inference-component"}
NOT_DEFERRED = "does not defer: no trigger"
DEFERS = "defers: no worker waits, see the triggerer"
NO_SPOT = "has no spot capacity"
NO_LADDER = "takes one request: no rung to move to"


@dataclass(frozen=True)
class Right:
    """What is right: how many jobs AWS ever has of the run, and the task's final state. None is left running."""

    jobs: int
    state: str


@dataclass(frozen=True, eq=False)
class Fault:
    """One row. `instead` is what is right for kinds that differ, `not_for` why kinds or subjects have no cell.

    A `shared` fault hits all that runs, so all its cells are run at once and nothing else. `quick` are the
    kinds of which `make test` runs Frugal's cells.
    """

    name: str
    script: Script
    right: Right
    instead: Mapping[str, Right] = field(default_factory=dict)
    not_for: Mapping[str, str] = field(default_factory=dict)
    variant: str = ""
    shared: bool = False
    quick: tuple[str, ...] = ()

    def right_for(self, kind: str) -> Right:
        """What is right of a kind."""
        return self.instead.get(kind, self.right)


@dataclass(frozen=True)
class Cell:
    """One fault, of one kind, under one operator."""

    fault: Fault
    subject: str
    kind: str

    def __str__(self) -> str:
        return f"{self.subject}, {self.kind}: {self.fault.name}"

    @property
    def dag(self) -> str:
        """Id of the DAG that is run."""
        return f"{self.subject}_{self.kind}{self.fault.variant}"

    @property
    def right(self) -> Right:
        """What is right."""
        return self.fault.right_for(self.kind)

    @property
    def reason_against(self) -> str | None:
        """Why there is nothing to run, or None."""
        if self.subject != "frugal" and self.kind in NO_OPERATOR:
            return "the provider has no operator"
        reasons = self.fault.not_for
        return reasons.get(self.subject) or reasons.get(self.kind)


def only(kinds: set[str] | dict[str, object], reason: str) -> dict[str, str]:
    """`reason` for every kind but these."""
    return dict.fromkeys(KINDS.keys() - kinds, reason)


def lasting(right: Right) -> dict[str, Right]:
    """What is right of the kinds that keep their name for life."""
    return dict.fromkeys(LASTING, right)


ONE, FAILED = Right(1, "success"), Right(1, "failed")
TWO = Right(2, "success")
BOTH = ("training", "endpoint")
#: What AWS loses when it restarts, and Frugal starts again.
LOST = dict.fromkeys(("processing", "tuning", "compilation", "transform"), TWO)

FAULTS = (
    Fault("nothing", users.nothing, ONE),
    Fault(
        "worker killed before submit",
        crashes.worker_dies("before submit"),
        ONE,
        quick=BOTH,
    ),
    Fault("worker killed after submit", crashes.worker_dies("after submit"), ONE, quick=BOTH),
    Fault(
        "worker killed before defer",
        crashes.worker_dies("before defer"),
        ONE,
        not_for={"sync": NOT_DEFERRED},
        quick=BOTH,
    ),
    Fault(
        "worker killed while polling",
        crashes.worker_dies_waiting,
        ONE,
        not_for={"frugal": DEFERS, "deferrable": DEFERS},
    ),
    Fault(
        "worker killed when resumed",
        crashes.worker_dies("when resumed"),
        ONE,
        not_for={"sync": NOT_DEFERRED},
        quick=BOTH,
    ),
    Fault("task marked failed", users.marked("failed"), FAILED, quick=BOTH),
    Fault("task marked success", users.marked("success"), ONE, quick=BOTH),
    Fault("marked failed while it submits", users.marked_submitting, FAILED, quick=BOTH),
    Fault("task cleared while it waits", users.cleared, TWO, instead=lasting(ONE), quick=BOTH),
    Fault(
        "task cleared when finished",
        users.cleared_finished,
        TWO,
        instead=lasting(ONE),
        quick=("training",),
    ),
    Fault("DAG run deleted", users.deleted, Right(1, "deleted"), shared=True, quick=BOTH),
    Fault("task timeout", users.takes_too_long, FAILED, variant="_task_timeout", quick=BOTH),
    Fault(
        "DAG run timeout",
        users.takes_too_long,
        Right(1, "skipped"),
        variant="_run_timeout",
        quick=BOTH,
    ),
    Fault("container error", aws.container_fails, FAILED, quick=("training",)),
    Fault("job stopped in AWS's console", aws.stopped_outside, FAILED, variant="_once"),
    *(
        Fault(
            f"spot {how}",
            aws.reclaimed(times) if times else users.nothing,
            ONE,
            not_for=only({"training", "tuning"}, NO_SPOT),
            quick=("training",) if times == 1 else (),
        )
        for times, how in ((0, "not reclaimed"), (1, "reclaimed once"), (5, "reclaimed five times"))
    ),
    *(
        Fault(
            f"no capacity on {number} of 3 rungs",
            aws.no_capacity(*instances),
            right,
            not_for={
                **only({"training"}, NO_LADDER),
                "deferrable": NO_LADDER,
                "sync": NO_LADDER,
            },
            variant="_ladder",
        )
        for number, instances, right in (
            (1, work.RUNGS[:1], TWO),
            (2, work.RUNGS[:2], Right(3, "success")),
            (3, work.RUNGS, Right(6, "failed")),
        )
    ),
    Fault(
        "no capacity for its only request",
        aws.no_capacity("*"),
        Right(2, "failed"),
        not_for=only({"processing", "transform"}, "see its rungs, or needs no such capacity"),
    ),
    Fault(
        "update rolled back",
        aws.rolled_back,
        FAILED,
        not_for=only(LASTING, "is not updated"),
    ),
    Fault(
        "triggerer killed",
        crashes.component_dies("triggerer"),
        ONE,
        not_for={"sync": NOT_DEFERRED},
        shared=True,
        quick=BOTH,
    ),
    Fault(
        "trigger moved to another triggerer",
        crashes.trigger_moves,
        ONE,
        not_for={"sync": NOT_DEFERRED},
        shared=True,
        quick=BOTH,
    ),
    Fault(
        "scheduler killed",
        crashes.component_dies("scheduler"),
        ONE,
        shared=True,
        quick=BOTH,
    ),
    Fault(
        "local AWS killed",
        aws.aws_restarts,
        ONE,
        instead=LOST,
        shared=True,
        quick=("training", "processing"),
    ),
    Fault(
        "throttled for a minute while it submits",
        aws.throttled_when_submitted,
        ONE,
        shared=True,
    ),
    Fault(
        "throttled for a minute while it waits",
        aws.throttled_while_waiting,
        ONE,
        shared=True,
    ),
    Fault(
        "last attempt's worker killed after submit",
        crashes.last_attempt_dies,
        FAILED,
        variant="_once",
        shared=True,
    ),
    Fault(
        "task marked failed while no triggerer runs",
        users.ended_unwatched(lambda run: run.mark("failed")),
        FAILED,
        not_for={"sync": NOT_DEFERRED},
        shared=True,
    ),
    Fault(
        "DAG run deleted while no triggerer runs",
        users.ended_unwatched(lambda run: run.delete()),
        Right(1, "deleted"),
        not_for={"sync": NOT_DEFERRED},
        shared=True,
    ),
)


def cells(*subjects: str) -> Iterator[Cell]:
    """Every cell of these subjects, row by row, those without anything to run included."""
    for fault in FAULTS:
        for subject in subjects:
            for kind in work.BUILDERS:
                yield Cell(fault, subject, kind)


def quick() -> list[Cell]:
    """What `make test` runs."""
    return [cell for cell in cells("frugal") if cell.kind in cell.fault.quick]
