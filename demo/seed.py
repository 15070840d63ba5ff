"""Puts the raw data where a team's export would have left it: s3://<bucket>/<model>/raw/."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from demo.home import BUCKET, REPOSITORY, DemoError, Home


def write_raw(home: Home) -> list[Path]:
    """The raw CSV files, written once for each version of the script that makes them."""
    note = home.raw / "broken.json"
    script = hashlib.sha256(Path(__file__).with_name("king_county.py").read_bytes()).hexdigest()
    if not note.exists() or json.loads(note.read_text())["script"] != script:
        command = [str(home.python("data")), "-m", "demo.king_county", str(home.raw)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        if done.returncode:
            raise DemoError(f"the raw data could not be written:\n{done.stderr}")
    return sorted(home.raw.glob("*.csv"))


def upload(s3: Any, model: str, files: list[Path]) -> int:
    """Upload what is not there with the same content, so that ETags stay as they are; how many were uploaded."""
    prefix = f"{model}/raw/"
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    there = {item["Key"]: item["ETag"].strip('"') for item in listed}
    wanted = {f"{prefix}{file.name}": file.read_bytes() for file in files}
    changed = {
        key: body
        for key, body in wanted.items()
        if there.get(key) != hashlib.md5(body, usedforsecurity=False).hexdigest()
    }
    for key, body in changed.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="text/csv")
    return len(changed)
