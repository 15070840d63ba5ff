"""The report that a person reads: one page of HTML with its plots inside."""

from __future__ import annotations

import itertools
from html import escape
from typing import Any

import numpy as np

from container.drift.sample import Sample

BARS = 24
WIDTH, HEIGHT = 360, 120
STYLE = """
:root { color-scheme: light dark; --was: #8a94a6; --now: #d9622b; --line: #8885; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: .3rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.verdict { padding: .8rem 1rem; border-left: .4rem solid var(--line); background: #8881; }
.drift { border-color: #c0392b } .ok { border-color: #2e8b57 } .unknown { border-color: #b8860b }
table { border-collapse: collapse; width: 100% } td, th { padding: .3rem .5rem; text-align: right;
border-bottom: 1px solid var(--line) } td:first-child, th:first-child { text-align: left }
tr.drift td:first-child { font-weight: 600; box-shadow: inset .3rem 0 #c0392b; }
b.over { color: #c0392b } .plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr));
gap: 1rem } figure { margin: 0 } figcaption { font-size: .85rem } svg { width: 100%; height: auto }
.scroll { overflow-x: auto } text { font-size: 10px; fill: currentColor }
"""
WORDS = {"ok": "No drift", "drift": "Drift", "unknown": "Unknown: too few samples"}


def histogram(reference: Sample, window: Sample) -> tuple[list[str], Any, Any] | None:
    """Bars of equal width from the first to the ninety-ninth hundredth of both; what lies beyond is in
    the outermost. None where one side is empty."""
    if not reference.total or not window.total:
        return None
    ends = [sample.quantile(np.array([0.01, 0.99])) for sample in (reference, window)]
    low, high = float(min(e[0] for e in ends)), float(max(e[1] for e in ends))
    edges = np.linspace(low, high if high > low else low + 1, BARS + 1)
    inner = edges[1:-1].astype(np.float32)
    counts = [
        np.diff(np.concatenate([[0], sample.through(inner), [sample.total]]))
        for sample in (reference, window)
    ]
    labels = [f"{a:.6g} to {b:.6g}" for a, b in itertools.pairwise(edges)]
    return labels, counts[0], counts[1]


def render(found: dict[str, Any], broken: list[dict[str, str]], plots: dict[str, Any]) -> str:
    """The page; ``plots`` are histograms by column."""
    window, limits = found["window"], found["limits"]
    moved = {c["name"] for c in found["checks"] if c["verdict"] == "drift" and c["decides"]}
    ordered = sorted(plots.items(), key=lambda item: item[0] not in moved)
    parts = [
        f"<h1>{escape(found['model'])} {escape(found['name'])}</h1>",
        f'<p class="verdict {found["verdict"]}"><b>{WORDS[found["verdict"]]}.</b> {escape(found["reason"])}</p>',
        f"<p>{_window(window)}</p>",
        _violations(broken),
        "<h2>Checks</h2>",
        f"<p>{_rule(limits)}</p>",
        _checks(found["checks"]),
        "<h2>Distributions</h2><p>Grey: the reference. Orange: this window. Shares of each side.</p>",
        f'<div class="plots">{"".join(_plot(*item) for item in ordered)}</div>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>Drift: {escape(found["model"])}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _window(window: dict[str, Any]) -> str:
    text = f"{window['rows']:,} rows in {window['records']:,} records"
    if window["first"]:
        text += f", {escape(window['first'])} to {escape(window['last'])}"
    if window["labelled"]:
        text += f"; the truth is known of {window['labelled']:,}"
    if window["unreadable"]:
        problems = escape("; ".join(window["problems"]))
        text += f"; {window['unreadable']:,} records could not be read ({problems})"
    if window["exact"]:
        return f"{text}. Every value was kept: the tests are exact."
    return (
        f"{text}. The window outgrew the memory it is given: a KLL sketch stands for the values, and every "
        f"rank, so every Kolmogorov-Smirnov distance, is within {window['rank_error']:.2%} of the exact "
        "one (with probability 0.999999)."
    )


def _rule(limits: dict[str, Any]) -> str:
    return (
        f"Drift is a difference that is significant (p below {limits['significance']:g} after Holm's correction "
        "over all checks) and whose effect reaches a limit. Below "
        f"{limits['min_samples']:,} values the answer is unknown."
    )


def _violations(broken: list[dict[str, str]]) -> str:
    if not broken:
        return ""
    rows = "".join(
        f"<tr><td>{escape(item['feature_name'])}</td><td>{escape(item['constraint_check_type'])}</td>"
        f'<td style="text-align:left">{escape(item["description"])}</td></tr>'
        for item in broken
    )
    head = "<tr><th>column</th><th>check</th><th></th></tr>"
    return f'<h2>Violations</h2><div class="scroll"><table>{head}{rows}</table></div>'


def _checks(checks: list[dict[str, Any]]) -> str:
    ordered = sorted(
        checks,
        key=lambda c: (c["verdict"] != "drift" or not c["decides"], c["about"] == "completeness"),
    )
    rows = "".join(
        f'<tr class="{c["verdict"] if c["decides"] else ""}" title="{escape(c["reason"])}"><td>{escape(c["name"])}</td>'
        f"<td>{c['about']}</td><td>{c['verdict']}{'' if c['decides'] else ' (aside)'}</td>"
        f"<td>{_effects(c)}</td><td>{_p(c)}</td><td>{c['samples']:,}</td></tr>"
        for c in ordered
    )
    head = "<tr><th>column</th><th>about</th><th>verdict</th><th>effects</th><th>p</th><th>values</th></tr>"
    return f'<div class="scroll"><table>{head}{rows}</table></div>'


def _effects(check: dict[str, Any]) -> str:
    shown = []
    for name, value in check["effects"].items():
        over = name in check["limits"] and value >= check["limits"][name]
        text = f"{name.replace('_', '-')} {value:.3g}"
        shown.append(f'<b class="over">{text}</b>' if over else text)
    return ", ".join(shown)


def _p(check: dict[str, Any]) -> str:
    p = check["p_value"] if check["p_adjusted"] is None else check["p_adjusted"]
    return "" if p is None else f"{p:.2g}"


def _plot(name: str, picture: tuple[list[str], Any, Any]) -> str:
    labels, before, now = picture
    if len(labels) > BARS:
        order = np.argsort(-(np.asarray(before) + np.asarray(now)))[:BARS]
        labels, before, now = [labels[i] for i in order], before[order], now[order]
    shares = [counts / max(counts.sum(), 1) for counts in (before, now)]
    top = max(float(share.max()) for share in shares) or 1.0
    step = WIDTH / len(labels)
    bars = "".join(
        f'<rect x="{i * step + place * step * 0.45:.1f}" y="{HEIGHT * (1 - share[i] / top):.1f}" '
        f'width="{step * 0.45:.1f}" height="{HEIGHT * share[i] / top:.1f}" fill="var(--{side})">'
        f"<title>{escape(labels[i])}: {share[i]:.2%}</title></rect>"
        for place, (side, share) in enumerate(zip(("was", "now"), shares, strict=True))
        for i in range(len(labels))
    )
    ends = (
        f'<text x="0" y="{HEIGHT + 14}">{escape(labels[0][:24])}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT + 14}" text-anchor="end">{escape(labels[-1][:24])}</text>'
    )
    return (
        f'<figure><figcaption>{escape(name)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT + 18}" role="img" '
        f'aria-label="{escape(name)}: shares of the reference and of the window">{bars}{ends}</svg></figure>'
    )
