"""A training program for tests: counts rounds, checkpoints each, and resumes where it stopped.

Hyperparameters: rounds, seconds (per round), mode (`ok`, `fail`, `ignore-term`), until (a file: the program
does not end before it is there).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

base = Path(os.environ["SAGEMAKER_BASE_DIR"])
settings = json.loads((base / "input" / "config" / "hyperparameters.json").read_text())
if settings.get("mode") == "fail":
    print("about to fail")
    (base / "output" / "failure").write_text("the data is no good")
    sys.exit(3)
if settings.get("mode") == "ignore-term":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
checkpoint = base / "checkpoints" / "round.json"
done = json.loads(checkpoint.read_text())["round"] if checkpoint.exists() else 0
print(f"starting at {done}")
(base / "output" / "data" / "training.json").write_text(json.dumps({"resumed_at": done}))


def write(path: Path, text: str) -> None:
    partial = path.with_suffix(".tmp")
    partial.write_text(text)
    partial.rename(path)


def say_last_words(*_: object) -> None:
    time.sleep(0.2)
    write(base / "checkpoints" / "last-words.json", "stopped by SIGTERM")
    sys.exit(0)


def log_constant(loss: str) -> None:
    for _ in range(99_999 if float(loss) > 1 else 3):
        print(f"loss={loss};")
        time.sleep(0.01)
    sys.exit(0)


if settings.get("mode") == "constant":
    log_constant(settings["loss"])
if settings.get("mode") == "last-words":
    signal.signal(signal.SIGTERM, say_last_words)
for number in range(done + 1, int(settings.get("rounds", "3")) + 1):
    time.sleep(float(settings.get("seconds", "0.01")))
    if checkpoint.parent.exists():
        write(checkpoint, json.dumps({"round": number}))
    write(base / "model" / "name", f"model-{number}")
    print(f"[{number}] loss={1 / number:.4f};")
if "until" in settings:
    while not Path(settings["until"]).exists():
        time.sleep(0.02)
    print("released")
