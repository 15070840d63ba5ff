"""Each form of serving: what it costs for a load, and the rule or arithmetic that rules it out.

What AWS refuses altogether is ruled out by model.yaml's own rules; what AWS does not publish is a named constant
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil, sqrt

from frugal.serving.chooser.load import SECONDS_AN_HOUR, Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import (
    DAYS_A_MONTH,
    HEADROOM,
    Instance,
    Overloaded,
    Question,
)
from frugal.spec.deploy_rules import SERVERLESS_CONCURRENCY, SERVERLESS_MEMORY_MB

KEEP_WARM_SECONDS = 300.0  # not published: how long AWS keeps an idle serverless worker; assumed
WAKE_SECONDS = 300.0  # not published: from zero instances to the first answer; assumed
JOB_START_SECONDS = 240.0  # not published: a transform job's start, which does not bill; assumed
TAIL = 0.05  # the share of requests beyond a p95

Strategy = Callable[[Question, Load], Iterator[Option]]


def realtime(question: Question, load: Load) -> Iterator[Option]:
    """One endpoint, scaled by the hour, at least one instance at night."""
    for instance in question.instances:
        option = Option("realtime", instance.type)
        reason = _memory(question, instance)
        yield (
            replace(option, ruled_out=reason)
            if reason
            else _by_the_hour(option, question, load, instance, asleep=0)
        )


def serverless(question: Question, load: Load) -> Iterator[Option]:
    """Billed by the time that requests take, on the smallest memory that holds the model."""
    facts, traffic = question.facts, question.traffic
    wanted = facts.memory_mb * HEADROOM
    memory = next((size for size in SERVERLESS_MEMORY_MB if size >= wanted), None)
    option = Option("serverless", f"{memory or SERVERLESS_MEMORY_MB[-1]} MB")
    seconds = facts.request_ms / 1000
    together = load.peak * seconds
    workers = ceil(together + 2 * sqrt(together)) if together else 1
    cold = load.share_after_silence(KEEP_WARM_SECONDS)
    p95 = facts.request_ms * facts.spread
    p95 += facts.cold_start_seconds * 1000 if cold > TAIL else 0
    reason = None
    if memory is None:
        reason = f"the server needs {wanted:,.0f} MB, AWS allows {SERVERLESS_MEMORY_MB[-1]:,} MB"
    elif workers > SERVERLESS_CONCURRENCY:
        reason = (
            f"{load.peak:,.0f} requests a second of {facts.request_ms:g} ms need {workers:,} at a time, "
            f"AWS allows {SERVERLESS_CONCURRENCY}"
        )
    elif traffic.latency_ms is not None and p95 > traffic.latency_ms:
        reason = (
            f"{cold:.0%} of the requests would find it cold and take {p95 / 1000:.1f} s, "
            f"the target is {traffic.latency_ms:g} ms"
            if cold > TAIL
            else f"a request takes {p95:g} ms, the target is {traffic.latency_ms:g} ms"
        )
    if reason:
        yield replace(option, p95_ms=p95, ruled_out=reason)
        return
    price = question.prices.usage("serverless_gb_second", question.region)
    data = question.data_cost(load)
    gb_seconds = load.a_day * DAYS_A_MONTH * seconds * (memory or 0) / 1024
    yield replace(
        option,
        p95_ms=p95,
        monthly=None if price is None or data is None else gb_seconds * price + data,
        how=f"{gb_seconds:,.0f} GB seconds, {cold:.0%} of the requests cold",
    )


def multi_model(question: Question, load: Load) -> Iterator[Option]:
    """This model's share of one endpoint that it shares with its siblings."""
    models = question.traffic.siblings + 1
    for instance in question.instances:
        option = Option("multi-model", instance.type)
        if models == 1:
            reason: str | None = "there is one model only: traffic.siblings is 0"
        else:
            reason = _memory(question, instance)
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        held = int(instance.memory_gb * 1024 // (question.facts.memory_mb * HEADROOM))
        together = Load(tuple(rate * models for rate in load.hourly), load.burst)
        shared = _by_the_hour(option, question, together, instance, asleep=0)
        if shared.p95_ms is not None and held < models and 1 - held / models > TAIL:
            p95 = shared.p95_ms + question.facts.load_seconds * 1000
            shared = _on_time(
                replace(
                    shared, p95_ms=p95, how=f"{shared.how}; {held} of {models} models fit at a time"
                ),
                question,
            )
        monthly = None if shared.monthly is None else shared.monthly / models
        yield replace(shared, monthly=monthly, how=f"1/{models} of {shared.how}")


def scale_to_zero(question: Question, load: Load) -> Iterator[Option]:
    """An inference component whose copies and instances go to zero in the hours without requests."""
    for instance in question.instances:
        option = Option("scale-to-zero", instance.type)
        if load.hours_busy == len(load.hourly):
            reason: str | None = "no hour of the day is without requests: it would never sleep"
        elif not question.traffic.errors_when_cold:
            reason = "requests fail, they are not queued, while it wakes: traffic.errors_when_cold is false"
        else:
            reason = _memory(question, instance)
        yield (
            replace(option, ruled_out=reason)
            if reason
            else _by_the_hour(option, question, load, instance, asleep=1)
        )


def asynchronous(question: Question, load: Load) -> Iterator[Option]:
    """Requests queue, instances sleep in the hours without any."""
    target = question.traffic.latency_ms
    for instance in question.instances:
        option = Option("async", instance.type, p95_ms=WAKE_SECONDS * 1000)
        reason = _memory(question, instance)
        if target is not None and target < WAKE_SECONDS * 1000:
            reason = f"it may have to wake from zero, about {WAKE_SECONDS:g} s, the target is {target:g} ms"
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        capacity = question.capacity(instance)
        hours = sum(max(1, ceil(rate / capacity)) for rate in load.hourly if rate > 0)
        yield _priced(option, question, load, instance, hours)


def batch(question: Question, load: Load) -> Iterator[Option]:
    """A transform job a day over the rows of that day."""
    target = question.traffic.latency_ms
    for instance in question.instances:
        option = Option("batch", instance.type)
        rows = load.a_day * question.traffic.rows_per_request
        seconds = rows / question.facts.rows_per_second
        reason = _memory(question, instance)
        if not instance.transform:
            reason = f"a transform job cannot have {instance.type}"
        elif target is not None:
            reason = f"answers come once a day, the target is {target:g} ms"
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        yield replace(
            _priced(option, question, Load((0.0,), 1.0), instance, seconds / SECONDS_AN_HOUR),
            how=f"{rows:,.0f} rows a day in {seconds:,.0f} s, started in about {JOB_START_SECONDS:g} s",
        )


def inferentia(question: Question, load: Load) -> Iterator[Option]:
    """Inf1 and Inf2 are for neural networks."""
    yield Option(
        "inferentia",
        "ml.inf2.xlarge",
        ruled_out=f"Neuron compiles neural networks, {question.spec.train.framework} models are trees",
    )


STRATEGIES: tuple[Strategy, ...] = (
    realtime,
    serverless,
    multi_model,
    scale_to_zero,
    asynchronous,
    batch,
    inferentia,
)


def _by_the_hour(
    option: Option, question: Question, load: Load, instance: Instance, *, asleep: int
) -> Option:
    """The option with as many instances as each hour needs; none in an hour of sleep when `asleep`."""
    try:
        fleet = list(question.fleet(load, instance))
    except Overloaded as error:
        return replace(option, ruled_out=str(error))
    hours = sum(
        0 if asleep and rate == 0 else count for rate, count in zip(load.hourly, fleet, strict=True)
    )
    p95 = question.p95_ms(load.peak, instance, max(fleet))
    return _on_time(replace(_priced(option, question, load, instance, hours), p95_ms=p95), question)


def _priced(
    option: Option, question: Question, load: Load, instance: Instance, hours: float
) -> Option:
    """The option at `hours` of the instance a day, and its data."""
    price, data = question.prices.hour(instance.type, question.region), question.data_cost(load)
    monthly = None if price is None or data is None else hours * DAYS_A_MONTH * price + data
    return replace(option, monthly=monthly, how=f"{hours:g} instance hours a day")


def _on_time(option: Option, question: Question) -> Option:
    target = question.traffic.latency_ms
    if target is None or option.p95_ms is None or option.p95_ms <= target:
        return option
    return replace(
        option, ruled_out=f"p95 would be {option.p95_ms:,.0f} ms, the target is {target:g} ms"
    )


def _memory(question: Question, instance: Instance) -> str | None:
    if question.fits(instance):
        return None
    wanted = question.facts.memory_mb * HEADROOM
    return f"the server needs {wanted:,.0f} MB, {instance.type} has {instance.memory_gb * 1024:,.0f} MB"
