"""Other people's packages that the toolkit is held against, installed when first needed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOME = Path(os.environ.get("FRUGAL_HOME", ROOT / ".frugal")).resolve()


def installed(python: Path, lock: Path, *options: str) -> Path:
    """A folder with what ``lock`` names, for PYTHONPATH; skips the test where pip cannot do it."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    target = HOME / "contract" / f"{lock.stem}-{digest}"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not target.exists():
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            pip = ("-m", "pip", "install", "--quiet", "--require-hashes", "--no-compile", *options)
            done = subprocess.run(
                [python, *pip, "--target", partial, "-r", lock], capture_output=True, text=True
            )
            if done.returncode:
                reason = done.stderr.strip().splitlines()[-1]
                pytest.skip(f"{lock.stem} cannot be installed here: {reason}")
            partial.rename(target)
    return target
