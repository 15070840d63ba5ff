"""Looks up what the gate weighs, decides on every window that waits, and finds what there is to act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from frugal.aws import clients, names, registry
from frugal.aws.prepare import NoRawData, place, prepare
from frugal.aws.run import Run
from frugal.aws.settings import Settings
from frugal.cost.estimate import run_plan, worst_case
from frugal.cost.prices import price_table
from frugal.retraining import records
from frugal.retraining.gate import Facts, decide
from frugal.spec import ModelSpec

#: Windows that are older decide nothing any more, and their retrainings count for nothing.
REMEMBERED = timedelta(days=62)
REPORT = "report.json"


def weigh(
    spec: ModelSpec, dag_run_id: str, jobs: Iterable[str], in_flight: int, window_key: str
) -> dict[str, Any]:
    """Decide on the windows of drift `jobs`, and on those that drifted and that no message told of.

    `window_key` is the variable of a job's environment that names its window. Returns {"run", "open": the decision that
    is to be acted on or None, "decided": all of this time}. Doing it again decides nothing anew.
    """
    run = place(spec, dag_run_id)
    now = records.aws_now(run)
    known = records.read(run, now - REMEMBERED, now)
    told = {window for job in jobs if (window := window_of(job, window_key))}
    waiting = {*known.undecided, *(w for w in told if w in known.verdicts)} - set(known.decisions)
    new_data, decided = bool(waiting) and _new_data(spec, run), []
    for window in sorted(waiting, reverse=True):
        facts = _facts(spec, run, window, known, now, in_flight, new_data)
        document = records.record(run, decide(spec.monitor.retrain, facts))
        known.decisions[window], known.decided[window] = document, now
        decided.append(document)
    for window in known.open:
        if trained_by := _overtaken(spec, window, known.decided[window]):
            note = f"overtaken by the training {trained_by}"
            records.conclude(run, window, started=False, note=note)
            known.outcomes[window] = {"started": False}
    for window in known.open[1:]:
        note = f"{known.open[0]} is acted on instead"
        records.conclude(run, window, started=False, note=note)
    newest = known.decisions[known.open[0]] if known.open else None
    return {"run": run.as_json(), "open": newest, "decided": decided}


def window_of(job: str, window_key: str) -> str | None:
    """The window that a drift job was over; None when AWS knows no such job any more, or it is none of ours."""
    sagemaker = clients.client("sagemaker")
    try:
        found = sagemaker.describe_processing_job(ProcessingJobName=job)
    except sagemaker.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        return None
    window: str | None = found.get("Environment", {}).get(window_key)
    return window


def run_id(window: str) -> str:
    """Id of the DAG run that retrains because of a window."""
    return f"drift__{window}"


def has_drifted(decision: Mapping[str, Any]) -> bool:
    """Whether there was drift to decide on, whatever was decided."""
    return any(r["check"] == "evidence" and r["passed"] for r in decision["reasons"])


def _facts(
    spec: ModelSpec,
    run: Run,
    window: str,
    known: records.Records,
    now: datetime,
    in_flight: int,
    new_data: bool,
) -> Facts:
    found = known.verdicts[window]
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    this_month = [w for w, at in known.retrained.items() if at >= month]
    expected = _last_cost(run, known)
    if expected is None:
        expected = worst_case(run_plan(spec, run.region, price_table()))
    spent = [_cost(run, w, expected) for w in this_month]
    newest = registry.newest(spec.name)
    return Facts(
        window=window,
        verdict=found["verdict"],
        summary=summary(found),
        now=now,
        decided=list(known.decisions),
        in_flight=in_flight,
        last_training=newest.registered if newest else None,
        retrained=list(known.retrained.values()),
        refused=list(known.refused.values()),
        spent=None if None in spent else sum(cost for cost in spent if cost is not None),
        expected=expected,
        new_data=new_data,
        loss=loss(found),
    )


def summary(found: Mapping[str, Any]) -> str:
    """What a drift.json says in a sentence."""
    return str(found.get("reason") or found["verdict"])


def loss(found: Mapping[str, Any]) -> float | None:
    """By how much the metric of a drift.json is worse than the baseline's; None without ground truth."""
    for check in found.get("checks", []):
        if check["about"] == "quality" and check["effects"]:
            share, was = check["effects"]["quality"], abs(check["effects"]["baseline"])
            return float(share * was if was else share)
    return None


def _overtaken(spec: ModelSpec, window: str, decided: datetime) -> str | None:
    """Run of a training that ended since the decision, and is not the decision's own."""
    newest = registry.newest(spec.name)
    if newest is None or newest.registered <= decided:
        return None
    own = names.run_id(Settings.load().environment, run_id(window))
    return None if newest.run == own else newest.run


def _new_data(spec: ModelSpec, run: Run) -> bool:
    """Whether a training now would have another dataset than the last one, whatever became of its model."""
    try:
        fingerprint = prepare(spec, run.id).fingerprint
    except NoRawData:
        return False
    newest = registry.newest(spec.name)
    return newest is None or fingerprint != newest.fingerprint


def _last_cost(run: Run, known: records.Records) -> float | None:
    """What the last retraining cost, or else the champion's run; None when no report says so."""
    uris = [_report_of(run, window) for window in sorted(known.retrained, reverse=True)]
    if run.champion is not None:
        trained_by = registry.lineage(run.champion.arn)[registry.RUN]
        uris.append(run.s3("runs", trained_by, REPORT))
    reports = filter(None, map(clients.read_json, uris))
    return next((report["cost"] for report in reports if report["cost"] is not None), None)


def _report_of(run: Run, window: str) -> str:
    return run.s3("runs", names.run_id(Settings.load().environment, run_id(window)), REPORT)


def _cost(run: Run, window: str, expected: float | None) -> float | None:
    report = clients.read_json(_report_of(run, window))
    return expected if report is None else report["cost"]
