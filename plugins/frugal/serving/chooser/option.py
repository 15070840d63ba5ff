"""One row of the comparison: a form of serving on one kind of instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from frugal.spec import ModelSpec
from frugal.spec.deploy import Autoscale


@dataclass(frozen=True)
class Option:
    """`monthly` is in USD, None when a price is unknown; `p95_ms` is what the model and its queue take.

    `ruled_out` is the rule or the arithmetic that forbids the option, None when it can be chosen.
    `how` says in words where the cost comes from, and `settings` what of the deploy section goes with it.
    """

    strategy: str
    size: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    monthly: float | None = None
    p95_ms: float | None = None
    how: str = ""
    ruled_out: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be chosen: allowed, and its price known."""
        return self.ruled_out is None and self.monthly is not None

    @property
    def name(self) -> str:
        """Strategy and size in a sentence."""
        return f"{self.strategy} on {self.size}" if self.size else self.strategy

    def applied_to(self, spec: ModelSpec) -> ModelSpec:
        """The spec with this strategy and what goes with it in its deploy section."""
        settings = {"strategy": self.strategy, "instance": None, **self.settings}
        if "autoscale" in settings:
            settings["autoscale"] = Autoscale(**settings["autoscale"])
        return spec.model_copy(update={"deploy": spec.deploy.model_copy(update=settings)})
