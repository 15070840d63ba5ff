"""A bucket's lifecycle configuration: how it differs from what the models want, and making it so.

S3 keeps one configuration a bucket and replaces it whole. Foreign rules are put back as they were read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from frugal.aws.tags import ENVIRONMENT, MANAGED_BY, as_dict
from frugal.cleanup.lifecycle import Rule, Wanted, id_prefix, overlap, prefix

MOST_RULES = 1000  # of a configuration, "Lifecycle configuration elements", S3 User Guide
NONE = "NoSuchLifecycleConfiguration"


class NotAppliable(RuntimeError):
    """The rules cannot be put into the bucket; the message says why and what to do."""


@dataclass(frozen=True)
class Changes:
    """What applying would do to a bucket: `add` and `change` hold our rules as they will be, `remove` those that no
    model wants any more, `same` those that stay; `foreign` are everybody else's, kept as they are.
    """

    bucket: str
    add: tuple[Rule, ...]
    change: tuple[tuple[Rule, Rule], ...]
    remove: tuple[Rule, ...]
    same: tuple[Rule, ...]
    foreign: tuple[Rule, ...]
    wanted: Wanted

    @property
    def any(self) -> bool:
        """Whether there is anything to apply."""
        return bool(self.add or self.change or self.remove)

    @property
    def rules(self) -> list[Rule]:
        """The whole configuration after it: foreign rules first, as they were."""
        return [*self.foreign, *self.wanted.rules]

    def as_json(self) -> dict[str, Any]:
        """JSON: rules in S3's form, the reasons, and what is in the way."""
        return {
            "bucket": self.bucket,
            "add": list(self.add),
            "change": [{"from": old, "to": new} for old, new in self.change],
            "remove": list(self.remove),
            "same": [rule["ID"] for rule in self.same],
            "foreign": list(self.foreign),
            "why": self.wanted.why,
            "left_out": list(self.wanted.left_out),
            "warnings": list(warnings(self)),
        }


def changes(s3: Any, bucket: str, environment: str, wanted: Wanted) -> Changes:
    """Compare a bucket with what is wanted of it."""
    standing = read(s3, bucket)
    ours = {
        rule["ID"]: rule
        for rule in standing
        if rule.get("ID", "").startswith(id_prefix(environment))
    }
    asked = {rule["ID"]: rule for rule in wanted.rules}
    return Changes(
        bucket=bucket,
        add=tuple(rule for name, rule in asked.items() if name not in ours),
        change=tuple(
            (ours[name], rule)
            for name, rule in asked.items()
            if name in ours and ours[name] != rule
        ),
        remove=tuple(rule for name, rule in ours.items() if name not in asked),
        same=tuple(rule for name, rule in asked.items() if ours.get(name) == rule),
        foreign=tuple(rule for rule in standing if rule.get("ID") not in ours),
        wanted=wanted,
    )


def apply(s3: Any, shown: Changes, environment: str) -> None:
    """Put the rules that were shown into the bucket.

    Raises NotAppliable when S3 would refuse them, when the bucket is not ours, and when somebody changed its rules
    since they were read.
    """
    if problem := refusal(shown, tags(s3, shown.bucket), environment):
        raise NotAppliable(problem)
    if changes(s3, shown.bucket, environment, shown.wanted) != shown:
        raise NotAppliable(f"the rules of {shown.bucket} changed meanwhile: look at the diff again")
    if shown.rules:
        s3.put_bucket_lifecycle_configuration(
            Bucket=shown.bucket, LifecycleConfiguration={"Rules": shown.rules}
        )
    else:
        s3.delete_bucket_lifecycle(Bucket=shown.bucket)


def refusal(shown: Changes, tags: Mapping[str, str], environment: str) -> str | None:
    """Why the changes cannot be applied; None when they can."""
    ours = {**MANAGED_BY, ENVIRONMENT: environment}
    if not ours.items() <= tags.items():
        listed = ", ".join(f"{key}={value}" for key, value in ours.items())
        return f"{shown.bucket} is not ours: it does not carry the tags {listed}"
    if len(shown.rules) > MOST_RULES:
        return f"{len(shown.rules)} rules, and S3 takes {MOST_RULES} a bucket: share fewer models"
    old = [rule["ID"] for rule in shown.foreign if "Prefix" in rule]
    if old and shown.wanted.rules:
        return (
            f"foreign rules of {shown.bucket} are in S3's deprecated form (Prefix in place of Filter), which it takes "
            f"with no other: {', '.join(old)}; give them a Filter first"
        )
    return None


def warnings(shown: Changes) -> Iterable[str]:
    """Foreign rules that are about our objects, too: S3 then does what comes first, and removes rather than moves."""
    for foreign in shown.foreign:
        ours = [rule["ID"] for rule in shown.wanted.rules if overlap(foreign, rule)]
        if ours and foreign["Status"] == "Enabled":
            about = repr(prefix(foreign)) if prefix(foreign) else "every object"
            yield f"{foreign['ID']} (foreign, {about}) does the same to objects of {', '.join(ours)}"


def text(shown: Changes) -> str:
    """The diff for a person."""
    why = shown.wanted.why
    lines = [
        f"{shown.bucket}: {len(shown.add)} rules to add, {len(shown.change)} to change, "
        f"{len(shown.remove)} to remove, {len(shown.same)} stay, {len(shown.foreign)} foreign"
    ]
    lines += [f"+ {rule['ID']}: {prefix(rule)}: {why[rule['ID']]}" for rule in shown.add]
    for old, new in shown.change:
        lines.append(f"~ {new['ID']}: {prefix(new)}: {why[new['ID']]}")
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                lines += [f"    - {key}: {old.get(key)}", f"    + {key}: {new.get(key)}"]
    lines += [f"- {rule['ID']}: {prefix(rule)}: no model asks for it" for rule in shown.remove]
    lines += [f"  {rule['ID']}: foreign, stays as it is" for rule in shown.foreign]
    lines += [f"! {warning}" for warning in warnings(shown)]
    lines += [f"left out: {reason}" for reason in shown.wanted.left_out]
    return "\n".join(lines)


def read(s3: Any, bucket: str) -> list[Rule]:
    """The rules of a bucket; none when it has no configuration."""
    try:
        found: list[Rule] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != NONE:
            raise
        return []
    return found


def tags(s3: Any, bucket: str) -> dict[str, str]:
    """The tags of a bucket."""
    try:
        return as_dict(s3.get_bucket_tagging(Bucket=bucket)["TagSet"])
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchTagSet":
            raise
        return {}


def measure(s3: Any, bucket: str, start: str, least: int) -> tuple[int, int]:
    """Objects below a prefix that have `least` bytes or more, and the bytes of them together; page by page."""
    objects = together = 0
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=start):
        sizes = [item["Size"] for item in page.get("Contents", []) if item["Size"] >= least]
        objects, together = objects + len(sizes), together + sum(sizes)
    return objects, together
