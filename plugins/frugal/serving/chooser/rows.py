"""What the rows of several strategies share: a fleet by the hour, its settings, its price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from frugal.serving.chooser.load import Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import (
    DAYS_A_MONTH,
    HEADROOM,
    Instance,
    Overloaded,
    Question,
)
from frugal.spec.deploy import FROM_ZERO, Autoscale
from frugal.spec.refused import SHADOWED


def on(strategy: str, instance: Instance) -> Option:
    """The row of a strategy on an instance type, not priced yet."""
    return Option(strategy, instance.type, {"instance": instance.type})


def by_the_hour(
    option: Option, question: Question, load: Load, instance: Instance, *, asleep: int
) -> Option:
    """The option with as many instances as each hour needs, within what model.yaml allows.

    An hour without requests needs none when it can be `asleep`.
    """
    try:
        needed = question.fleet(load, instance)
    except Overloaded as error:
        return replace(option, ruled_out=str(error))
    deploy = question.spec.deploy
    least, most = deploy.instances or 0, deploy.instances
    if deploy.autoscale:
        least, most = deploy.autoscale.min or 0, deploy.autoscale.max
    if most and max(needed) > most:
        reason = f"the peak needs {max(needed)} of {instance.type}, model.yaml allows {most}"
        return replace(option, ruled_out=reason)
    p95 = question.p95_ms(load.peak, instance, max(needed))
    if asleep:
        needed = [n if rate else 0 for rate, n in zip(load.hourly, needed, strict=True)]
    fleet = [max(least, each) for each in needed]
    option = replace(scaled(option, question, fleet), p95_ms=p95)
    return on_time(priced(option, question, load, instance, sum(fleet)), question)


def scaled(option: Option, question: Question, fleet: Sequence[int]) -> Option:
    """The option with the capacity of the day's hours in its settings, where model.yaml does not say its own."""
    deploy, least, most = question.spec.deploy, min(fleet), max(fleet)
    enough = Autoscale().max if option.strategy in FROM_ZERO else 1
    if deploy.autoscale or deploy.instances or most <= enough:
        return option
    if least == most and option.strategy not in FROM_ZERO:
        return replace(option, settings={**option.settings, "instances": least})
    bounds = {"min": least, "max": most}
    return replace(option, settings={**option.settings, "autoscale": bounds})


def priced(
    option: Option, question: Question, load: Load, instance: Instance, hours: float
) -> Option:
    """The option at `hours` of the instance a day, and its data."""
    price, data = question.prices.hour(instance.type, question.region), question.data_cost(load)
    how = f"{hours:g} instance hours a day"
    if question.spec.deploy.trial and option.strategy in SHADOWED:
        hours, how = 2 * hours, f"twice {how}: the trial has instances of its own"
    monthly = None if price is None or data is None else hours * DAYS_A_MONTH * price + data
    return replace(option, monthly=monthly, how=how)


def used(
    option: Option, question: Question, load: Load, usage: Mapping[str, float], how: str
) -> Option:
    """The option at the prices of so much usage a month, and its data; unknown when one of them is."""
    prices = {name: question.prices.usage(name, question.region) for name in usage}
    costs = [None if price is None else price * usage[name] for name, price in prices.items()] + [
        question.data_cost(load)
    ]
    known = [cost for cost in costs if cost is not None]
    monthly = sum(known) if len(known) == len(costs) else None
    missing = [name for name, price in prices.items() if price is None]
    if missing:
        how = f"{how}; no price of {' and '.join(missing)}"
    return replace(option, monthly=monthly, how=how)


def on_time(option: Option, question: Question) -> Option:
    target = question.traffic.latency_ms
    if target is None or option.p95_ms is None or option.p95_ms <= target:
        return option
    return replace(
        option, ruled_out=f"p95 would be {option.p95_ms:,.0f} ms, the target is {target:g} ms"
    )


def memory_reason(question: Question, instance: Instance) -> str | None:
    if question.fits(instance):
        return None
    wanted = question.facts.memory_mb * HEADROOM
    return f"the server needs {wanted:,.0f} MB, {instance.type} has {instance.memory_gb * 1024:,.0f} MB"
