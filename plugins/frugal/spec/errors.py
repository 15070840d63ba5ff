"""How mistakes in a model.yaml are reported: all of them at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake: where it stands, what was given, and what is allowed."""

    line: int
    key: str
    problem: str
    given: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        text = f"line {self.line}: {self.key}: {self.problem}"
        if self.given:
            text += f" (given: {self.given})"
        if self.allowed:
            text += f". Allowed: {self.allowed}"
        return text


class SpecError(ValueError):
    """A model.yaml that cannot be used; `mistakes` holds every reason."""

    def __init__(self, path: Path | str, mistakes: Sequence[Mistake]) -> None:
        self.path = Path(path)
        self.mistakes = tuple(sorted(mistakes))
        count = len(self.mistakes)
        head = f"{path}: {count} mistake{'s' if count != 1 else ''}"
        super().__init__("\n".join([head, *(f"  {mistake}" for mistake in self.mistakes)]))

    def as_dict(self) -> dict[str, Any]:
        """The error as JSON: {"path", "mistakes": [{"line", "key", "problem", "given", "allowed"}]}."""
        return {"path": str(self.path), "mistakes": [asdict(mistake) for mistake in self.mistakes]}
