"""Everything that a rule can go by, by the name that it has in cleanup.yaml."""

from __future__ import annotations

from frugal.cleanup.signals import age, retention, serving, settings, use
from frugal.cleanup.signals.signal import SignalKind

SIGNALS: dict[str, SignalKind] = {
    **age.SIGNALS,
    **use.SIGNALS,
    **settings.SIGNALS,
    **serving.SIGNALS,
    **retention.SIGNALS,
}
