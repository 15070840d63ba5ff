"""S3's lifecycle configurations: kept as they were given, and refused where S3 refuses them. Nothing ages by them here.

moto loses the sizes and the counts of versions of a rule, and takes every rule. What is refused is what the S3 User
Guide ("Lifecycle configuration elements", "Constraints and considerations for transitions") and users' reports of S3's
answers name; the wording of the messages is not verified against AWS.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import moto.s3.models as s3
import xmltodict
from moto.s3.exceptions import MalformedXML, NoSuchLifecycleConfiguration, S3ClientError
from moto.s3.responses import S3Response

MOST_RULES = 1000
LONGEST_ID = 255
YOUNGEST = {"STANDARD_IA": 30, "ONEZONE_IA": 30}
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
ACTIONS = (
    "Expiration",
    "Transition",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransition",
    "AbortIncompleteMultipartUpload",
)
Rule = dict[str, Any]

_set_lifecycle: Any = s3.FakeBucket.set_lifecycle


def install() -> None:
    """Put the checks and the memory into moto's S3."""
    s3.FakeBucket.set_lifecycle = _checked  # type: ignore[method-assign]
    S3Response.get_bucket_lifecycle = _given  # type: ignore[method-assign]


def _checked(self: Any, rules: list[Rule]) -> None:
    for rule in rules:
        rule["ID"] = rule.get("ID") or uuid.uuid4().hex
    refusal = next(refusals(rules), None)
    if refusal is not None:
        raise S3ClientError(*refusal)
    _set_lifecycle(self, rules)
    self.lifecycle_given = rules


def _given(self: Any) -> Any:
    rules = getattr(self.backend.get_bucket(self.bucket_name), "lifecycle_given", None)
    if not self.backend.get_bucket_lifecycle(self.bucket_name) or not rules:
        raise NoSuchLifecycleConfiguration(bucket_name=self.bucket_name)
    document = {"LifecycleConfiguration": {"@xmlns": NAMESPACE, "Rule": rules}}
    smallest = "all_storage_classes_128K"
    return (
        200,
        {"x-amz-transition-default-minimum-object-size": smallest},
        xmltodict.unparse(document),
    )


def refusals(rules: list[Rule]) -> Iterator[tuple[str, str]]:
    """Code and message of each reason for which S3 would refuse the rules, as they stand in XML."""
    if not 0 < len(rules) <= MOST_RULES:
        malformed = MalformedXML()
        yield malformed.code, malformed.message
    ids = Counter(rule["ID"] for rule in rules)
    if any(count > 1 for count in ids.values()):
        yield "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"
    if any("Prefix" in rule for rule in rules) and any("Filter" in rule for rule in rules):
        yield "InvalidRequest", "Filter element can only be used in Lifecycle V2."
    for rule in rules:
        yield from _refused(rule)


def _refused(rule: Rule) -> Iterator[tuple[str, str]]:
    if len(rule["ID"]) > LONGEST_ID:
        yield "InvalidArgument", f"ID length should not exceed allowed limit of {LONGEST_ID}"
    if not any(action in rule for action in ACTIONS):
        yield "InvalidRequest", "At least one action needs to be specified in a rule"
    chosen = _chosen(rule)
    if chosen.keys() & {"Tag"} and rule.keys() & {"AbortIncompleteMultipartUpload"}:
        message = "AbortIncompleteMultipartUpload cannot be specified with Tags."
        yield "InvalidRequest", message
    expiry = _days((rule.get("Expiration") or {}).get("Days"))
    if expiry is not None and expiry < 1:
        yield "InvalidArgument", "'Days' for Expiration action must be a positive integer"
    for transition in _several(rule.get("Transition")):
        days, name = _days(transition.get("Days")), transition["StorageClass"]
        if days is None:
            continue
        if days < YOUNGEST.get(name, 0):
            yield (
                "InvalidArgument",
                "'Days' in Transition action must be greater than or equal to "
                f"{YOUNGEST[name]} for storageClass '{name}'",
            )
        if expiry is not None and expiry <= days:
            yield (
                "InvalidArgument",
                f"'Days' in the Expiration action for filter '(prefix={chosen.get('Prefix') or ''})' "
                "must be greater than 'Days' in the Transition action",
            )
    kept = _days((rule.get("NoncurrentVersionExpiration") or {}).get("NewerNoncurrentVersions"))
    if kept is not None and not 1 <= kept <= 100:
        yield "InvalidArgument", "NewerNoncurrentVersions must be between 1 and 100"


def _chosen(rule: Rule) -> Mapping[str, Any]:
    """What a rule's filter names, whether by itself or together with others."""
    filter_ = rule.get("Filter") or {}
    return {"Prefix": rule.get("Prefix"), **filter_, **(filter_.get("And") or {})}


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value] if value else []


def _days(text: Any) -> int | None:
    return None if text is None else int(text)
