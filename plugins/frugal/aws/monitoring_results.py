"""What Model Monitor's executions found, as the windows that drift jobs of our own leave.

Every execution over the same time belongs to one window, whose drift.json is written once all of them ended. An
execution against another baseline than the champion's says nothing of the champion and is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frugal.aws import clients, windows
from frugal.aws.run import Run
from frugal.spec import ModelSpec

#: Executions of a schedule that are looked at, the newest ones.
NEWEST = 24
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
STAMP = "%Y-%m-%dT%H:%M:%SZ"
DRIFT_CHECK = "baseline_drift_check"


@dataclass(frozen=True)
class Finding:
    """One execution that ended: its MonitoringType and status, when what it looked at began and ended, its files."""

    type: str
    status: str
    arn: str
    reason: str
    start: datetime
    end: datetime
    output: str
    baseline: str

    @classmethod
    def of(cls, execution: Mapping[str, Any], job: Mapping[str, Any]) -> Finding | None:
        """Of an execution and its processing job; None when the job does not say what it looked at."""
        environment = job.get("Environment", {})
        if not {"start_time", "end_time"} <= environment.keys():
            return None
        constraints = [
            item["S3Input"]["S3Uri"]
            for item in job["ProcessingInputs"]
            if item["InputName"] == "constraints"
        ]
        return cls(
            type=execution["MonitoringType"],
            status=execution["MonitoringExecutionStatus"],
            arn=execution["ProcessingJobArn"],
            reason=execution.get("FailureReason", ""),
            start=_moment(environment["start_time"]),
            end=_moment(environment["end_time"]),
            output=job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].rstrip("/"),
            baseline=constraints[0] if constraints else "",
        )

    @property
    def window(self) -> str:
        """Name of the time that it looked at."""
        return windows.Window(self.start, self.end - self.start).name

    def read(self, name: str) -> dict[str, Any]:
        """One of its files; nothing when it left none."""
        return clients.read_json(f"{self.output}/{name}") or {}


def ended(execution: Mapping[str, Any]) -> bool:
    """Whether there is something to be read: no execution without data has a job."""
    return execution["MonitoringExecutionStatus"] in ENDED and "ProcessingJobArn" in execution


def findings(executions: list[dict[str, Any]], champion: str) -> Iterator[Finding]:
    """Those that ended, against a baseline below the URI `champion`."""
    for execution in filter(ended, executions):
        name = execution["ProcessingJobArn"].rpartition("/")[2]
        job = clients.client("sagemaker").describe_processing_job(ProcessingJobName=name)
        found = Finding.of(execution, job)
        if found is not None and found.baseline.startswith(f"{champion}/"):
            yield found


def document(spec: ModelSpec, window: str, found: list[Finding]) -> dict[str, Any]:
    """drift.json of a window, as `container.drift` writes it, without what Model Monitor does not tell."""
    checks: list[dict[str, Any]] = []
    rows, faults, broken = 0, 0, 0
    for finding in found:
        violations = finding.read("constraint_violations.json").get("violations", [])
        count = finding.read("statistics.json").get("dataset", {}).get("item_count", 0)
        rows = max(rows, int(count))
        violations = [v for v in violations if v.get("feature_name") not in spec.monitor.ignore]
        broken += len(violations)
        drifted = [v for v in violations if _decides(finding, v)]
        faults += len(violations) - len(drifted)
        checks += [_check(spec, finding, violation, count) for violation in drifted]
    failed = [finding for finding in found if finding.status in ("Failed", "Stopped")]
    besides = f" Faults in the data: {faults}, see constraint_violations.json." if faults else ""
    if failed:
        said = "; ".join(f"{f.type} {f.status}: {f.reason or 'no reason given'}" for f in failed)
        verdict, reason = "unknown", f"{said}.{besides}"
    elif rows < spec.monitor.min_samples:
        verdict = "unknown"
        reason = (
            f"{rows:,} rows in the window; an answer needs {spec.monitor.min_samples:,}.{besides}"
        )
    elif checks:
        verdict, reason = "drift", f"{'. '.join(c['reason'] for c in checks[:3])}.{besides}"
    else:
        verdict, reason = "ok", f"Model Monitor found no drift in {rows:,} rows.{besides}"
    return {
        "version": 1,
        "model": spec.name,
        "name": window,
        "verdict": verdict,
        "reason": reason,
        "backend": spec.monitor.backend,
        "window": {"rows": rows},
        "checks": checks,
        "violations": broken,
        "executions": [
            {"type": f.type, "status": f.status, "job": f.arn, "files": f.output} for f in found
        ],
    }


def record(spec: ModelSpec, run: Run, window: str, found: list[Finding]) -> dict[str, Any] | None:
    """Write drift.json of a window that has none; what was written."""
    if windows.verdict(run, window) is not None:
        return None
    written = document(spec, window, found)
    clients.write_json(windows.place(run, window, windows.VERDICT), written)
    return written


def _decides(finding: Finding, violation: Mapping[str, Any]) -> bool:
    """Broken rows alone are no drift: a model trained on them would learn the fault."""
    quality = finding.type == "ModelQuality"
    return quality or violation.get("constraint_check_type") == DRIFT_CHECK


def _check(
    spec: ModelSpec, finding: Finding, violation: Mapping[str, Any], count: int
) -> dict[str, Any]:
    quality = finding.type == "ModelQuality"
    name = violation.get("metric_name") or violation.get("feature_name", "")
    about = "quality" if quality else "feature"
    if name == spec.data.target:
        about = "prediction"
    return {
        "name": name,
        "about": about,
        "verdict": "drift",
        "samples": int(count),
        "reason": f"{name}: {violation['description']}".rstrip("."),
        "effects": _loss(finding, name) if quality else {},
        "limits": {},
        "decides": True,
    }


def _loss(finding: Finding, metric: str) -> dict[str, float]:
    """By which share of the baseline's value the metric is worse; nothing when either is not known."""
    suggested = finding.baseline.replace("/bound/", "/")
    before = _of_families(clients.read_json(suggested) or {}, metric).get("threshold")
    now = _of_families(finding.read("statistics.json"), metric).get("value")
    if before is None or now is None:
        return {}
    worse = abs(now - before)
    share = worse / abs(before) if before else worse
    return {"quality": share, "baseline": float(before), "value": float(now)}


def _of_families(document: Mapping[str, Any], metric: str) -> dict[str, Any]:
    for value in document.values():
        if isinstance(value, dict) and isinstance(value.get(metric), dict):
            found: dict[str, Any] = value[metric]
            return found
    return {}


def _moment(text: str) -> datetime:
    return datetime.strptime(text.replace(" ", ""), STAMP).replace(tzinfo=UTC)
