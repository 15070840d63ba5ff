"""include/cleanup.yaml: what is looked for, by which signals, how long it is left, and what is done about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from frugal.aws.settings import Settings
from frugal.cleanup.caps import Caps
from frugal.cleanup.kinds import KINDS
from frugal.cleanup.resource import Resource
from frugal.cleanup.signals import SIGNALS
from frugal.cleanup.signals.signal import Finding, Signal
from frugal.cleanup.view import View
from frugal.spec.durations import Duration
from frugal.spec.section import Section

REPORT = "report"  # tell of it, and do nothing
NAME = r"^[a-z][a-z0-9-]{0,62}$"


class RulesError(ValueError):
    """A cleanup.yaml that cannot be used; the message lists every mistake."""


class Rule(Section):
    """One rule. All signals of `when` have to hold of a resource of `kind` for `grace` from the night that finds it
    before `action` is taken; without a grace it is taken in that night.

    `report_on_others` tells of things that are not ours, too; nothing is ever done about those.
    """

    kind: str
    when: dict[str, Any] = Field(min_length=1)
    grace: Duration | None = None
    action: str = "delete"
    report_on_others: bool = False

    @field_validator("kind")
    @classmethod
    def _known_kind(cls, kind: str) -> str:
        if kind not in KINDS:
            raise ValueError(f"no such kind. Allowed: {', '.join(KINDS)}")
        return kind

    @field_validator("when")
    @classmethod
    def _known_signals(cls, when: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        kind, mistakes, checked = info.data.get("kind"), [], {}
        for name, given in when.items():
            signal = SIGNALS.get(name)
            if signal is None:
                mistakes.append(f"no signal {name!r}. Allowed: {', '.join(SIGNALS)}")
            elif kind and signal.kinds is not None and kind not in signal.kinds:
                mistakes.append(
                    f"{name} cannot be asked of {kind}, only of {', '.join(sorted(signal.kinds))}"
                )
            else:
                try:
                    checked[name] = TypeAdapter(signal.parameter).validate_python(given)
                except ValidationError as error:
                    mistakes += [
                        f"{name}: {detail['msg']} (given: {given!r})" for detail in error.errors()
                    ]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return checked

    @field_validator("action")
    @classmethod
    def _known_action(cls, action: str, info: ValidationInfo) -> str:
        kind = KINDS.get(info.data.get("kind", ""))
        if kind is not None and action not in (*kind.acts, REPORT):
            allowed = ", ".join((*kind.acts, REPORT))
            raise ValueError(f"{kind.name} knows no such action. Allowed: {allowed}")
        return action

    @property
    def signals(self) -> list[Signal]:
        """Its conditions, each ready to judge."""
        return [SIGNALS[name].make(given) for name, given in self.when.items()]

    def findings(self, batch: Sequence[Resource], view: View) -> list[Finding]:
        """What its signals say together of each resource: they hold if all do, and what one cannot tell nobody can.

        A signal is asked only of what those before it hold of or cannot tell, so cheap ones go first.
        """
        found = [Finding(True, "") for _ in batch]
        for signal in self.signals:
            open_ = [place for place, finding in enumerate(found) if finding.holds is not False]
            if not open_:
                break
            answers = signal([batch[place] for place in open_], view)
            for place, answer in zip(open_, answers, strict=True):
                found[place] = _both(found[place], answer)
        return found


class Rules(Section):
    """A whole cleanup.yaml."""

    rules: dict[Annotated[str, StringConstraints(pattern=NAME)], Rule] = Field(min_length=1)
    dry_run: bool = Field(True, description="whether the DAG only says what it would do")
    caps: Caps = Caps()
    look_at_most: int = Field(
        1000, ge=0, description="calls a night to look at things that no List call tells enough of"
    )
    late_metrics: Duration = Field(
        timedelta(minutes=3), description="how late CloudWatch may tell of a request"
    )


def load_rules(path: Path | None = None) -> Rules:
    """The rules of a file; by default include/cleanup.yaml. Raises RulesError with every mistake."""
    path = path or Settings.load().include / "cleanup.yaml"
    try:
        return Rules.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise RulesError(f"{path}: {error}") from error
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, detail['loc'])) or 'the file'}: "
            f"{detail['msg'].removeprefix('Value error, ')}"
            for detail in error.errors()
        ]
        raise RulesError("\n".join([f"{path}: {len(lines)} mistake(s)", *lines])) from error


def _both(first: Finding, second: Finding) -> Finding:
    if second.holds is False:
        return second
    holds = None if first.holds is None or second.holds is None else True
    reasons = [
        finding.reason for finding in (first, second) if finding.reason and finding.holds is holds
    ]
    return Finding(holds, ", ".join(reasons))
