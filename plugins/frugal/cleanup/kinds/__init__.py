"""Every kind of thing that cleaning up knows, by the name that it has in cleanup.yaml."""

from __future__ import annotations

from frugal.cleanup.kind import CleanupKind
from frugal.cleanup.kinds import endpoints

KINDS: dict[str, CleanupKind] = {kind.name: kind for kind in (*endpoints.KINDS,)}
