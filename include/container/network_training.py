"""The steps of one attempt to train a network, and what a checkpoint of them holds."""

from __future__ import annotations

import copy
import hashlib
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from container import metrics
from container.checkpoint import Attempts, Checkpoint, Checkpoints
from container.scaled_network import ScaledNetwork, predict


@dataclass(frozen=True)
class Progress:
    """What goes on from one step to the next beside weights, moments and random numbers."""

    threads: int
    step: int = 0
    best_epoch: int = 0
    best_score: float | None = None


class Attempt:
    """The steps of one attempt."""

    def __init__(
        self,
        network: ScaledNetwork,
        data: tuple[Any, Any],
        held_out: tuple[Any, Any],
        metric: str,
        settings: Mapping[str, Any],
        progress: Progress,
        checkpoints: Checkpoints,
        attempts: Attempts,
    ) -> None:
        self.network, self.data, self.held_out = network, data, held_out
        self.metric, self.settings, self.progress = metric, settings, progress
        self.checkpoints, self.attempts = checkpoints, attempts
        self.loss = loss_of(settings["loss"], network)
        rates = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
        self.optimiser = torch.optim.AdamW(network.body.parameters(), **rates)
        #: steps of an epoch; the rest of its order, less than a batch, is left out
        self.an_epoch = max(1, len(data[1]) // int(settings["batch_rows"]))
        self.steps = self.an_epoch * int(settings["epochs"])
        self.best: dict[str, Any] = {}
        self.saved = progress.step
        self._order: tuple[int, Any] = (-1, None)

    @property
    def epochs_done(self) -> int:
        return self.progress.step // self.an_epoch

    def restore(self, payload: bytes) -> None:
        """Weights, moments and random numbers of a checkpoint."""
        found = torch.load(io.BytesIO(payload), weights_only=True)
        self.network.load_state_dict(found["network"])
        self.optimiser.load_state_dict(found["optimiser"])
        self.best = found["best"]
        torch.set_rng_state(found["random"])

    def until(self, interrupted: Callable[[], bool]) -> bool:
        """Train to the end, or until ``interrupted``; whether it came to the end."""
        while not self._finished():
            if interrupted():
                self._save()
                return False
            if self.checkpoints.due:
                self._save()
            self._step()
        self._save()
        return True

    def _finished(self) -> bool:
        patience = int(self.settings["early_stopping_epochs"])
        waited = self.epochs_done - self.progress.best_epoch
        at_epoch = self.progress.step % self.an_epoch == 0
        return self.progress.step >= self.steps or (at_epoch and 0 < patience <= waited)

    def _step(self) -> None:
        step = self.progress.step
        epoch, batch = divmod(step, self.an_epoch)
        rows = self._rows_of(epoch)[batch * self.settings["batch_rows"] :][
            : self.settings["batch_rows"]
        ]
        for group in self.optimiser.param_groups:
            group["lr"] = (
                self.settings["learning_rate"] * (1 + math.cos(math.pi * step / self.steps)) / 2
            )
        self.network.train()
        self.optimiser.zero_grad()
        self.loss(self.network.margins(self.data[0][rows]), self.data[1][rows]).backward()
        self.optimiser.step()
        self.progress = replace(self.progress, step=step + 1)
        if (step + 1) % self.an_epoch == 0:
            self._score(epoch + 1)
        self.attempts.reached(step + 1)

    def _rows_of(self, epoch: int) -> Any:
        if self._order[0] != epoch:
            digest = hashlib.sha256(f"{self.settings['seed']}:{epoch}".encode()).digest()
            order = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
            self._order = epoch, torch.randperm(len(self.data[1]), generator=order)
        return self._order[1]

    def _score(self, epoch: int) -> None:
        predicted = predict(self.network.eval(), self.held_out[0])
        score = metrics.compute(self.metric, self.held_out[1].numpy(), predicted)[self.metric]
        print(f"[{epoch}]\tvalidation-{self.metric}:{score:.6g}", flush=True)
        best = self.progress.best_score
        if best is None or metrics.better(self.metric, score, best):
            self.progress = replace(self.progress, best_epoch=epoch, best_score=score)
            if self.settings["early_stopping_epochs"]:
                self.best = copy.deepcopy(self.network.state_dict())

    def _save(self) -> None:
        if self.progress.step == self.saved:
            return
        payload = io.BytesIO()
        states = {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}
        torch.save({**states, "best": self.best, "random": torch.get_rng_state()}, payload)
        self.checkpoints.save(
            Checkpoint(self.progress.step, payload.getvalue(), asdict(self.progress))
        )
        self.saved = self.progress.step


def loss_of(name: str, network: ScaledNetwork) -> Callable[[Any, Any], Any]:
    """What training makes small: of margins ``(rows, outputs)`` and labels ``(rows,)``."""
    functional = torch.nn.functional
    if name == "logistic":
        return lambda margins, labels: functional.binary_cross_entropy_with_logits(
            margins[:, 0], labels
        )
    if name == "softmax":
        return lambda margins, labels: functional.cross_entropy(margins, labels.long())
    mean, deviation = network.target
    return lambda margins, labels: functional.mse_loss(margins[:, 0], (labels - mean) / deviation)
