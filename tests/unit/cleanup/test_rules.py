"""include/cleanup.yaml as it ships, and what is said of one with mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from frugal.cleanup.kinds import KINDS
from frugal.cleanup.rules import REPORT, RulesError, load_rules

#: Nothing is lost with a pool, or an upload that never ended; the others lie in the bucket for their time before.
WITH_A_GRACE_OF_THEIR_OWN = ("warm-pool", "s3-upload", "s3-versions", "s3-trash")


def test_the_rules_that_ship_are_valid_and_begin_dry(repository: Path) -> None:
    rules = load_rules(repository / "include" / "cleanup.yaml")
    assert rules.dry_run
    for name, rule in rules.rules.items():
        undone = rule.action != REPORT and KINDS[rule.kind].acts[rule.action].undo is None
        assert rule.grace or not undone or rule.kind in WITH_A_GRACE_OF_THEIR_OWN, (
            f"{name} does at once what nobody can take back"
        )


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cleanup.yaml"
    path.write_text(
        """
rules:
  a: {kind: endpiont, when: {older_than: 1d}}
  b: {kind: endpoint, when: {older_then: 1d, unreferenced: true, no_invocations: 14}}
  c: {kind: endpoint, when: {older_than: 1d}, action: explode, grace: soon}
  D: {kind: endpoint, when: {}, force: true}
caps: {share: 2}
"""
    )
    with pytest.raises(RulesError) as error:
        load_rules(path)
    for told in (
        "rules.a.kind: no such kind",
        "no signal 'older_then'",
        "unreferenced cannot be asked of endpoint, only of",
        "no_invocations: ",
        "endpoint knows no such action. Allowed: delete, scale-in, end-shadow-test, report",
        "a duration is a whole number with a unit",
        "rules.D.when",
        "rules.D.force",
        "caps.share",
    ):
        assert told in str(error.value)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"nowhere\.yaml"):
        load_rules(tmp_path / "nowhere.yaml")
