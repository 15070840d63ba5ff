"""Bad rows: each reason, with its exact row, and nothing else lost."""

from __future__ import annotations

import pytest

from container.preprocess.run import TooManyBadRows
from tests.unit.container.preprocess.sales import HEADER, Lab, row, rows, table


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(5, bedrooms="two"), "wrong_type: bedrooms: 'two' is not an integer"),
        (row(5, bedrooms="3.5"), "wrong_type: bedrooms: '3.5' is not an integer"),
        (row(5, bedrooms=10**20), f"wrong_type: bedrooms: '{10**20}' is not an integer"),
        (row(5, price="1 000"), "wrong_type: price: '1 000' is not a number"),
        (row(5, waterfront="maybe"), "wrong_type: waterfront: 'maybe' is not true or false"),
        (row(5, date="2014-02-30"), "wrong_type: date: '2014-02-30' is not a date"),
        (row(5, seen="noon"), "wrong_type: seen: 'noon' is not a date and time"),
        (row(5, price=""), "missing_target: price has no value"),
        (row(5, price="NA"), "missing_target: price has no value"),
        (row(5, id=""), "missing_value: id has no value"),
        (row(5, date=""), "missing_value: date has no value"),
        (row(5, price=999.5), "out_of_range: price: 999.5 is below 1000"),
        (row(5, price=2e8), "out_of_range: price: 200000000.0 is above 100000000"),
        (row(5, bedrooms=41), "out_of_range: bedrooms: 41 is above 40"),
        (row(5, price="inf"), "not_finite: price: inf"),
        (row(5, grade="d"), "not_allowed: grade: 'd' is not one of a, b, c"),
        (row(3), "duplicate_key: id h3, date 2014-04-04 came before"),
        (row(5) + ",more", "wrong_column_count: 8 instead of 7"),
        ("h5,2014-01-01", "wrong_column_count: 2 instead of 7"),
        (row(5, grade='"a'), "unbalanced_quote: a quote is never closed"),
    ],
)
def test_a_bad_row_is_set_apart_with_its_place_and_reason(lab: Lab, bad: str, reason: str) -> None:
    manifest = lab.run(table(*rows(5), bad, *rows(4, start=6)))

    assert lab.faults() == [("sales.csv", 7, reason)]
    assert lab.quarantined()[0]["raw"] == bad
    assert lab.ids() == [f"h{n}" for n in range(10) if n != 5]
    assert manifest["rows"]["raw"] == 10
    assert manifest["rows"]["quarantined"] == 1
    assert manifest["quarantine"]["reasons"] == {reason.partition(":")[0]: 1}


def test_bytes_that_are_not_utf8_are_kept_readable(lab: Lab) -> None:
    content = table(*rows(3)).replace(b"h1,", b"h\xff,")
    lab.run(content)
    assert lab.faults() == [("sales.csv", 3, "invalid_utf8: id: 'h\\xff' is not UTF-8")]
    assert lab.quarantined()[0]["raw"].startswith("h\\xff,2014-")


def test_many_bad_rows_have_their_own_reasons_in_file_order(lab: Lab) -> None:
    lines = rows(500)
    lines[10] = row(10, bedrooms="x")
    lines[20] = row(20, price="")
    lines[21] = row(21, price=5)
    lines[30] = "short"
    lines[499] = row(499, grade="z")
    lab.run(table(*lines))
    assert [(at, reason.partition(":")[0]) for _, at, reason in lab.faults()] == [
        (12, "wrong_type"),
        (22, "missing_target"),
        (23, "out_of_range"),
        (32, "wrong_column_count"),
        (501, "not_allowed"),
    ]


def test_the_first_fault_in_the_columns_order_is_the_reason(lab: Lab) -> None:
    lab.run(table(row(0), row(1, bedrooms="x", seen="y"), row(2, price=1, bedrooms=99)))
    assert [reason for *_, reason in lab.faults()] == [
        "wrong_type: bedrooms: 'x' is not an integer",
        "out_of_range: price: 1.0 is below 1000",
    ]


def test_missing_values_are_allowed_where_they_are_not_required(lab: Lab) -> None:
    lab.spec["data"]["columns"]["note"] = {"type": "string"}
    gaps = row(1, bedrooms="NA", waterfront="null", grade="", seen="N/A") + ","
    lab.run(table(row(0) + ",NA", gaps, header=HEADER + ",note"))
    assert lab.faults() == []
    by_id = {line["id"]: line for line in lab.written().to_pylist()}
    assert by_id["h1"] | {"id": 0, "date": 0, "price": 0} == dict.fromkeys(
        ("bedrooms", "waterfront", "grade", "seen", "note")
    ) | {"id": 0, "date": 0, "price": 0}
    assert by_id["h0"]["note"] == "NA"


def test_spaces_around_values_are_no_fault(lab: Lab) -> None:
    lines = rows(3)
    lines[1] = row(1, bedrooms=" 4 ", price=" 250000")
    lines[2] = row(2, bedrooms="x")
    lab.run(table(*lines))
    assert [at for _, at, _ in lab.faults()] == [4]
    assert {line["id"]: line["bedrooms"] for line in lab.written().to_pylist()}["h1"] == 4


def test_rows_at_the_limit_pass_and_one_more_stops_the_run(lab: Lab) -> None:
    lab.spec["data"]["max_bad_rows"] = 0.1
    lines = rows(20)
    lines[4] = row(4, price="?")
    lines[9] = row(9, price="?")
    assert lab.run(table(*lines))["quarantine"]["fraction"] == 0.1

    lines[14] = row(14, bedrooms="?")
    with pytest.raises(TooManyBadRows) as stopped:
        lab.run(table(*lines))
    message = str(stopped.value)
    assert "3 of 20 rows (15.00%)" in message
    assert "data.max_bad_rows = 0.1" in message
    assert "wrong_type 3" in message
    assert "sales.csv, row 6: wrong_type: price: '?' is not a number" in message
    assert message.endswith("quarantine.csv lists all of them")
    assert [at for _, at, _ in lab.faults()] == [6, 11, 16]
    assert lab.content() == {}
    assert not (lab.places.dataset / "manifest.json").exists()


def test_duplicates_count_towards_the_limit(lab: Lab) -> None:
    lab.spec["data"]["max_bad_rows"] = 0.1
    with pytest.raises(TooManyBadRows, match="duplicate_key 2"):
        lab.run(table(*rows(10), row(3), row(4)))
    assert [at for _, at, _ in lab.faults()] == [12, 13]


def test_a_run_that_cannot_recover_stops_before_the_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("container.preprocess.source.BLOCK_BYTES", 4096)
    monkeypatch.setattr("container.preprocess.source.UNIT_BYTES", 8192)
    lab.spec["data"]["max_bad_rows"] = 0.01
    with pytest.raises(TooManyBadRows, match="of at most"):
        lab.run(table(*(row(number, price="x") for number in range(20_000))))
    assert 0 < len(lab.faults()) < 2_000


@pytest.mark.parametrize(
    ("column", "given", "good", "bad", "reason"),
    [
        ("date", {"min": "2014-05-02"}, "2014-05-02", "2014-05-01", "below 2014-05-02"),
        (
            "seen",
            {"max": "2015-01-01T12:00:00"},
            "2015-01-01T12:00:00",
            "2015-01-01T12:00:01",
            "above",
        ),
        ("bedrooms", {"values": ["1", "2"]}, "2", "3", "not one of 1, 2"),
        ("bedrooms", {"min": 0.5}, "1", "0", "below 0.5"),
        ("waterfront", {"values": ["true"]}, "yes", "no", "not one of true"),
        ("id", {"values": ["a", "b"]}, "a", "c", "not one of a, b"),
    ],
)
def test_bounds_and_values_of_every_type(
    lab: Lab, column: str, given: dict[str, object], good: str, bad: str, reason: str
) -> None:
    lab.spec["data"]["columns"][column] |= given
    lab.spec["data"]["key"] = ["price"]
    lab.spec["data"]["split"] |= {"train": 1.0, "validation": 0.0, "test": 0.0}
    fine = {"bedrooms": 2, "id": "a", "waterfront": "true", "date": "2015-01-01"}
    lab.run(table(row(1, **fine | {column: good}), row(2, **fine | {column: bad})))
    assert [at for _, at, _ in lab.faults()] == [3]
    assert reason in lab.faults()[0][2]
