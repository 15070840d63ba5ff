"""Fault rules: read, matched, timed and drawn."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from local_aws.faults import BadRule, Faults, Rule, read_rules
from local_aws.faults.calls import facts_of
from local_aws.http import Request

ADDED = 1000.0


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    return Faults(tmp_path / "faults.json")


def rule(fault: str, **given: Any) -> Rule:
    return Rule(1, fault, given, ADDED)


@pytest.mark.parametrize(
    ("given", "facts", "matched"),
    [
        ({}, {"job": "a", "spot": True}, True),
        ({"job": "*-train-?"}, {"job": "m-train-1"}, True),
        ({"job": "*-train-?"}, {"job": "m-train-12"}, False),
        ({"spot": False}, {"job": "a", "spot": True}, False),
        ({"region": "eu-*", "spot": True}, {"region": "eu-west-1", "spot": True}, True),
        ({"job": "a"}, {"region": "eu-west-1"}, False),
    ],
)
def test_a_rule_matches_all_that_it_is_limited_to(
    given: dict[str, Any], facts: dict[str, Any], matched: bool
) -> None:
    assert rule("no-capacity", **given).matches(facts) is matched


def test_a_rule_lasts_from_its_begin_for_its_seconds() -> None:
    timed = rule("throttle", at=10, seconds=5)
    moments = [timed.begun(ADDED + s) and timed.lasts(ADDED + s) for s in (9, 10, 14.9, 15)]
    assert moments == [False, True, True, False]


def test_a_containers_rule_counts_its_at_from_the_containers_start() -> None:
    timed = rule("reclaim", at=10, seconds=5)
    moments = [timed.begun(ADDED + s) and timed.lasts(ADDED + s) for s in (0, 4.9, 5)]
    assert moments == [True, True, False]


def test_a_probability_with_a_second_is_that_of_each_run(faults: Faults) -> None:
    faults.add([{"fault": "reclaim", "at": 3, "probability": 0.25}])
    (reclaim,) = faults.live("reclaim")
    planned = [faults.planned(reclaim, f"job-{number}") for number in range(400)]
    assert set(planned) == {3.0, None}
    assert planned.count(3.0) == pytest.approx(100, abs=25)


def test_a_probability_without_a_second_is_that_of_each_second(faults: Faults) -> None:
    faults.add([{"fault": "reclaim", "probability": 0.1}])
    (reclaim,) = faults.live("reclaim")
    planned = [faults.planned(reclaim, f"job-{number}") for number in range(400)]
    assert fmean(p for p in planned if p is not None) == pytest.approx(9.5, rel=0.15)


def test_what_is_drawn_is_the_same_after_all_rules_were_cleared(faults: Faults) -> None:
    def drawn() -> list[bool]:
        faults.add([{"fault": "throttle", "probability": 0.5}])
        found = [faults.draw("throttle", "subject") is not None for _ in range(32)]
        faults.clear()
        return found

    first = drawn()
    assert drawn() == first
    faults.begin(None, 1)
    assert drawn() != first


def test_a_rate_lets_a_burst_of_each_subject_pass(faults: Faults) -> None:
    faults.add([{"fault": "throttle", "rate": 0.001, "burst": 3}])

    def struck(subject: str) -> list[bool]:
        return [faults.draw("throttle", subject) is not None for _ in range(5)]

    assert struck("sagemaker/ListModels") == [False, False, False, True, True]
    assert struck("sagemaker/ListEndpoints") == [False, False, False, True, True]
    assert [rule["fired"] for rule in faults.rules()] == [4]


def test_another_plan_replaces_every_rule_and_the_same_one_goes_on(tmp_path: Path) -> None:
    plan, kept = tmp_path / "plan.yaml", tmp_path / "faults.json"
    plan.write_text("- {fault: throttle, count: 2}")
    faults = Faults(kept)
    faults.begin(plan, None)
    faults.draw("throttle", "subject")
    faults.add([{"fault": "slow", "delay": 1}])
    again = Faults(kept)
    again.begin(plan, None)
    assert [(r["fault"], r["fired"]) for r in again.rules()] == [("throttle", 1), ("slow", 0)]
    plan.write_text("- {fault: throttle, count: 3}")
    again.begin(plan, None)
    assert [(r["fault"], r["fired"]) for r in again.rules()] == [("throttle", 0)]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (7, "7 was given, allowed is a rule"),
        (["throttle"], "rule 1: 'throttle' was given, allowed is a mapping"),
        ({"rules": [], "seed": "x"}, "seed: 'x' was given, allowed is a whole number"),
        ({"rules": [], "speed": 1}, "speed: allowed keys of a plan are seed and rules"),
        ({"fault": "s3-error", "error": "Gone"}, "error: 'Gone' was given, allowed is one of Slow"),
        ({"fault": "reclaim", "probability": 2}, "probability: 2 was given, allowed is a number"),
        ({"fault": "no-capacity", "spot": "yes"}, "spot: 'yes' was given, allowed is true or"),
        ({"fault": "reclaim", "job": ""}, "job: '' was given, allowed is a name"),
        (
            {"fault": "throttle", "service": "sagemakr"},
            "service: 'sagemakr' was given, allowed are",
        ),
        ({"fault": "throttle", "service": ""}, "service: '' was given, allowed is a name"),
        (
            {"fault": "throttle", "service": "sage*", "operation": "CreateTrainingJobs"},
            "operation: 'CreateTrainingJobs' was given, allowed are such as CreateTrainingJob",
        ),
        ({"fault": "s3-slow", "delay": 1, "operation": "Obj"}, "such as the operations of s3"),
    ],
)
def test_a_document_that_means_nothing_says_where_and_why(document: Any, said: str) -> None:
    with pytest.raises(BadRule) as caught:
        read_rules(document, "plan.yaml")
    assert str(caught.value).startswith("plan.yaml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/", "", "ListBuckets"),
        ("PUT", "/b", "", "CreateBucket"),
        ("GET", "/b", "list-type=2&prefix=a", "ListObjectsV2"),
        ("GET", "/b", "", "ListObjects"),
        ("POST", "/b", "delete", "DeleteObjects"),
        ("GET", "/b/a/b.csv", "", "GetObject"),
        ("HEAD", "/b/a/b.csv", "", "HeadObject"),
        ("PUT", "/b/a", "tagging", "PutObjectTagging"),
        ("PUT", "/b/a", "partNumber=1&uploadId=x", "UploadPart"),
        ("POST", "/b/a", "uploadId=x", "CompleteMultipartUpload"),
    ],
)
def test_an_s3_call_is_known_by_its_operation(
    method: str, path: str, query: str, operation: str
) -> None:
    request = Request({"QUERY_STRING": query}, method, path, "s3", "us-east-1")
    assert facts_of(request)["operation"] == operation


def test_an_invocation_is_one_of_the_runtimes_operations() -> None:
    path = "/endpoints/prices/invocations"
    request = Request({}, "POST", path, "sagemaker", "us-east-1")
    assert facts_of(request) == {
        "service": "sagemaker-runtime",
        "operation": "InvokeEndpoint",
        "region": "us-east-1",
    }
