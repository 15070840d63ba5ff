"""A column before and now, as a plot that stands in a page by itself."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from container.drift.sample import Sample
from container.moments import INTEGRAL

BINS = 30
MOST_VALUES = 12
"""So many distinct values get a bar each."""
WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 400, 130, 34, 20, 6
TICKS = 5


@dataclass(frozen=True)
class Picture:
    """Counts of the reference and of the window, by cell.

    Attributes:
        labels: what each cell holds, ``(cells,)``.
        before, now: counts, ``(cells,)``.
        ticks: texts below the axis, by their place on it, 0 to 1.
        touching: whether the cells are intervals of one scale, so that bars touch.
    """

    labels: list[str]
    before: Any
    now: Any
    ticks: list[tuple[float, str]]
    touching: bool


def of_numbers(reference: Sample, window: Sample, kind: str) -> Picture | None:
    """A number column, ``kind`` its type in model.yaml; None where one side is empty."""
    if not reference.total or not window.total:
        return None
    distinct = np.union1d(reference.values, _few(window.values))
    if len(distinct) <= MOST_VALUES:
        before, now = (s.through(distinct) - s.below(distinct) for s in (reference, window))
        return of_cells([shown(value, kind) for value in distinct.tolist()], before, now)
    ends = [sample.quantile(np.array([0.005, 0.995])) for sample in (reference, window)]
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    edges = _edges(low, high, kind)
    inner = edges[1:-1].astype(np.float32)
    before, now = (
        np.diff(np.concatenate([[0], sample.through(inner), [sample.total]]))
        for sample in (reference, window)
    )
    bounds = [shown(edge, kind) for edge in edges.tolist()]
    labels = [f"{low} to {high}" for low, high in itertools.pairwise(bounds)]
    labels[0], labels[-1] = f"below {bounds[1]}", f"from {bounds[-2]}"
    ticks = [
        (float(place), shown(edges[0] + place * (edges[-1] - edges[0]), kind))
        for place in np.linspace(0, 1, TICKS)
    ]
    return Picture(labels, before, now, ticks, touching=True)


def _edges(low: float, high: float, kind: str) -> Any:
    """Bounds of bins of equal width; whole numbers get bins that hold equally many of them."""
    if kind in INTEGRAL:
        width = int(np.ceil((high - low + 1) / BINS))
        return np.arange(low, high + width + 1, width) - 0.5
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def of_cells(labels: list[str], before: Any, now: Any) -> Picture:
    """Categories, or few values: those that are in neither are left out, and beyond `BINS` the rarest."""
    before, now = np.asarray(before, dtype=float), np.asarray(now, dtype=float)
    order = np.flatnonzero(before + now)
    if len(order) > BINS:
        share = before / max(before.sum(), 1) + now / max(now.sum(), 1)
        order = order[np.argsort(-share[order], kind="stable")][:BINS]
    kept = [labels[i] for i in order]
    room = (WIDTH - LEFT) / 6.5 / max(len(kept), 1)
    wanted = 1 + min(max(map(len, kept), default=0), 8)
    every = max(int(np.ceil(wanted / room)), 1)
    ticks = [
        ((i + 0.5) / len(kept), _cut(label, max(int(room * every) - 1, 2)))
        for i, label in enumerate(kept)
        if i % every == 0
    ]
    return Picture(kept, before[order], now[order], ticks, touching=False)


def svg(name: str, picture: Picture) -> str:
    """The plot: grey before, orange now, each as shares of its own side."""
    shares = [np.asarray(c) / max(float(np.sum(c)), 1.0) for c in (picture.before, picture.now)]
    top = max(float(share.max(initial=0.0)) for share in shares) or 1.0
    plot = WIDTH - LEFT
    step = plot / max(len(picture.labels), 1)
    draw = _steps if picture.touching else _pairs
    marks = draw(shares, top, step)
    hover = "".join(
        f'<rect x="{LEFT + i * step:.1f}" y="{ABOVE}" width="{step:.1f}" height="{HEIGHT}" class="hover">'
        f"<title>{escape(label)}: {shares[0][i]:.2%} before, {shares[1][i]:.2%} now</title></rect>"
        for i, label in enumerate(picture.labels)
    )
    grid = "".join(
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{_y(part)}" y2="{_y(part)}" class="grid"/>'
        f'<text x="{LEFT - 4}" y="{_y(part) + 3:.1f}" text-anchor="end">{_percent(part * top)}</text>'
        for part in (0.0, 0.5, 1.0)
    )
    below = "".join(
        f'<text x="{LEFT + place * plot:.1f}" y="{ABOVE + HEIGHT + 14}" '
        f'text-anchor="{_anchor(place) if picture.touching else "middle"}">{escape(text)}</text>'
        for place, text in picture.ticks
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {ABOVE + HEIGHT + BELOW}" role="img" aria-label="{escape(name)}: '
        f'shares of the reference and of the window">{grid}{marks}{below}{hover}</svg>'
    )


def shown(value: float, kind: str) -> str:
    """A number as people write it; days and seconds as dates."""
    try:
        if kind == "date":
            return (dt.date(1970, 1, 1) + dt.timedelta(days=round(value))).isoformat()
        if kind == "datetime":
            at = dt.datetime.fromtimestamp(value, dt.timezone.utc)
            return f"{at:%Y-%m-%d %H:%M}"
    except (OverflowError, ValueError, OSError):
        return f"{value:.3g}"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if abs(value) >= size:
            return f"{value / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{round(value)}" if kind in INTEGRAL else f"{value:.4g}"


def _few(values: Any) -> Any:
    """The distinct values of an ascending array, or more than `MOST_VALUES` of them."""
    found: list[Any] = []
    at = 0
    while at < len(values) and len(found) <= MOST_VALUES:
        found.append(values[at])
        at = int(np.searchsorted(values, values[at], side="right"))
    return np.array(found, dtype=np.float32)


def _steps(shares: list[Any], top: float, step: float) -> str:
    """The reference as an area, the window as a line over it."""
    found = []
    for side, share in zip(("was", "now"), shares, strict=True):
        corners = [
            f"{LEFT + (i + right) * step:.1f},{_y(float(value) / top):.1f}"
            for i, value in enumerate(share)
            for right in (0, 1)
        ]
        ground = f"{_y(0.0):.1f}"
        points = [f"{LEFT},{ground}", *corners, f"{LEFT + len(share) * step:.1f},{ground}"]
        found.append(f'<polygon class="{side}" points="{" ".join(points)}"/>')
    return "".join(found)


def _pairs(shares: list[Any], top: float, step: float) -> str:
    """Two bars a cell."""
    wide = min(step * 0.42, 26.0)
    return "".join(
        f'<rect class="bar-{side}" x="{LEFT + (i + 0.5) * step + (place - 1) * wide:.1f}" '
        f'y="{_y(float(value) / top):.1f}" width="{wide:.1f}" '
        f'height="{HEIGHT * float(value) / top:.1f}"/>'
        for place, (side, share) in enumerate(zip(("was", "now"), shares, strict=True))
        for i, value in enumerate(share)
    )


def _y(part: float) -> float:
    return ABOVE + HEIGHT * (1 - part)


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 or not share else f"{share:.1%}"


def _anchor(place: float) -> str:
    if place <= 0.02:
        return "start"
    return "end" if place >= 0.98 else "middle"


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: max(room - 1, 1)]}\u2026"
