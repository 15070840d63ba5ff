"""docs/benchmarks/faults.md: the matrix as tables, every number from the run."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version

from demo.home import REPOSITORY
from frugal.jobs.kinds import KINDS
from tests.faults import work
from tests.faults.matrix import FAULTS, LASTING, Cell
from tests.faults.outcome import STOPPED_WITHIN, Outcome

PAGE = REPOSITORY / "docs" / "benchmarks" / "faults.md"
TITLES = {
    "frugal": "Frugal's JobOperator",
    "deferrable": "The amazon provider's operators, deferrable",
    "sync": "The amazon provider's operators, waiting in the worker",
}
Outcomes = Mapping[Cell, Outcome]


def write(outcomes: Outcomes, seconds: float) -> None:
    """Write the page of a run that took `seconds`."""
    PAGE.write_text("\n".join(lines(outcomes, seconds)) + "\n")


def lines(outcomes: Outcomes, seconds: float) -> Iterator[str]:
    """The page."""
    yield from INTRODUCTION.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        minutes=round(seconds / 60),
        airflow=version("apache-airflow"),
        provider=version("apache-airflow-providers-amazon"),
        python=platform.python_version(),
        cores=os.cpu_count(),
        stopped=STOPPED_WITHIN,
        lasting=" and ".join(
            sorted(f"{kind.replace('-', ' ')}s" for kind in LASTING & work.BUILDERS.keys())
        ),
    ).splitlines()
    for subject, title in TITLES.items():
        found = {cell: outcome for cell, outcome in outcomes.items() if cell.subject == subject}
        right = sum(not outcome.wrong(cell.right) for cell, outcome in found.items())
        yield from ("", f"## {title}", "", f"{right} of {len(found)} cells are right.", "")
        yield from table(subject, found)


def table(subject: str, outcomes: Outcomes) -> Iterator[str]:
    """A row for each fault, a column for each kind, then what the marks in it stand for."""
    kinds = [kind for kind in KINDS if kind in work.BUILDERS]
    reasons: list[str] = []
    wrong: list[str] = []
    yield "| fault | " + " | ".join(kinds) + " |"
    yield "|---" * (len(kinds) + 1) + "|"
    for fault in FAULTS:
        texts = []
        for kind in kinds:
            cell = Cell(fault, subject, kind)
            if reason := cell.reason_against:
                if reason not in reasons:
                    reasons.append(reason)
                texts.append(f"n/a [{letter(reasons.index(reason))}]")
                continue
            outcome = outcomes[cell]
            texts.append(text(cell, outcome))
            if against := outcome.wrong(cell.right):
                wrong.append(f"- {fault.name}, {kind}: {'; '.join(against)}.")
        yield f"| {fault.name} | " + " | ".join(texts) + " |"
    yield ""
    yield "; ".join(f"[{letter(at)}] {reason}" for at, reason in enumerate(reasons)) + "."
    if wrong:
        yield from ("", "Wrong:", "", *wrong)
    notes = [
        f"- {cell.fault.name}, {cell.kind}: {'; '.join(outcome.notes)}."
        for cell, outcome in outcomes.items()
        if outcome.notes
    ]
    if notes:
        yield from ("", "Also seen:", "", *notes)


def text(cell: Cell, outcome: Outcome) -> str:
    """A cell: jobs, left running, seconds billed and in vain, final state, right or wrong."""
    mark = "✘" if outcome.wrong(cell.right) else "✔"
    parts = [str(outcome.jobs), str(outcome.running)]
    if outcome.billed is not None and outcome.in_vain is not None:
        ideal = outcome.billed - outcome.in_vain
        parts.append(f"{ideal:.0f}+{outcome.in_vain:.0f} s")
    return " · ".join([f"{mark} {parts[0]}", *parts[1:], outcome.state or "none"])


def letter(number: int) -> str:
    """a, b, c, ..."""
    return chr(ord("a") + number)


INTRODUCTION = """\
# What each fault costs: the fault matrix

Written by `make faults` on {date}: every kind of job under every fault, on a real scheduler, triggerer and
LocalExecutor (Airflow {airflow}, amazon provider {provider}, Python {python}) with the local AWS in place of AWS, in
{minutes} minutes on {cores} cores. `make faults` fails when a cell of Frugal's is wrong; `make test` runs part of the
matrix. What Frugal does in each case, and why, is in [how a task can end](../guides/how-a-task-can-end.md).

A cell reads: jobs that AWS ever had of the run · jobs left running · seconds billed that were needed + seconds billed
in vain · the task's final state. All of it is read from the AWS API and from Airflow's. What is right is the same for
all operators: the same job however often Airflow's own processes die, no job once nobody waits for it, one other job
when a user asks for one by clearing or AWS lost the first one, none when its own program failed, and never success
without the job's.

- *Left running* is what still runs {stopped:.0f} s after the task came to its final state. It goes on billing.
- *In vain* are seconds of a job while another one of the same task was at work, and after a user or a limit had ended
  the task; as many are right, as a stop takes its time. Jobs here work until they are told to end, so
  that seconds compare within a cell only. Of {lasting} no seconds are shown: they bill for as
  long as they stand.
- Every operator may retry once (`retries=1`), looks once a second or more often, and has the same requests."""
