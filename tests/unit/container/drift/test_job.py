"""The drift job over captured traffic: its verdict, its files and what it says."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from container.drift.job import run

from .conftest import DOMAIN, KINDS, Columns, Job, columns, prices, record, records, side

Make = Callable[..., Job]


def verdicts(found: dict[str, Any], about: str = "feature") -> dict[str, str]:
    return {c["name"]: c["verdict"] for c in found["checks"] if c["about"] == about}


def answers(given: Columns) -> Any:
    return 50 * given["rooms"] + 2 * given["area"]


def test_the_same_distribution_is_no_drift(drift: Make) -> None:
    job, given = drift(), columns(4000, 9)
    job.capture(records(given, answers(given)))
    found = job.run()
    assert found["verdict"] == "ok", found["reason"]
    assert set(verdicts(found).values()) == {"ok"}
    assert verdicts(found, "prediction") == {"prediction": "ok"}
    assert job.violations() == set()
    assert job.message.startswith("Completed: Job completed successfully with no violations.")
    assert found["window"]["rows"] == 4000
    assert found["window"]["exact"] is True


def test_a_shift_is_found_where_it_is_and_in_what_follows(drift: Make) -> None:
    job, given = drift(), columns(4000, 9)
    given["area"] += 0.3 * 60
    job.capture(records(given, answers(given), per_record=7))
    found = job.run()
    assert found["verdict"] == "drift"
    assert "area" in found["reason"]
    drifted = {name for name, verdict in verdicts(found).items() if verdict == "drift"}
    assert drifted == {"area"}
    assert ("area", "baseline_drift_check") in job.violations()
    assert job.message.startswith("CompletedWithViolations: Job completed successfully with ")


def test_too_few_rows_are_unknown(drift: Make) -> None:
    job, given = drift(), columns(499, 9)
    given["area"] += 1000
    job.capture(records(given, answers(given)))
    found = job.run()
    assert found["verdict"] == "unknown"
    assert set(verdicts(found).values()) == {"unknown"}
    assert job.violations() == set()


def test_nothing_captured_is_unknown(drift: Make) -> None:
    job = drift()
    job.input("captured")
    assert job.run()["verdict"] == "unknown"


def test_time_moves_and_is_no_drift(drift: Make) -> None:
    job, given = drift(), columns(2000, 9)
    given["day"] += 500
    job.capture(records(given))
    found = job.run()
    assert found["verdict"] == "ok"
    day = next(c for c in found["checks"] if c["name"] == "day" and c["about"] == "feature")
    assert (day["verdict"], day["decides"]) == ("drift", False)
    assert job.violations() == set()


def test_what_is_ignored_or_hashed_decides_nothing(drift: Make) -> None:
    job, given = drift(pii={"area": "hash"}), columns(2000, 9)
    given["area"] += 500
    job.capture(records(given))
    assert job.run()["verdict"] == "ok"
    assert job.violations() == set()


def test_a_column_that_loses_values_is_a_fault_and_no_drift(drift: Make) -> None:
    job, given = drift(), columns(2000, 9)
    given["rooms"][::4] = np.nan
    job.capture(records(given))
    found = job.run()
    assert found["verdict"] == "ok"
    assert "Faults in the data: 1" in found["reason"]
    assert job.violations() == {("rooms", "completeness_check")}
    assert job.message.startswith("CompletedWithViolations: ")


def test_values_of_another_type(drift: Make) -> None:
    job, found = drift(), records(columns(2000, 9))
    for item in found[::10]:
        asked = item["captureData"]["endpointInput"]
        asked["data"] = "large," + asked["data"].partition(",")[2]
    job.capture(found)
    job.run()
    assert ("area", "data_type_check") in job.violations()


def test_fractions_in_an_integral_column(drift: Make) -> None:
    job, given = drift(), columns(2000, 9)
    given["rooms"][::10] += 0.5
    job.capture(records(given))
    job.run()
    assert ("rooms", "data_type_check") in job.violations()


@pytest.mark.parametrize(
    ("change", "name"),
    [(lambda t: t + ",1", "Extra columns"), (lambda t: t[:-6], "Missing columns")],
)
def test_rows_of_another_width(drift: Make, change: Callable[[str], str], name: str) -> None:
    job, found = drift(), records(columns(2000, 9))
    for item in found[::10]:
        asked = item["captureData"]["endpointInput"]
        asked["data"] = change(asked["data"])
    job.capture(found)
    assert job.run()["window"]["rows"] == 1800
    assert job.violations() == {(name, f"{name.removesuffix(' columns').lower()}_column_check")}


def test_rows_by_name(drift: Make) -> None:
    job, given = drift(), columns(1500, 9)
    found = []
    for at in range(1500):
        row = {name: values[at] for name, values in given.items() if name != "garden"}
        row |= {"kind": DOMAIN[int(row["kind"])], "day": "2014-05-01", "colour": "red"}
        if at % 10 == 0:
            row["kind"] = "castle"
        body = json.dumps({"instances": [row]})
        found.append(record(str(at), {"endpointInput": side("application/json", "JSON", body)}))
    job.capture(found)
    job.run()
    assert job.violations() == {
        ("garden", "missing_column_check"),
        ("garden", "completeness_check"),
        ("colour", "extra_column_check"),
        ("kind", "categorical_values_check"),
        ("kind", "baseline_drift_check"),
    }


def test_base64_and_what_cannot_be_read(drift: Make) -> None:
    job, found = drift(), records(columns(1000, 9))
    for item in found:
        asked = item["captureData"]["endpointInput"]
        asked["data"] = base64.b64encode(asked["data"].encode()).decode()
        asked["encoding"] = "BASE64"
    path = job.input("captured") / "one.jsonl"
    lines = [json.dumps(item) for item in found]
    path.write_text("\n".join([*lines, '{"captureData": {', "[]", '{"eventMetadata": 3}']) + "\n")
    window = job.run()["window"]
    assert (window["rows"], window["unreadable"]) == (1000, 3)


@pytest.mark.parametrize(
    "poison",
    [
        '"',
        "1e300,1,1,1,1",
        "1,2\ud800,1,1,1",
        "x" * 3_000_000,
        ",".join("1" * 9),
        "\0",
        "inf,1,1,9e9,1",
    ],
    ids=["quote", "large", "surrogate", "long", "wide", "zero", "infinite"],
)
def test_one_broken_request_spoils_no_other(drift: Make, poison: str) -> None:
    job, found = drift(), records(columns(1000, 9))
    found[500]["captureData"]["endpointInput"]["data"] = poison
    job.capture(found)
    answer = job.run()
    assert answer["window"]["rows"] in (999, 1000)
    assert answer["verdict"] == "ok", answer["reason"]


@pytest.mark.parametrize(
    "poison", ["[[1e400]]", "{", "3", '{"instances": 3}', "[[1" + "0" * 400 + ",1,1,1,1]]"]
)
def test_broken_json_spoils_nothing(drift: Make, poison: str) -> None:
    job, given = drift(), columns(1000, 9)
    rows = np.stack(list(given.values()), axis=1).tolist()
    found = [
        record(str(at), {"endpointInput": side("application/json", "JSON", json.dumps([row]))})
        for at, row in enumerate(rows)
    ]
    found[500]["captureData"]["endpointInput"]["data"] = poison
    job.capture(found)
    answer = job.run()
    assert answer["window"]["rows"] in (999, 1000)
    assert answer["verdict"] == "ok", answer["reason"]


def test_batch_inputs_are_read_as_they_were_sent(drift: Make) -> None:
    job, given = drift(), columns(1000, 9)
    text = "".join(f"{','.join(map(str, row))}\n" for row in zip(*given.values(), strict=True))
    (job.input("captured") / "rows.csv").write_text(text)
    found = job.run()
    assert (found["window"]["rows"], found["verdict"]) == (1000, "ok")


def test_quality_is_judged_when_the_truth_has_come(drift: Make) -> None:
    job, given = drift(), columns(3000, 9)
    job.capture(records(given, answers(given), per_record=2))
    lines = []
    actual = prices(given, 10) + np.random.default_rng(11).normal(0, 60, 3000)
    for at in range(0, 3000, 2):
        meta = {"eventId": f"event-{at}"}
        truth = {"data": f"{actual[at]}\n{actual[at + 1]}", "encoding": "CSV"}
        lines.append(json.dumps({"groundTruthData": truth, "eventMetadata": meta}))
    (job.input("truth") / "day.jsonl").write_text("\n".join(lines[::-1]) + "\n")
    found = job.run()
    assert found["window"]["labelled"] == 3000
    assert verdicts(found, "quality") == {"rmse": "drift"}
    rmse = next(c for c in found["checks"] if c["name"] == "rmse")["effects"]["value"]
    assert rmse == pytest.approx(np.sqrt(np.mean((answers(given) - actual) ** 2)), rel=1e-6)
    assert found["verdict"] == "drift"


def test_truth_as_csv_of_a_model_as_good_as_ever(drift: Make) -> None:
    """As a spreadsheet leaves it: with a byte order mark, and a word that is no number."""
    job, given = drift(), columns(3000, 9)
    job.capture(records(given, answers(given)))
    rows = [f"event-{at},{price}" for at, price in enumerate(prices(given, 10).tolist())]
    text = "\n".join(["event_id,price", *rows[:1000], "event-1000,\xe9"]) + "\n"
    (job.input("truth") / "day.csv").write_bytes(b"\xef\xbb\xbf" + text.encode("latin-1"))
    found = job.run()
    assert found["window"]["labelled"] == 1000
    assert verdicts(found, "quality") == {"rmse": "ok"}


def test_a_window_that_outgrows_its_memory_is_sketched(drift: Make) -> None:
    job, given = drift(memory_mib=0.05), columns(20_000, 9)
    job.capture(records(given, answers(given), per_record=100))
    found = job.run()
    assert found["window"]["exact"] is False
    assert 0 < found["window"]["rank_error"] < 0.02
    assert found["verdict"] == "ok", found["reason"]
    page = (job.output / "report.html").read_text()
    assert f"{found['window']['rank_error']:.2%}" in page


def test_the_files_are_model_monitors(drift: Make) -> None:
    job, given = drift(), columns(2000, 9)
    job.capture(records(given, answers(given)))
    job.run()
    statistics = json.loads((job.output / "statistics.json").read_text())
    constraints = json.loads((job.output / "constraints.json").read_text())
    assert [f["name"] for f in statistics["features"]] == ["price", *KINDS]
    assert [f["name"] for f in constraints["features"]] == ["price", *KINDS]
    assert statistics["dataset"]["item_count"] == 2000
    area = statistics["features"][1]["numerical_statistics"]
    values = given["area"]
    assert area["mean"] == pytest.approx(values.mean())
    assert area["std_dev"] == pytest.approx(values.std())
    buckets = [bucket["count"] for bucket in area["distribution"]["kll"]["buckets"]]
    assert buckets == np.histogram(values.astype("float32"), bins=10)[0].tolist()
    kind = statistics["features"][4]["string_statistics"]["distribution"]["categorical"]["buckets"]
    expected = {DOMAIN[i]: int((given["kind"] == i).sum()) for i in range(3)}
    assert {bucket["value"]: bucket["count"] for bucket in kind} == expected


def test_the_report_stands_alone_and_escapes_what_was_captured(drift: Make) -> None:
    job, given = drift(), columns(1000, 9)
    rows = [{n: v[at] for n, v in given.items()} | {"<script>": 1} for at in range(1000)]
    data = [
        record(str(at), {"endpointInput": side("application/json", "JSON", json.dumps([row]))})
        for at, row in enumerate(rows)
    ]
    job.capture(data)
    job.run()
    page = (job.output / "report.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg") == len(KINDS)
    assert "src=" not in page
    assert "http" not in page


def test_a_baseline_without_rows_is_said_to_be_too_old(drift: Make) -> None:
    job = drift()
    job.capture([])
    job.run()
    (job.input("baseline") / "reference.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        run()
    assert job.message.startswith("FileNotFoundError: no reference.parquet in ")
