"""The part of the network that learns: `container.scaled_network` puts standardisation around it."""

from __future__ import annotations

import torch


def build(
    features: int, outputs: int, hidden: str | int = "128,64", dropout: float = 0.0
) -> torch.nn.Module:
    """Fully connected layers of ``hidden`` widths, ``(rows, features)`` -> ``(rows, outputs)``."""
    layers: list[torch.nn.Module] = []
    width = features
    for size in map(int, str(hidden).split(",")):
        layers += [torch.nn.Linear(width, size), torch.nn.ReLU(), torch.nn.Dropout(dropout)]
        width = size
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, outputs))
