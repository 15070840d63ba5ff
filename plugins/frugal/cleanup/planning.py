"""From what there is and what rules find in it to what is to be done tonight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from frugal.cleanup.keep import kept
from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.plan import Item, Plan, Verdict
from frugal.cleanup.resource import MARK, Resource
from frugal.cleanup.rules import REPORT, Rule, Rules
from frugal.cleanup.signals.signal import Finding
from frugal.cleanup.view import View

Batches = Iterable[tuple[CleanupKind, Sequence[Resource]]]
Monthly = Callable[[CleanupKind, Resource], float | None]
#: Marks of what carries no tags of its own, by the resource's id.
Marks = Mapping[str, str]


def make_plan(
    batches: Batches,
    rules: Rules,
    view: View,
    *,
    region: str,
    environment: str,
    monthly: Monthly,
    marks: Marks | None = None,
) -> Plan:
    """The plan of a night. It reads `batches` once, and keeps only what rules found."""
    looked, ours = Counter[str](), Counter[str]()
    items: list[Item] = []
    judge = _Judge(view, environment, monthly, marks or {})
    for kind, batch in batches:
        own = sum(resource.ours(environment) for resource in batch)
        looked[kind.name] += len(batch)
        ours[kind.name] += own
        items += judge.items(kind, batch, rules)
    acts = [item for item in items if item.verdict is Verdict.ACT]
    exceeded = tuple(rules.caps.exceeded(acts, ours.total())) if acts else ()
    return Plan(region, view.now, tuple(items), looked, ours, {}, exceeded)


class _Judge:
    def __init__(self, view: View, environment: str, monthly: Monthly, marks: Marks) -> None:
        self.view = view
        self.environment = environment
        self.monthly = monthly
        self.marks = marks

    def items(self, kind: CleanupKind, batch: Sequence[Resource], rules: Rules) -> Iterator[Item]:
        """What becomes of each resource of a batch; the first rule that finds one has it."""
        open_ = {resource.id: resource for resource in batch}
        for name, rule in rules.rules.items():
            if rule.kind != kind.name:
                continue
            some = [
                resource
                for resource in open_.values()
                if rule.report_on_others or resource.ours(self.environment)
            ]
            for resource, finding in self.findings(kind, rule, some):
                if item := self.item(kind, name, rule, resource, finding):
                    del open_[resource.id]
                    yield item
        for resource in open_.values():
            if (mark := self.mark(resource)) and resource.ours(self.environment):
                rule_name = mark.partition("@")[0]
                yield Item(
                    resource, rule_name, "", Verdict.SPARE, "no rule finds it any more", marked=True
                )

    def findings(
        self, kind: CleanupKind, rule: Rule, batch: Sequence[Resource]
    ) -> Iterator[tuple[Resource, Finding]]:
        """What the rule says of each. Where not all is known that this rests on, only marks tell of it."""
        known = [resource for resource in batch if resource.facts is not None]
        findings = rule.findings(known, self.view)
        for resource in batch:
            if resource.facts is None and self.mark(resource):
                yield resource, Finding(None, "it was not looked at")
        if not any(finding.holds is not False for finding in findings):
            return
        unknown = self.view.unknown(kind.after)
        for resource, finding in zip(known, findings, strict=True):
            if not unknown:
                yield resource, finding
            elif finding.holds is not False and self.mark(resource):
                yield resource, Finding(None, f"not all is known: {unknown}")

    def item(
        self, kind: CleanupKind, name: str, rule: Rule, resource: Resource, finding: Finding
    ) -> Item | None:
        if finding.holds is False:
            return None
        marked_for, due = marked(self.mark(resource))
        verdict, reason = Verdict.ACT, finding.reason
        mine = resource.ours(self.environment)
        if not mine and not finding.holds:
            return None
        if not mine or (rule.action == REPORT and finding.holds):
            verdict = Verdict.REPORT
        elif why := kept(resource, self.view.now):
            verdict, reason = Verdict.SPARE, f"{why} ({finding.reason})"
        elif finding.holds is None:
            verdict = Verdict.WAIT if marked_for else Verdict.SPARE
        elif marked_for != name or due is None:
            due = self.view.now + rule.grace if rule.grace else self.view.now
            verdict = Verdict.MARK if rule.grace else Verdict.ACT
        elif due > self.view.now:
            verdict = Verdict.WAIT
        return Item(
            resource,
            name,
            rule.action,
            verdict,
            reason,
            due if verdict in (Verdict.MARK, Verdict.WAIT, Verdict.ACT) else None,
            self.monthly(kind, resource),
            marked_for is not None,
        )

    def mark(self, resource: Resource) -> str | None:
        return resource.tags.get(MARK) or self.marks.get(resource.id)


def marked(mark: str | None) -> tuple[str | None, datetime | None]:
    """The rule of a mark and when its grace is over; the latter None where nobody can read it."""
    if not mark:
        return None, None
    rule, _, due = mark.partition("@")
    try:
        moment = datetime.fromisoformat(due)
    except ValueError:
        return rule, None
    return rule, moment if moment.tzinfo else None
