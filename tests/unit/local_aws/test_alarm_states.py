"""An alarm's state from its data points: the tables of the CloudWatch User Guide."""

from __future__ import annotations

import pytest

from local_aws.cloudwatch.judgement import Rule, judge

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
MISSING = "INSUFFICIENT_DATA"
# What the guide calls "Retain current state".
KEEP = "the current state"

THREE_OF_THREE = {
    "0 - X - X": ("OK", "OK", "OK", "OK"),
    "0 - - - -": ("OK", "OK", "OK", "OK"),
    "- - - - -": (MISSING, KEEP, "ALARM", "OK"),
    "0 X X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "- - X - -": ("ALARM", KEEP, "ALARM", "OK"),
}
TWO_OF_THREE = {
    "0 - X - X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 0 X 0 X": ("ALARM", "ALARM", "ALARM", "ALARM"),
    "0 - X - -": ("OK", "OK", "ALARM", "OK"),
    "- - - - 0": ("OK", "OK", "ALARM", "OK"),
    "- - - X -": ("ALARM", KEEP, "ALARM", "OK"),
}


@pytest.mark.parametrize("treatment", TREATMENTS)
@pytest.mark.parametrize(("datapoints", "table"), [(3, THREE_OF_THREE), (2, TWO_OF_THREE)])
@pytest.mark.parametrize("row", range(5))
def test_the_tables_of_the_user_guide(
    datapoints: int, table: dict[str, tuple[str, ...]], row: int, treatment: str
) -> None:
    text, states = list(table.items())[row]
    expected = states[TREATMENTS.index(treatment)]
    points = [{"0": False, "X": True, "-": None}[sign] for sign in text.split()]
    for current in ("OK", "ALARM", MISSING):
        found = judge(points, Rule(3, datapoints, treatment), current)
        assert found == (current if expected == KEEP else expected)


@pytest.mark.parametrize("text", ["- - - - X", "- - - X -"])
def test_a_lone_breach_is_no_alarm_yet(text: str) -> None:
    points = [True if sign == "X" else None for sign in text.split()]
    assert judge(points, Rule(3, 3), "OK") == "OK"
    assert judge(points, Rule(3, 3), MISSING) == MISSING
