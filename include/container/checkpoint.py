"""Checkpoints that survive a lost machine, whatever the training framework.

SageMaker copies ``/opt/ml/checkpoints`` to S3 while a job runs and brings it back when managed spot
capacity was reclaimed. A training saves through `Checkpoints` and asks it, at its next start, for
the latest. What is in a checkpoint is the framework's business: ``payload`` is opaque::

    found = checkpoints.latest()
    if found:
        restore(found.payload, found.state)
    with sigterm() as interrupted:
        for step in range(found.step if found else 0, steps):
            train_one(step)
            if checkpoints.due or interrupted.is_set():
                checkpoints.save(Checkpoint(step + 1, weights_and_optimiser(), random_state()))
            if interrupted.is_set():
                sys.exit(128 + signal.SIGTERM)

Two files take turns (``0.checkpoint``, ``1.checkpoint``), so storage stays bounded whether or not
deletions reach S3, and the newer one may be torn without losing the older. A file is::

    magic (8 bytes) | SHA-256 of the rest (32) | length of the header (4, big-endian)
    | header (JSON: identity, step, state, written) | payload

The reclaim sends SIGTERM and allows 120 seconds (API reference, ``StoppingCondition``), but
the training toolkit does not promise that the signal reaches the script: `Checkpoints` writes on
an interval and treats SIGTERM as an extra.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

MAGIC = b"FRUGALC1"
SLOTS = ("0.checkpoint", "1.checkpoint")
_PREFIX = struct.Struct(">8s32sI")


class ForeignCheckpointError(RuntimeError):
    """The checkpoint directory holds another training's checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """``step`` steps are done; ``payload`` is the model (and optimiser), ``state`` the rest.

    ``state`` holds JSON values: random state or seed policy, best score, whatever is needed to go on.
    """

    step: int
    payload: bytes
    state: Mapping[str, Any] = field(default_factory=dict)


class Checkpoints:
    """The checkpoints of one logical training, over any number of interruptions.

    Args:
        directory: where SageMaker keeps them, ``/opt/ml/checkpoints``; created if missing.
        identity: JSON values that tell this training from others: framework and version, dataset
            fingerprint, hyperparameters. A checkpoint with another identity is refused.
        interval: seconds between two writes; only decides which of the moments the training
            offers are written, never what is computed.
    """

    def __init__(self, directory: Path, identity: Mapping[str, Any], interval: float) -> None:
        self.directory = directory
        self.identity: dict[str, Any] = json.loads(json.dumps(identity, sort_keys=True))
        self.interval = interval
        self.written = 0
        self.seconds_writing = 0.0
        self._last_write = time.monotonic()
        self._slot = 0
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def due(self) -> bool:
        """Whether ``interval`` seconds have passed since the last write (or the start)."""
        return time.monotonic() - self._last_write >= self.interval

    def latest(self) -> Checkpoint | None:
        """The newest intact checkpoint, or None. A torn file is reported on stdout and ignored.

        Raises:
            ForeignCheckpointError: an intact checkpoint belongs to another training.
        """
        newest: tuple[Checkpoint, int, int] | None = None
        for slot, name in enumerate(SLOTS):
            path = self.directory / name
            if not path.exists():
                continue
            content = _read(path)
            if content is None:
                print(f"checkpoint {path} is torn: ignored", flush=True)
                continue
            header, payload = content
            if header["identity"] != self.identity:
                raise ForeignCheckpointError(
                    f"{path} belongs to another training: "
                    f"{_differences(header['identity'], self.identity)}. "
                    "Give this training a checkpoint prefix of its own, or empty this one."
                )
            checkpoint = Checkpoint(header["step"], payload, header["state"])
            if newest is None or checkpoint.step >= newest[0].step:
                newest = checkpoint, slot, header["written"]
        if newest is None:
            return None
        checkpoint, slot, self.written = newest
        self._slot = 1 - slot
        return checkpoint

    def save(self, checkpoint: Checkpoint) -> None:
        """Write durably: to a temporary file, fsync, rename over the older of the two."""
        started = time.monotonic()
        header = {
            "identity": self.identity,
            "step": checkpoint.step,
            "state": dict(checkpoint.state),
            "written": self.written + 1,
        }
        encoded = json.dumps(header, sort_keys=True).encode()
        length = struct.pack(">I", len(encoded))
        digest = hashlib.sha256(length + encoded)
        digest.update(checkpoint.payload)
        temporary = self.directory / ".writing"
        with temporary.open("wb") as file:
            file.write(MAGIC + digest.digest() + length + encoded)
            file.write(checkpoint.payload)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.directory / SLOTS[self._slot])
        _sync_directory(self.directory)
        self._slot = 1 - self._slot
        self.written += 1
        self._last_write = time.monotonic()
        self.seconds_writing += self._last_write - started


class Attempts:
    """Which steps each attempt of one training ran: kept beside the checkpoints, written in place.

    One line per attempt, ``<step it started at> <step it reached>``, both ten characters wide.
    Recording a step costs one small write and no fsync.
    """

    _RECORD = "{:>10} {:>10}\n"
    _BYTES = 22

    def __init__(self, directory: Path, start: int) -> None:
        self._path = directory / "attempts"
        lines = self._path.read_bytes() if self._path.exists() else b""
        self._offset = len(lines) // self._BYTES * self._BYTES
        self._start = start
        self._file = self._path.open("r+b" if self._path.exists() else "w+b", buffering=0)
        self.reached(start)

    def reached(self, step: int) -> None:
        """Record that this attempt has done ``step`` steps of the training."""
        record = self._RECORD.format(self._start, step).encode()
        os.pwrite(self._file.fileno(), record, self._offset)

    def close(self) -> None:
        self._file.close()

    def summary(self) -> dict[str, Any]:
        """``resumed_at``: first step of every attempt after the first; ``repeated``: steps run twice.

        An attempt killed together with its machine may have run steps that no record of reached
        S3: then ``repeated`` is a lower bound.
        """
        rows = [tuple(map(int, line.split())) for line in self._path.read_text().splitlines()]
        lost = [before[1] - after[0] for before, after in pairwise(rows)]
        return {
            "resumed_at": [start for start, _ in rows[1:]],
            "repeated": sum(max(0, steps) for steps in lost),
        }


@contextmanager
def sigterm() -> Iterator[threading.Event]:
    """Within the block SIGTERM sets the event that this yields, instead of ending the process."""
    received = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: received.set())
    try:
        yield received
    finally:
        signal.signal(signal.SIGTERM, previous)


def _read(path: Path) -> tuple[dict[str, Any], bytes] | None:
    """Header and payload of a checkpoint file, or None if it is not whole."""
    content = path.read_bytes()
    if len(content) < _PREFIX.size:
        return None
    magic, digest, length = _PREFIX.unpack_from(content)
    body = memoryview(content)[len(MAGIC) + 32 :]
    if magic != MAGIC or hashlib.sha256(body).digest() != digest:
        return None
    header: dict[str, Any] = json.loads(bytes(body[4 : 4 + length]))
    return header, bytes(body[4 + length :])


def _differences(theirs: Any, ours: Any, path: str = "") -> str:
    """Every place where two JSON values differ, as ``a.b is 1 there, 2 here``."""
    if not (isinstance(theirs, dict) and isinstance(ours, dict)):
        return "" if theirs == ours else f"{path} is {theirs!r} there, {ours!r} here"
    found = (
        _differences(theirs.get(key), ours.get(key), f"{path}.{key}" if path else key)
        for key in sorted(theirs.keys() | ours.keys())
    )
    return "; ".join(text for text in found if text)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
