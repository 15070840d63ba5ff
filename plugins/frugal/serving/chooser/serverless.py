"""The rows of serverless: cold while nobody asks, or kept warm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, sqrt

from frugal.serving.chooser.load import SECONDS_AN_HOUR, Load
from frugal.serving.chooser.option import Option
from frugal.serving.chooser.question import DAYS_A_MONTH, HEADROOM, Question
from frugal.serving.chooser.rows import used
from frugal.spec.deploy import MAX_CONCURRENCY
from frugal.spec.deploy_rules import SERVERLESS_CONCURRENCY, SERVERLESS_MEMORY_MB

KEEP_WARM_SECONDS = 300.0  # not published: how long AWS keeps an idle serverless worker; assumed
SECONDS_A_DAY = 24 * SECONDS_AN_HOUR
TAIL = 0.05  # the share of requests beyond a p95


def serverless(question: Question, load: Load) -> Iterator[Option]:
    """Billed by the time that requests take, on the smallest memory that holds the model; and the same with as many
    workers kept warm as the peak needs.
    """
    facts, traffic, deploy = question.facts, question.traffic, question.spec.deploy
    wanted = facts.memory_mb * HEADROOM
    given = deploy.memory_mb if deploy.strategy in ("serverless", "auto") else None
    sizes = (given,) if given else tuple(SERVERLESS_MEMORY_MB)
    size = next((size for size in sizes if size >= wanted), sizes[-1])
    seconds = facts.request_ms / 1000
    together = load.peak * seconds
    workers = ceil(together + 2 * sqrt(together)) if together else 1
    cold = load.share_after_silence(KEEP_WARM_SECONDS)
    most = deploy.max_concurrency or max(workers, MAX_CONCURRENCY)
    kept_warm = deploy.provisioned_concurrency or workers
    most = min(max(most, kept_warm), SERVERLESS_CONCURRENCY)
    settings = {"memory_mb": size, "max_concurrency": most}
    asleep = Option("serverless", f"{size} MB", settings)
    warm = Option(
        "serverless",
        f"{size} MB, {kept_warm:,} warm",
        {**settings, "provisioned_concurrency": min(kept_warm, SERVERLESS_CONCURRENCY)},
    )
    gb_seconds = load.a_day * DAYS_A_MONTH * seconds * size / 1024
    kept = kept_warm * DAYS_A_MONTH * SECONDS_A_DAY * size / 1024
    for option, start in ((asleep, facts.cold_start_seconds if cold > TAIL else 0.0), (warm, 0.0)):
        p95 = facts.request_ms * facts.spread + start * 1000
        reason = None
        if size < wanted:
            allows = "model.yaml gives" if given else "AWS allows"
            reason = f"the server needs {wanted:,.0f} MB, {allows} {size:,} MB"
        elif workers > SERVERLESS_CONCURRENCY:
            reason = (
                f"{load.peak:,.0f} requests a second of {facts.request_ms:g} ms need {workers:,} at a time, "
                f"AWS allows {SERVERLESS_CONCURRENCY}"
            )
        elif workers > most:
            reason = f"the peak needs {workers:,} at a time, deploy.max_concurrency is {most}"
        elif traffic.latency_ms is not None and p95 > traffic.latency_ms:
            reason = (
                f"{cold:.0%} of the requests would find it cold and take {p95 / 1000:.1f} s, "
                f"the target is {traffic.latency_ms:g} ms"
                if start
                else f"a request takes {p95:g} ms, the target is {traffic.latency_ms:g} ms"
            )
        row = replace(option, p95_ms=p95, ruled_out=reason)
        usage = {"serverless_gb_second": gb_seconds}
        how = f"{gb_seconds:,.0f} GB seconds, {cold:.0%} of the requests cold"
        if option.settings.keys() > settings.keys():
            usage = {
                "serverless_provisioned_gb_second": kept,
                "serverless_provisioned_use_gb_second": gb_seconds,
            }
            how = f"{kept:,.0f} GB seconds kept warm, {gb_seconds:,.0f} in use"
        yield row if reason else used(row, question, load, usage, how)
