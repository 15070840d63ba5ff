"""Open-loop load: arrivals, what a slow server looks like, and the search for its limit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from frugal.aws import clients
from frugal.serving.load_test import Measure, Sample, drive, measure
from frugal.serving.load_test.arrivals import day, ramp, recorded, steady
from frugal.serving.load_test.measure import percentile
from frugal.serving.load_test.report import Host
from frugal.serving.load_test.search import most_within
from frugal.spec.traffic import Traffic


def answered(latency: float, count: int = 100, *, late: float = 0.0) -> list[Sample]:
    return [Sample(index * 0.01, late, index * 0.01 + latency, None) for index in range(count)]


def test_arrivals_are_random_seeded_and_of_the_rate() -> None:
    times = steady(100, 60, seed=1)
    assert times == steady(100, 60, seed=1) != steady(100, 60, seed=2)
    assert times == sorted(times)
    assert times[-1] < 60
    assert len(times) == pytest.approx(6000, rel=0.1)


def test_a_ramp_has_each_rate_for_its_time_and_silence_where_it_is_zero() -> None:
    times = ramp([10, 0, 100], 10, seed=3)
    assert len([time for time in times if time < 10]) == pytest.approx(100, rel=0.4)
    assert not [time for time in times if 10 <= time < 20]
    assert len([time for time in times if time >= 20]) == pytest.approx(1000, rel=0.2)


def test_a_day_keeps_its_shape() -> None:
    shape = (0.0,) * 12 + (1.0,) * 12
    times = day(Traffic(requests_per_day=12 * 3600 * 50, shape=shape), 24.0)
    assert times[0] >= 12
    assert len(times) == pytest.approx(600, rel=0.2)


def test_a_recording_is_replayed_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "times.txt"
    path.write_text("100\n101\n103\n")
    assert recorded(path, speed=2) == [0, 0.5, 1.5]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1\nx\n", r":2: not a time .*'x'"),
        ("1\ninf\n", r":2: not a time .*'inf'"),
        ("2\n1\n", r":2: 1 is earlier"),
    ],
)
def test_a_broken_recording_names_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "times.txt"
    path.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        recorded(path)


def test_the_load_does_not_wait_for_a_server_that_does() -> None:
    """Ten requests at once at a server that serves them one by one: the last one waited for nine."""

    async def scene() -> list[Sample]:
        lock = asyncio.Lock()

        async def send(index: int) -> None:
            async with lock:
                await asyncio.sleep(0.02)

        return await drive(send, [0.0] * 10)

    latencies = [sample.latency for sample in asyncio.run(scene())]
    assert latencies == sorted(latencies)
    assert latencies[-1] - latencies[0] >= 0.17


def test_errors_are_counted_by_their_code() -> None:
    async def send(index: int) -> str | None:
        return "ThrottlingException" if index % 2 else None

    found = measure(asyncio.run(drive(send, [0.0] * 10)), 1.0)
    assert found.errors == {"ThrottlingException": 5}
    assert found.error_share == 0.5
    assert not found.is_within(None)


def test_percentiles_are_nearest_ranks() -> None:
    assert [percentile(range(1, 101), percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7.0], 95) == 7.0
    assert percentile([], 95) is None


def test_a_client_that_is_too_slow_says_so() -> None:
    assert measure(answered(0.1, late=0.06), 1.0).client_too_slow
    assert not measure(answered(0.1), 1.0).client_too_slow


def test_nothing_sent_is_no_measure() -> None:
    with pytest.raises(ValueError, match="no request was sent"):
        measure([], 1.0)


def test_the_search_ends_just_below_the_limit() -> None:
    async def attempt(rate: float) -> Measure:
        return measure(answered(0.01 if rate <= 100 else 5.0), 1.0)

    found = asyncio.run(most_within(attempt, 1000))
    assert 90 <= found.rate <= 100
    assert found.best is not None
    assert not found.limited_by_client


def test_the_search_stops_where_the_client_does() -> None:
    async def attempt(rate: float) -> Measure:
        return measure(answered(0.01, late=0.2 if rate > 50 else 0.0), 1.0)

    found = asyncio.run(most_within(attempt, 1000))
    assert (found.rate, found.limited_by_client) == (40, True)


def test_an_endpoint_that_never_is_within_the_target_has_no_rate() -> None:
    async def attempt(rate: float) -> Measure:
        return measure(answered(5.0), 1.0)

    found = asyncio.run(most_within(attempt, 1000))
    assert (found.rate, found.best) == (0.0, None)


def host(monkeypatch: pytest.MonkeyPatch, configured: object, running: object) -> Host:
    class SageMaker:
        def describe_endpoint(self, **_: object) -> object:
            return {"EndpointConfigName": "c", "ProductionVariants": [running]}

        def describe_endpoint_config(self, **_: object) -> object:
            return {"ProductionVariants": [configured]}

    monkeypatch.setattr(clients, "client", lambda *_: SageMaker())
    return Host.of("e")


def test_the_host_of_a_fallback_is_the_type_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    types = ("ml.c5.xlarge", "ml.m5.xlarge")
    pools = [{"InstanceType": each, "Priority": rank} for rank, each in enumerate(types, 1)]
    counts = [{"InstanceType": types[0], "CurrentInstanceCount": 0}]
    counts += [{"InstanceType": types[1], "CurrentInstanceCount": 2}]
    running = {"CurrentInstanceCount": 2, "InstancePools": counts}
    assert host(monkeypatch, {"InstancePools": pools}, running) == Host("e", types[1], 2)
    counts[0]["CurrentInstanceCount"] = 1
    with pytest.raises(LookupError, match=r"e runs on ml\.c5\.xlarge and ml\.m5\.xlarge"):
        host(monkeypatch, {"InstancePools": pools}, running)


def test_a_serverless_endpoint_has_no_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    assert host(monkeypatch, {"ServerlessConfig": {}}, {}) == Host("e", None, 1)
