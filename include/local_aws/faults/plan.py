"""All the rules there are: added, listed, cleared, drawn from a seed, and kept over a restart."""

from __future__ import annotations

import hashlib
import json
import math
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from local_aws.faults.buckets import Buckets
from local_aws.faults.rules import BadRule, Rule, read_rules

Facts = dict[str, Any]


class Faults:
    """The faults of one local AWS. Every method is thread-safe.

    What is drawn depends on the seed, the rule, what it strikes and how often that was asked, and on
    nothing else: the same plan, seed and requests give the same faults.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._asked: Counter[tuple[int, str]] = Counter()
        self._buckets = Buckets()
        saved = json.loads(path.read_text()) if path.exists() else {}
        self.seed: int = saved.get("seed", 0)
        self._plan: str = saved.get("plan", "")
        self._last: int = saved.get("last", 0)
        self._rules = [Rule(**members) for members in saved.get("rules", [])]

    def begin(self, plan: Path | None, seed: int | None) -> None:
        """Take a plan file's rules in place of all others, and the seed; both None changes nothing.

        The plan that was begun before goes on where it was. Raises `BadRule`.
        """
        with self._lock:
            own, rules = read_plan(plan) if plan else (None, [])
            wanted = own if seed is None else seed
            self.seed = self.seed if wanted is None else wanted
            if plan:
                text = json.dumps([self.seed, rules], sort_keys=True)
                digest = hashlib.sha256(text.encode()).hexdigest()
                if digest != self._plan:
                    self._plan = digest
                    self.clear()
                    self.add(rules)
            self._save()

    def add(self, rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add checked rules, effective now; they are shown with their ids."""
        with self._lock:
            added = []
            for rule in rules:
                self._last += 1
                given = {name: value for name, value in rule.items() if name != "fault"}
                added.append(Rule(self._last, rule["fault"], given, time.time()))
            self._rules += added
            self._save()
            return [rule.shown() for rule in added]

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, those that are used up included, in the order in which they are asked."""
        with self._lock:
            return [rule.shown() for rule in self._rules]

    def clear(self, rule_id: int | None = None) -> int:
        """Remove a rule, or all; how many there were. After the last one, ids start anew."""
        with self._lock:
            before = len(self._rules)
            self._rules = [r for r in self._rules if rule_id is not None and r.id != rule_id]
            if not self._rules:
                self._last = 0
                self._asked.clear()
                self._buckets.clear()
            self._save()
            return before - len(self._rules)

    def live(self, *faults: str, **facts: Any) -> list[Rule]:
        """The rules of these kinds that match and could strike now."""
        with self._lock:
            now = time.time()
            return [
                rule
                for rule in self._rules
                if rule.fault in faults
                and rule.left()
                and rule.begun(now)
                and rule.lasts(now)
                and rule.matches(facts)
            ]

    def holds(self, *faults: str) -> bool:
        """Whether there is a rule of these kinds at all."""
        return any(rule.fault in faults for rule in self._rules)

    def draw(self, fault: str, subject: str, **facts: Any) -> Rule | None:
        """The first live rule that strikes `subject`, which counts as struck."""
        with self._lock:
            for rule in self.live(fault, **facts):
                if self._within_rate(rule, subject):
                    continue
                if self._chance(rule, subject) < rule.given.get("probability", 1) and self.fire(
                    rule
                ):
                    return rule
            return None

    def _within_rate(self, rule: Rule, subject: str) -> bool:
        """Whether a rule with a rate lets the call pass; one without lets none."""
        if "rate" not in rule.given:
            return False
        rate = rule.given["rate"]
        return self._buckets.take((rule.id, subject), rate, rule.given.get("burst", max(1, rate)))

    def planned(self, rule: Rule, subject: str) -> float | None:
        """After how many seconds of a container's run a rule of it strikes, or None.

        `probability` is the chance of each run where `at` is given, else of each of its seconds.
        """
        with self._lock:
            at, probability = rule.given.get("at"), rule.given.get("probability")
            if probability is None:
                return float(at or 0)
            chance = self._chance(rule, subject)
            if at is not None:
                return float(at) if chance < probability else None
            if probability == 1:
                return 0.0
            return math.log(1 - chance) / math.log(1 - probability)

    def fire(self, rule: Rule) -> bool:
        """Count a rule as struck; False when it was cleared or used up meanwhile."""
        with self._lock:
            if not (self._known(rule) and rule.left()):
                return False
            rule.fired += 1
            self._save()
            return True

    def lasts(self, rule: Rule) -> bool:
        """Whether a rule that struck still holds: it was not cleared, its seconds are not over."""
        with self._lock:
            return self._known(rule) and rule.lasts(time.time())

    def unhealthy(self, endpoint: str, config: str, region: str = "") -> bool:
        """Whether the containers of a deployment that starts now shall fail their health check."""
        facts = {"endpoint": endpoint, "config": config} | ({"region": region} if region else {})
        return self.draw("unhealthy-deployment", f"{endpoint}/{config}", **facts) is not None

    def _known(self, rule: Rule) -> bool:
        return any(known is rule for known in self._rules)

    def _chance(self, rule: Rule, subject: str) -> float:
        number = self._asked[rule.id, subject]
        self._asked[rule.id, subject] += 1
        return random.Random(f"{self.seed}/{rule.id}/{subject}/{number}").random()

    def _save(self) -> None:
        content = {
            "seed": self.seed,
            "plan": self._plan,
            "last": self._last,
            "rules": [vars(rule) for rule in self._rules],
        }
        partial = self._path.with_suffix(".tmp")
        partial.write_text(json.dumps(content))
        partial.replace(self._path)


def read_plan(path: Path) -> tuple[int | None, list[dict[str, Any]]]:
    """The seed and the rules of a plan file, YAML or JSON. Raises `BadRule`."""
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise BadRule(f"{path}: {error}") from error
    return read_rules(document, str(path))
