"""Challenger against champion: each scored with its own code, on the same rows of the test split and on recent ones."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from container import archives, metrics, recent, scoring
from container.features import FeatureSchema
from container.paths import processing_input
from container.recent import Rows, TooFew


class NoContest(Exception):
    """The champion cannot be scored; the message says why."""


@dataclass(frozen=True)
class Meeting:
    """The metric of both on the same rows; the champion's is None where there is none. ``of`` says which rows."""

    of: str
    rows: int
    value: float
    champion: float | None = None


@dataclass(frozen=True)
class Verdict:
    won: bool
    reason: str


@dataclass(frozen=True)
class Champion:
    """A champion, unpacked: its model, the code that was published with it, and room for what it predicts."""

    model: Path
    code: Path
    scratch: Path
    scored: dict[Path, Any] = field(default_factory=dict)

    @classmethod
    def unpack(cls, scratch: Path) -> Champion:
        """The one among the job's inputs. Raises NoContest."""
        try:
            model = unpack(processing_input("champion"), scratch / "champion")
            code = unpack(processing_input("champion-code"), scratch / "champion-code")
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            raise NoContest(f"could not be unpacked: {error}") from error
        return cls(model, code, scratch)

    def score(self, rows: Rows) -> Any:
        """Its predictions, made in a process of its own, once for each split. Raises NoContest."""
        if rows.directory not in self.scored:
            output = self.scratch / f"champion-{len(self.scored)}.npy"
            given = [self.code, self.model, rows.directory, output]
            finished = subprocess.run(
                [sys.executable, scoring.__file__, *map(str, given)],
                env={**os.environ, "PYTHONPATH": str(self.code)},
                capture_output=True,
                text=True,
            )
            if finished.returncode:
                said = finished.stderr.strip().splitlines()
                why = said[-1] if said else f"exit status {finished.returncode}"
                raise NoContest(f"could not be scored: {why}")
            self.scored[rows.directory] = np.load(output)
        predicted = self.scored[rows.directory][rows.chosen]
        if len(predicted) != len(rows.labels) or not np.isfinite(predicted).all():
            raise NoContest("could not be scored: its predictions are incomplete or not finite")
        return predicted


def compete(
    spec: Mapping[str, Any],
    challenger: scoring.Scorer,
    test: Rows,
    predictions: Any,
    scratch: Path,
) -> dict[str, Any]:
    """Members of evaluation.json. ``predictions`` are the challenger's of the test split.

    ==================== ==================================================================================
    member               holds
    ==================== ==================================================================================
    ``champion``         ``{"value", "metrics"}`` on the test split; None without one that can be scored
    ``champion_problem`` why it cannot
    ``recent``           ``{"of", "rows", "value", "champion"}`` on the recent rows; None without them
    ``not_recent``       why not, or not on captured requests
    ``decided_by``       ``recent``, ``test`` or ``both``
    ``won``, ``reason``  see `judge`
    ==================== ==================================================================================
    """
    metric = spec["evaluate"]["metric"]
    own = metrics.compute(metric, test.labels, predictions)[metric]
    met = Meeting(test.of, len(test.labels), own)
    newest, notes, told, problem = None, list[str](), None, None
    if processing_input("champion").is_dir():
        try:
            champion = Champion.unpack(scratch)
            theirs = metrics.compute(metric, test.labels, champion.score(test))
            told = {"value": theirs[metric], "metrics": theirs}
            met = Meeting(test.of, len(test.labels), own, theirs[metric])
            newest, notes = _meet_on_recent(spec, challenger, champion, test, predictions)
        except NoContest as error:
            problem = str(error)
    verdict = judge(spec["evaluate"], met, newest)
    return {
        "champion": told,
        "champion_problem": problem,
        "recent": vars(newest) if newest else None,
        "not_recent": notes,
        "decided_by": spec["evaluate"]["decides"] if newest else "test",
        "won": verdict.won,
        "reason": verdict.reason + (f" (a champion exists but {problem})" if problem else ""),
    }


def _meet_on_recent(
    spec: Mapping[str, Any],
    challenger: scoring.Scorer,
    champion: Champion,
    test: Rows,
    predictions: Any,
) -> tuple[Meeting | None, list[str]]:
    """How both did on the recent rows, or None; and why not on those that are more to the point."""
    notes, metric = list[str](), spec["evaluate"]["metric"]

    def asked() -> Rows:
        schema = FeatureSchema.load(champion.model)
        if lacking := sorted(set(challenger.schema.features) - set(schema.features)):
            raise TooFew(f"the champion is not asked for {', '.join(lacking)}")
        given = processing_input("recent")
        return recent.captured(spec, given, schema, champion.scratch / "recent")

    def meet(find: Callable[[], Rows]) -> Meeting | None:
        try:
            rows = find()
            held = rows.directory == test.directory
            own = predictions if held else challenger.score(rows.directory)
            sides = (own[rows.chosen], champion.score(rows))
            values = [metrics.compute(metric, rows.labels, side)[metric] for side in sides]
        except (TooFew, NoContest, OSError, ValueError) as error:
            notes.append(str(error))
            return None
        return Meeting(rows.of, len(rows.labels), *values)

    newest = meet(asked) or meet(lambda: recent.newest(spec, test.directory, test.labels))
    return newest, notes


def judge(evaluate: Mapping[str, Any], test: Meeting, newest: Meeting | None = None) -> Verdict:
    """The gate: the floor on the test split, the champion on the rows that ``evaluate.decides`` names; without
    recent ones on the test split.

    A tie goes to the challenger: the same data and code give the same model, and what changed (how it is compiled
    or served) is to reach the endpoint.
    """
    metric, floor = evaluate["metric"], evaluate["floor"]
    if not math.isfinite(test.value):
        return Verdict(False, f"{metric} is {test.value}, not a number to compare")
    if metrics.better(metric, floor, test.value):
        return Verdict(False, f"{metric} {test.value:.6g} is worse than the floor of {floor:.6g}")
    within = f"{metric} {test.value:.6g} is within the floor of {floor:.6g}"
    if test.champion is None:
        return Verdict(True, f"{within}, and there is no champion to beat")
    meetings = {"recent": [newest or test], "test": [test], "both": [test, newest or test]}
    deciding = list(dict.fromkeys(meetings[evaluate["decides"]]))
    told = [_told(metric, meeting) for meeting in deciding]
    lost = [text for won, text in told if not won]
    if lost and evaluate["must_beat_champion"]:
        return Verdict(False, "; ".join(lost))
    if lost:
        return Verdict(True, f"{within}; it need not beat the champion: {'; '.join(lost)}")
    aside = [_told(metric, m)[1] for m in (test, newest) if m and m not in deciding]
    besides = [f"{text}, which does not decide" for text in aside]
    return Verdict(True, "; ".join([*(text for _, text in told), *besides]))


def _told(metric: str, meeting: Meeting) -> tuple[bool, str]:
    """Whether the challenger is not worse, and the sentence."""
    champion, shown = meeting.champion, f"{metric} {meeting.value:.6g}"
    assert champion is not None
    if meeting.value == champion:
        return True, f"{shown} equals the champion's on {meeting.of}"
    if metrics.better(metric, meeting.value, champion):
        return True, f"{shown} beats the champion's {champion:.6g} on {meeting.of}"
    return False, f"{shown} does not beat the champion's {champion:.6g} on {meeting.of}"


def unpack(source: Path, target: Path) -> Path:
    """Unpack the one archive in ``source``.

    Raises:
        FileNotFoundError: there is none, or more than one.
    """
    found = sorted(source.glob("*.tar.gz"))
    if len(found) != 1:
        raise FileNotFoundError(f"expected one .tar.gz in {source}, found {len(found)}")
    archives.extract(str(found[0]), str(target))
    return target
