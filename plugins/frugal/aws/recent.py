"""What an evaluation may read of recent traffic: captured requests, and the ground truth that has arrived for them.

    <model>/runs/<run>/recent/manifest.json   the objects that the job reads, newest last
    <model>/runs/<run>/recent/recent.json     which they are, the first of them

`container.recent` reads them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from frugal.aws import clients, windows
from frugal.aws.run import Run
from frugal.spec import ModelSpec

#: Of captured requests, the newest: what does not fit the job's volume would fail it.
MOST_BYTES = 4 << 30
FOUND, MANIFEST = "recent.json", "manifest.json"


def manifest(run: Run) -> str:
    """URI of the manifest, which a ProcessingInput of type ManifestFile reads; there is one, whatever was found."""
    return run.own("recent", MANIFEST)


def list_recent(spec: ModelSpec, run: Run, endpoint: str, now: datetime) -> dict[str, Any]:
    """Write both documents; returns recent.json. Doing it again lists anew."""
    window = windows.Window.since(now - spec.evaluate.recent.window, now)
    truth_root = windows.truth_root(spec)
    found: dict[str, Any] = {
        "since": f"{window.start:%Y-%m-%d %H:%M}Z",
        "captured": f"{spec.name}/capture/{endpoint}/",
        "truth": truth_root,
        "problem": None,
        "left_out": 0,
    }
    truth = windows.hourly(f"s3://{run.bucket}/{truth_root}", window)
    captured: dict[str, int] = {}
    if spec.monitor.pii:
        found["problem"] = f"monitor.pii hides {', '.join(spec.monitor.pii)} in captured requests"
    elif not truth:
        found["problem"] = f"no ground truth since {found['since']}"
    else:
        captured = windows.hourly(f"s3://{run.bucket}/{found['captured']}", window)
        found["problem"] = None if captured else f"nothing was captured since {found['since']}"
    kept = _newest(captured)
    found["left_out"] = len(captured) - len(kept)
    clients.write_json(run.own("recent", FOUND), found)
    _, own = clients.split_uri(run.own("recent", FOUND))
    keys = [own] if found["problem"] else [own, *sorted(truth), *kept]
    clients.write_json(manifest(run), [{"prefix": f"s3://{run.bucket}/"}, *keys])
    return found


def _newest(sizes: dict[str, int]) -> list[str]:
    """Keys in the order of their hours, as many of the newest as `MOST_BYTES` hold."""
    kept: list[str] = []
    room = MOST_BYTES
    for key in sorted(sizes, key=lambda key: key.split("/")[-5:], reverse=True):
        room -= sizes[key]
        if room < 0:
            break
        kept.append(key)
    return kept[::-1]
