"""Puts the raw data where a team's export would have left it: s3://<bucket>/<model>/raw/."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from functools import partial
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


@dataclass(frozen=True)
class Seeded:
    """Names below s3://<bucket>/<model>/raw/: given now, of them uploaded, and removed or kept beside them."""

    given: list[str]
    uploaded: list[str]
    removed: list[str]
    kept: list[str]


def upload(s3: Any, model: str, files: list[Path], *, mirror: bool) -> Seeded:
    """Upload what is not there with the same content, so that ETags stay as they are.

    With `mirror`, objects under the prefix that are not among `files` are removed.
    """
    prefix = f"{model}/raw/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    there = {
        item["Key"].removeprefix(prefix): item["ETag"].strip('"')
        for page in pages
        for item in page.get("Contents", [])
    }
    wanted = {file.name: file for file in files}
    changed = [name for name, file in wanted.items() if there.get(name) != md5(file)]
    for name in changed:
        with wanted[name].open("rb") as body:
            s3.put_object(Bucket=BUCKET, Key=prefix + name, Body=body, ContentType="text/csv")
    others = sorted(there.keys() - wanted.keys())
    for name in others if mirror else ():
        s3.delete_object(Bucket=BUCKET, Key=prefix + name)
    return Seeded(list(wanted), changed, others if mirror else [], [] if mirror else others)


def md5(file: Path) -> str:
    """The ETag of an object with this file's content, when it was uploaded in one part."""
    with file.open("rb") as body:
        return hashlib.file_digest(body, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
