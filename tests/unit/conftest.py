"""Property tests draw the same examples wherever they run, and an example may take as long as the machine needs."""

from __future__ import annotations

from hypothesis import settings

settings.load_profile("ci")  # Hypothesis's own; without it an example that takes 0.2 s fails
