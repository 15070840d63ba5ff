"""Each form of serving: what it costs for a load, and the rule or arithmetic that rules it out.

What AWS refuses altogether is ruled out by model.yaml's own rules; what AWS does not publish is a named constant
here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import ceil

from frugal.cost.sizes import UTILIZATION
from frugal.serving.chooser.load import SECONDS_AN_HOUR, Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import HEADROOM, MAX_INSTANCES, Instance, Overloaded, Question
from frugal.serving.chooser.rows import by_the_hour, memory_reason, on, on_time, priced, scaled
from frugal.serving.chooser.serverless import TAIL, serverless
from frugal.spec.deploy import INFERENTIA_INSTANCE

WAKE_SECONDS = 300.0  # not published: from zero instances to the first answer; assumed
JOB_START_SECONDS = 240.0  # not published: a transform job's start, which does not bill; assumed

Strategy = Callable[[Question, Load], Iterator[Option]]


def realtime(question: Question, load: Load) -> Iterator[Option]:
    """One endpoint, scaled by the hour, at least one instance at night."""
    for instance in question.instances:
        option = on("realtime", instance)
        reason = memory_reason(question, instance)
        yield (
            replace(option, ruled_out=reason)
            if reason
            else by_the_hour(option, question, load, instance, asleep=0)
        )


def multi_model(question: Question, load: Load) -> Iterator[Option]:
    """This model's share of one endpoint that it shares with its siblings."""
    models = question.traffic.siblings + 1
    for instance in question.instances:
        option = on("multi-model", instance)
        if models == 1:
            reason: str | None = "there is one model only: traffic.siblings is 0"
        else:
            reason = memory_reason(question, instance)
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        held = int(instance.memory_gb * 1024 // (question.facts.memory_mb * HEADROOM))
        together = Load(tuple(rate * models for rate in load.hourly), load.burst)
        shared = by_the_hour(option, question, together, instance, asleep=0)
        if shared.p95_ms is not None and held < models and 1 - held / models > TAIL:
            p95 = shared.p95_ms + question.facts.load_seconds * 1000
            shared = on_time(
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
        option = on("scale-to-zero", instance)
        if load.hours_busy == len(load.hourly):
            reason: str | None = "no hour of the day is without requests: it would never sleep"
        elif not question.traffic.errors_when_cold:
            reason = "requests fail, they are not queued, while it wakes: traffic.errors_when_cold is false"
        else:
            reason = memory_reason(question, instance)
        yield (
            replace(option, ruled_out=reason)
            if reason
            else by_the_hour(option, question, load, instance, asleep=1)
        )


def asynchronous(question: Question, load: Load) -> Iterator[Option]:
    """Requests queue, instances sleep in the hours without any."""
    target = question.traffic.latency_ms
    for instance in question.instances:
        option = replace(on("async", instance), p95_ms=WAKE_SECONDS * 1000)
        reason = memory_reason(question, instance)
        if target is not None and target < WAKE_SECONDS * 1000:
            reason = f"it may have to wake from zero, about {WAKE_SECONDS:g} s, the target is {target:g} ms"
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        capacity = question.capacity(instance)
        fleet = [ceil(rate / capacity) for rate in load.hourly]
        if max(fleet) > MAX_INSTANCES:
            yield replace(option, ruled_out=str(Overloaded(instance, max(load.hourly))))
            continue
        yield priced(scaled(option, question, [0, *fleet]), question, load, instance, sum(fleet))


def batch(question: Question, load: Load) -> Iterator[Option]:
    """A transform job a day over the rows of that day."""
    target = question.traffic.latency_ms
    for instance in question.instances:
        option = on("batch", instance)
        rows = load.a_day * question.traffic.rows_per_request
        seconds = rows / question.facts.rows_per_second
        reason = memory_reason(question, instance)
        if not instance.transform:
            reason = f"a transform job cannot have {instance.type}"
        elif target is not None:
            reason = f"answers come once a day, the target is {target:g} ms"
        if reason:
            yield replace(option, ruled_out=reason)
            continue
        yield replace(
            priced(option, question, Load((0.0,), 1.0), instance, seconds / SECONDS_AN_HOUR),
            how=f"{rows:,.0f} rows a day in {seconds:,.0f} s, started in about {JOB_START_SECONDS:g} s",
        )


def inferentia(question: Question, load: Load) -> Iterator[Option]:
    """Nobody knows what a network does on a Neuron chip before it was measured there: its vCPUs say nothing."""
    deploy = question.spec.deploy
    host = str(deploy.host) if deploy.strategy == "inferentia" else INFERENTIA_INSTANCE
    option = Option("inferentia", host, {"instance": host})
    throughput = question.facts.throughput.get(option.size)
    if throughput is None:
        yield replace(option, how="not measured there: a load test of such an endpoint tells")
        return
    needed = (rate * load.burst / (UTILIZATION * throughput) for rate in load.hourly)
    fleet = [max(1, ceil(each)) for each in needed]
    chip = Instance(option.size, 0, 0)
    if max(fleet) > MAX_INSTANCES:
        yield replace(option, ruled_out=str(Overloaded(chip, load.peak)))
        return
    yield priced(scaled(option, question, fleet), question, load, chip, sum(fleet))


STRATEGIES: tuple[Strategy, ...] = (
    realtime,
    serverless,
    multi_model,
    scale_to_zero,
    asynchronous,
    batch,
    inferentia,
)
