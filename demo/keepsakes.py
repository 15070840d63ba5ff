"""What a run left in S3 that a reader wants to open, copied to where it can be read without any AWS."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from demo.home import BUCKET

COPIED = ("quarantined rows", "evaluation", "drift baseline", "report")
AGAIN = 'to start the local AWS again: bin/frugal local start && eval "$(bin/frugal local env)"'


def keep(s3: Any, report: dict[str, Any], folder: Path, *, captures: bool) -> list[str]:
    """Copy what `report["next"]` names, and the report, into `folder`, which is emptied before.

    Returns a line for each thing that exists: the paths of the copies, or the URI of what is not
    copied, and how to reach that once the local AWS has stopped. Captured traffic is written some
    time after its requests, so it counts as there when the endpoint `captures`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = f"s3://{BUCKET}/{report['model']}/runs/{report['run']}/report.json"
    lines = []
    for entry in [*(report.get("next") or []), f"report: {own}"]:
        label, _, uri = entry.partition(": ")
        keys = existing(s3, uri)
        if label not in COPIED:
            lines += [f"{entry}/"] if keys or captures else []
            continue
        copies = [folder / Path(key).name for key in keys]
        for key, copy in zip(keys, copies, strict=True):
            copy.write_bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        lines += [f"{label}: {copy}" for copy in copies]
    everything = f"everything, while the local AWS runs: s3://{BUCKET}/{report['model']}/"
    return [*lines, everything, AGAIN]


def captures_traffic(sagemaker: Any, report: dict[str, Any]) -> bool:
    """Whether the endpoint that this run deployed records what it is asked."""
    if not (endpoint := report.get("endpoint")):
        return False
    described = sagemaker.describe_endpoint(EndpointName=endpoint["EndpointName"])
    return bool(described.get("DataCaptureConfig", {}).get("EnableCapture"))


def existing(s3: Any, uri: str) -> list[str]:
    """Keys of the object at `uri` or of those below it, at most a thousand."""
    key = uri.removeprefix(f"s3://{BUCKET}/")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=key).get("Contents", [])
    keys = [str(item["Key"]) for item in listed]
    return [found for found in keys if found == key or found.startswith(f"{key}/")]
