"""Does what a plan says, one thing after the other in AWS's order, each looked at again just before.

It can be interrupted anywhere: the journal names what a sweep set out to do, and each thing's recipe says whether it
was done. The next sweep ends the one before with its own, by the same checks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from frugal.cleanup import marks, recipes
from frugal.cleanup.account import Account
from frugal.cleanup.inventory import Inventory
from frugal.cleanup.journal import Journal
from frugal.cleanup.keep import kept
from frugal.cleanup.kind import Act, CleanupKind
from frugal.cleanup.outcome import Done, Outcome
from frugal.cleanup.plan import Item, Verdict
from frugal.cleanup.resource import Resource
from frugal.cleanup.rules import Rules
from frugal.cleanup.signals import SIGNALS

log = logging.getLogger(__name__)


class Sweep:
    """One sweep. `inventory` was read to its end: it knows what needs what, and goes on learning."""

    def __init__(
        self,
        account: Account,
        rules: Rules,
        kinds: Mapping[str, CleanupKind],
        inventory: Inventory,
    ) -> None:
        self.account = account
        self.rules = rules
        self.kinds = kinds
        self.inventory = inventory

    def run(
        self, journal: Journal, items: Iterable[Item], spared: Iterable[Done] = ()
    ) -> list[Done]:
        """Act on these items, and on what an interrupted sweep left; `spared` is told of besides."""
        intended, begun = journal.begin(items)
        intended.sort(key=lambda item: (self.kinds[item.resource.kind].order, item.resource.name))
        done = self._look_back([self._item(item, begun) for item in intended])
        self._take_marks_off(done)
        names = {recipes.name(item) for item in intended}
        done += [one for one in spared if recipes.name(one.item) not in names]
        journal.end(begun, intended, done)
        return done

    def _take_marks_off(self, done: Iterable[Done]) -> None:
        """What was acted on and stands is found anew, and gets a new grace; what is gone needs none."""
        ended = [one.item for one in done if one.outcome in (Outcome.DONE, Outcome.GONE)]
        stands = [item for item in ended if item.marked and not self._act(item).ends]
        spared = [replace(item, verdict=Verdict.SPARE) for item in stands]
        marks.put(self.account, spared, self.kinds)
        marks.forget(self.account, [item.resource.id for item in ended])

    def _item(self, item: Item, begun: str) -> Done:
        """See to one item. What fails keeps nothing else from being seen to."""
        try:
            return self._see_to(item, begun)
        except Exception as error:
            log.exception("Could not %s %s", item.action, item.resource)
            return Done(item, Outcome.FAILED, str(error))

    def _see_to(self, item: Item, begun: str) -> Done:
        name, kind = recipes.name(item), self.kinds[item.resource.kind]
        act = self._act(item)
        document = recipes.load(self.account, name)
        if document and document["done"] and document["begun"] >= begun:
            return Done(item, Outcome.DONE, item.reason, tuple(document["lines"]), name)
        halfway = document if document and _is_halfway(document, begun) else None
        current = kind.again(self.account, item.resource)
        if current is not None and current.id != item.resource.id:
            return Done(item, Outcome.GONE, "another one has its name by now")
        if current is None and halfway is None:
            return Done(item, Outcome.GONE, "it went before the sweep came to it")
        if current is not None and (why := self._objection(item, current)):
            if halfway and act.undo:
                act.undo(self.account, halfway["recipe"])
                recipes.restored(self.account, halfway)
            return Done(item, Outcome.SPARED, why)
        if halfway is None:
            recipe = act.recipe(self.account, current or item.resource)
            if recipe is None:
                return Done(item, Outcome.GONE, "it went while the sweep came to it")
            halfway = recipes.begin(self.account, item, current or item.resource, recipe)
        lines = self._do(act, current or item.resource, halfway)
        recipes.finish(self.account, halfway, lines)
        log.warning("%s %s: %s", item.action, item.resource, item.reason)
        return Done(item, Outcome.DONE, item.reason, tuple(lines), name)

    def _do(self, act: Act, resource: Resource, document: recipes.Document) -> list[str]:
        """Do it; what cannot be done to its end is taken back."""
        try:
            return act.do(self.account, resource, document["recipe"])
        except Exception:
            if act.undo:
                act.undo(self.account, document["recipe"])
                recipes.restored(self.account, document)
            raise

    def _objection(self, item: Item, current: Resource) -> str | None:
        """Why it is not to be acted on after all, as it stands now."""
        rule, kind = self.rules.rules.get(item.rule), self.kinds[current.kind]
        if rule is None or rule.action != item.action:
            return f"there is no rule {item.rule} any more that says so"
        if not current.ours(self.account.environment):
            return "it is not ours any more"
        view = self.inventory.refreshed(kind.after)
        if why := kept(current, view.now):
            return why
        [finding] = rule.findings([current], view)
        if not finding.holds:
            return finding.reason
        unknown = view.unknown(kind.after)
        return f"not all is known: {unknown}" if unknown else None

    def _look_back(self, done: list[Done]) -> list[Done]:
        """Bring back what turns out to have been needed while it went: CloudWatch tells of requests minutes later."""
        acted = [
            one
            for one in done
            if one.outcome is Outcome.DONE
            and one.item.rule in self.rules.rules
            and self._act(one.item).undo
        ]
        signals = (name for one in acted for name in self.rules.rules[one.item.rule].when)
        if any(SIGNALS[name].late for name in signals):
            time.sleep(self.rules.late_metrics.total_seconds())
        return [self._needed(one) if one in acted else one for one in done]

    def _act(self, item: Item) -> Act:
        return self.kinds[item.resource.kind].acts[item.action]

    def _needed(self, done: Done) -> Done:
        item, undo = done.item, self._act(done.item).undo
        try:
            document = recipes.load(self.account, str(done.recipe))
            if undo is None or document is None:
                return done
            view = self.inventory.refreshed(self.kinds[item.resource.kind].after)
            before = replace(item.resource, facts=document["facts"])
            [finding] = self.rules.rules[item.rule].findings([before], view)
            if finding.holds is not False:
                return done
            lines = undo(self.account, document["recipe"])
            recipes.restored(self.account, document)
        except Exception as error:
            log.exception("Could not see whether %s was needed", item.resource)
            return replace(done, reason=f"{done.reason}; looking back failed: {error}")
        return Done(item, Outcome.RESTORED, finding.reason, tuple(lines), done.recipe)


def _is_halfway(document: recipes.Document, begun: str) -> bool:
    """Whether a recipe is of an act that the sweep which began then was killed in."""
    ended = document["done"] or document.get("restored")
    return not ended and str(document["begun"]) >= begun
