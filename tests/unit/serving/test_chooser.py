"""The chooser's answers: what is open, what is ruled out and why, and where another form would win."""

from __future__ import annotations

import re
from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frugal.cost.prices import PriceTable
from frugal.serving.chooser import Choice, ModelFacts, Option, cheapest, choose
from frugal.serving.chooser.choice import as_deployed
from frugal.serving.chooser.facts import ASSUMED
from frugal.serving.chooser.load import Load, waiting_p95
from frugal.serving.chooser.question import Instance, Question
from frugal.spec import SpecError, load_spec
from frugal.spec.deploy import Deploy
from frugal.spec.model import Compile
from frugal.spec.traffic import Traffic

EXAMPLE = load_spec(Path(__file__).parents[3] / "include/models/house-prices/model.yaml")
SMALL = Instance("ml.m5.large", 2, 8, transform=True)
LARGE = Instance("ml.c5.xlarge", 4, 8, transform=True)
UNPRICED = Instance("ml.c7i.large", 2, 4)
PRICES = PriceTable(
    "2026-11-22",
    "USD",
    {"us-east-1": {"ml.m5.large": 0.1, "ml.c5.xlarge": 0.2}},
    {"us-east-1": {"serverless_gb_second": 0.00002, "endpoint_data_gb": 0.016}},
)
FACTS = replace(ASSUMED, request_ms=100, memory_mb=1500, cold_start_seconds=10)


def question(facts: ModelFacts = FACTS, *, backend: Any = "none", **traffic: Any) -> Question:
    asked = Traffic(**{"requests_per_day": 10_000, **traffic})
    sections = {
        "compile": Compile(backend=backend, target="ml_c5" if backend == "neo" else None),
        "deploy": Deploy(strategy="auto", traffic=asked),
    }
    return Question(
        spec=EXAMPLE.model_copy(update=sections),
        facts=facts,
        prices=PRICES,
        region="us-east-1",
        instances=(SMALL, LARGE, UNPRICED),
    )


def row(choice: Choice, strategy: str, size: str | None = None) -> Option:
    return next(
        option
        for option in choice.options
        if option.strategy == strategy and size in (None, option.size)
    )


def test_few_requests_are_cheapest_serverless_and_many_on_an_instance() -> None:
    few = cheapest(question(requests_per_day=10_000))
    many = cheapest(question(requests_per_day=2_000_000, peak_per_second=25))
    assert few is not None
    assert many is not None
    assert (few.strategy, many.strategy) == ("serverless", "realtime")


def test_the_same_question_has_the_same_answer() -> None:
    assert choose(question()) == choose(question())


def test_costs_are_those_of_the_arithmetic() -> None:
    choice = choose(question(requests_per_day=24 * 3600, payload_kb=1, response_kb=1))
    data = 24 * 3600 * 365 / 12 * 2 / 1024**2 * 0.016
    serverless = 24 * 3600 * 365 / 12 * 0.1 * 2 * 0.00002 + data
    assert row(choice, "serverless").monthly == pytest.approx(serverless)
    assert row(choice, "realtime", "ml.m5.large").monthly == pytest.approx(730 * 0.1 + data)


def test_an_unknown_price_is_unknown_and_never_chosen() -> None:
    choice = choose(question())
    unknown = row(choice, "realtime", "ml.c7i.large")
    assert unknown.monthly is None
    assert unknown.ruled_out is None
    assert not unknown.is_open
    nowhere = choose(replace(question(), region="eu-south-2"))
    assert nowhere.best is None
    assert nowhere.break_evens == ["at any number of requests: nothing is open"]


def test_each_open_row_is_dearer_than_the_one_before() -> None:
    costs = [option.monthly or 0.0 for option in choose(question()).options if option.is_open]
    assert costs == sorted(costs)
    assert len(costs) > 1


@pytest.mark.parametrize(
    ("strategy", "traffic", "facts", "backend", "reason"),
    [
        ("serverless", {"requests_per_day": 10}, FACTS, "none", r"\d+% .* cold .* 10\.2 s"),
        (
            "serverless",
            {},
            replace(FACTS, memory_mb=6000),
            "none",
            r"7,500 MB, AWS allows 6,144 MB",
        ),
        ("serverless", {"requests_per_day": 1e8}, FACTS, "none", r"AWS allows 200"),
        ("serverless", {"payload_kb": 5000}, FACTS, "none", r"requests up to 4 MB .*given: 5000"),
        ("realtime", {"payload_kb": 9000}, FACTS, "none", r"requests up to 6 MB .*given: 9000"),
        ("realtime", {"latency_ms": 50}, FACTS, "none", r"do not keep .* under the target"),
        ("multi-model", {}, FACTS, "none", r"traffic\.siblings is 0"),
        ("multi-model", {"siblings": 9}, FACTS, "neo", r"compile.backend: .*neo"),
        ("async", {}, FACTS, "none", r"wake from zero, about 300 s, the target is 1000 ms"),
        ("serverless", {}, FACTS, "neo", r"bound to an instance family"),
        ("realtime", {}, FACTS, "neo", r"runs on ml\.c5\.\* only"),
        ("batch", {}, FACTS, "none", r"once a day, the target is 1000 ms"),
        ("scale-to-zero", {}, FACTS, "none", r"would never sleep"),
        ("scale-to-zero", {"idle_hours": 12}, FACTS, "none", r"traffic\.errors_when_cold is false"),
        ("inferentia", {}, FACTS, "none", r"runs what Neuron compiled only"),
    ],
)
def test_what_is_ruled_out_says_by_what(
    strategy: str, traffic: dict[str, Any], facts: ModelFacts, backend: str, reason: str
) -> None:
    options = choose(question(facts, backend=backend, **traffic)).options
    reasons = [option.ruled_out or "" for option in options if option.strategy == strategy]
    assert any(re.search(reason, given) for given in reasons), reasons


def test_a_warm_worker_of_unknown_price_is_unknown_and_of_a_known_one_it_has_no_cold_start() -> (
    None
):
    """At ten requests a day every one finds it cold."""
    cold, warm = (
        option
        for option in choose(question(requests_per_day=10)).options[::-1]
        if option.strategy == "serverless"
    )
    assert "find it cold" in (cold.ruled_out or "")
    assert (warm.ruled_out, warm.monthly) == (None, None)
    assert "no price of serverless_provisioned_gb_second" in warm.how
    usage = {"serverless_provisioned_gb_second": 1e-6, "serverless_provisioned_use_gb_second": 1e-5}
    prices = replace(PRICES, usages={"us-east-1": {**PRICES.usages["us-east-1"], **usage}})
    asked = replace(question(requests_per_day=10), prices=prices)
    best = cheapest(asked)
    assert best is not None
    assert best.name == "serverless on 2048 MB, 1 warm"
    month = 365 / 12 * 24 * 3600
    assert best.monthly == pytest.approx(2 * month * 1e-6, rel=0.01)
    deploy = best.applied_to(asked.spec).deploy
    assert (deploy.memory_mb, deploy.provisioned_concurrency) == (2048, 1)


@pytest.mark.parametrize(
    ("traffic", "expected"),
    [
        ({"requests_per_day": 1_000_000, "peak_per_second": 40}, {"instances": 3}),
        ({"requests_per_day": 1_000_000, "idle_hours": 12}, {"autoscale": (1, 4)}),
        ({"requests_per_day": 10_000}, {}),
    ],
)
def test_a_chosen_fleet_is_what_its_price_is_of(
    traffic: dict[str, Any], expected: dict[str, Any]
) -> None:
    asked = question(**traffic)
    chosen = row(choose(asked), "realtime", "ml.m5.large").applied_to(asked.spec).deploy
    scaled = chosen.autoscale and (chosen.autoscale.min, chosen.autoscale.max)
    assert {"instances": chosen.instances, "autoscale": scaled} == {
        "instances": None,
        "autoscale": None,
        **expected,
    }


def test_what_model_yaml_has_is_priced_as_it_stands() -> None:
    def priced(**deploy: Any) -> Option:
        asked = question(requests_per_day=1_000_000)
        section = Deploy(traffic=asked.traffic, instance="ml.m5.large", **deploy)
        return as_deployed(replace(asked, spec=asked.spec.model_copy(update={"deploy": section})))

    two, seven = priced(strategy="realtime"), priced(strategy="realtime", instances=7)
    assert two.ruled_out == "the peak needs 2 of ml.m5.large, model.yaml allows 1"
    assert seven.monthly == pytest.approx(7 * 730 * 0.1, rel=0.01)
    trial = priced(strategy="realtime", instances=7, trial={"kind": "split"})
    assert trial.monthly == pytest.approx(14 * 730 * 0.1, rel=0.01)


@given(
    requests=st.integers(1, 10**9),
    idle=st.floats(0, 23.9),
    latency=st.none() | st.floats(1, 1e6),
    payload=st.floats(0.001, 1e7),
    siblings=st.integers(0, 50),
    cold=st.booleans(),
)
@settings(max_examples=10, deadline=None)
def test_the_choice_is_what_the_break_evens_say_at_its_traffic(
    requests: int, idle: float, latency: float | None, payload: float, siblings: int, *, cold: bool
) -> None:
    choice = choose(
        question(
            requests_per_day=requests,
            idle_hours=idle,
            latency_ms=latency,
            payload_kb=payload,
            siblings=siblings,
            errors_when_cold=cold,
        )
    )
    for sentence in choice.break_evens:
        span, _, name = sentence.partition(": ")
        low, high = _bounds(span)
        if low <= requests <= high:
            assert name == (choice.best.name if choice.best else "nothing is open")
    costs = [option.monthly or 0.0 for option in choice.options if option.is_open]
    assert costs == sorted(costs)
    assert all(option.monthly is None or isfinite(option.monthly) for option in choice.options)


def _bounds(span: str) -> tuple[float, float]:
    numbers = [int(text.replace(",", "")) for text in re.findall(r"[\d,]+", span)]
    if span.startswith("until"):
        return 0, numbers[0]
    return (numbers[0] if numbers else 0), (numbers[1] if len(numbers) > 1 else inf)


def test_a_chip_is_unknown_until_it_was_measured() -> None:
    asked = question()
    network = asked.spec.model_copy(
        update={
            "compile": Compile(backend="neuron"),
            "train": asked.spec.train.model_copy(
                update={"framework": "pytorch", "version": "2.13"}
            ),
        }
    )
    asked = replace(asked, spec=network)
    unknown = row(choose(asked), "inferentia")
    assert (unknown.ruled_out, unknown.monthly) == (None, None)
    assert unknown.how == "not measured there: a load test of such an endpoint tells"
    assert "runs on Inferentia" in (row(choose(asked), "realtime").ruled_out or "")
    hours = {"us-east-1": {"ml.inf2.xlarge": 1.0}}
    measured = replace(
        asked,
        facts=replace(FACTS, throughput={"ml.inf2.xlarge": 100}),
        prices=replace(PRICES, hours=hours),
    )
    best = choose(measured).best
    assert best is not None
    assert best.name == "inferentia on ml.inf2.xlarge"
    assert best.monthly == pytest.approx(730, rel=0.01)


def test_siblings_share_the_endpoint() -> None:
    alone = row(choose(question(siblings=9)), "realtime", "ml.m5.large").monthly
    shared = row(choose(question(siblings=9)), "multi-model", "ml.m5.large").monthly
    assert alone is not None
    assert shared is not None
    assert shared < alone / 5


def test_sleep_costs_nothing() -> None:
    choice = choose(question(idle_hours=12, errors_when_cold=True))
    awake, asleep = row(choice, "realtime").monthly, row(choice, "scale-to-zero").monthly
    assert awake is not None
    assert asleep is not None
    assert asleep < 0.6 * awake


def test_whoever_can_wait_a_day_gets_batch() -> None:
    best = choose(question(latency_ms=None)).best
    assert best is not None
    assert best.strategy == "batch"


def test_a_measured_throughput_counts_more_than_vcpus() -> None:
    busy: dict[str, Any] = {"requests_per_day": 1_000_000, "peak_per_second": 40}
    assumed = row(choose(question(**busy)), "realtime", "ml.m5.large").how
    measured = replace(FACTS, throughput={"ml.m5.large": 1000})
    assert assumed == "72 instance hours a day"
    assert row(choose(question(measured, **busy)), "realtime", "ml.m5.large").how == (
        "24 instance hours a day"
    )


def test_the_winner_changes_just_where_the_break_evens_say() -> None:
    asked = question(peak_per_second=1)
    spans = choose(asked).break_evens
    assert len(spans) > 2
    for span in spans[:-1]:
        end = int(re.findall(r"[\d,]+(?= requests)", span)[-1].replace(",", ""))
        for requests, wins in ((end, True), (end + max(2, end // 500), False)):
            scale = requests / 10_000
            at = question(requests_per_day=requests, peak_per_second=scale)
            best = choose(at).best
            assert (best is not None and span.endswith(f": {best.name}")) is wins, (span, requests)


def test_a_queue_grows_with_its_load_and_breaks_down() -> None:
    waits = [waiting_p95(rate, 0.1, 2) for rate in (0, 5, 10, 15, 19)]
    assert waits[0] == 0
    known = [wait for wait in waits if wait is not None]
    assert known == sorted(known)
    assert known[-1] > 1
    assert waiting_p95(20, 0.1, 2) is None


def test_one_server_is_the_textbook_queue() -> None:
    """M/M/1: P(W > t) = rho exp(-(mu - lambda) t)."""
    from math import log

    assert waiting_p95(5, 0.1, 1) == pytest.approx(log(0.5 / 0.05) / (10 - 5))


def test_the_shape_moves_requests_and_loses_none() -> None:
    shape = tuple(float(hour) for hour in range(24))
    load = Load.of(Traffic(requests_per_day=1000, shape=shape))
    assert load.a_day == pytest.approx(1000)
    assert load.hours_busy == 23


def test_facts_are_kept_beside_the_model(tmp_path: Path) -> None:
    assert ModelFacts.read(tmp_path) == ASSUMED
    FACTS.write(tmp_path)
    assert ModelFacts.read(tmp_path) == FACTS


def test_a_run_teaches_what_it_measured_and_leaves_the_rest() -> None:
    latency = {"batch_rows_per_second": 500, "memory_mb": 100.0, "cold_start_seconds": 2.0}
    learnt = FACTS.learnt(latency, "a run")
    assert (learnt.rows_per_second, learnt.load_seconds, learnt.source) == (500, 2, "a run")
    assert learnt.memory_mb > 100
    assert learnt.cold_start_seconds > 2
    assert learnt.request_ms == FACTS.request_ms


def test_a_mistake_in_the_facts_names_file_and_fields(tmp_path: Path) -> None:
    (tmp_path / "measured.json").write_text('{"request": 3}')
    with pytest.raises(SpecError, match=r"(?s)measured\.json.*'request'.*Allowed: request_ms"):
        ModelFacts.read(tmp_path)
