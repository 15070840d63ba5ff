"""The report that a person reads: one page of HTML with its plots inside."""

from __future__ import annotations

from html import escape
from typing import Any

from container.drift.plots import Picture, shown, svg

STYLE = """
:root { color-scheme: light dark; --was: #8a94a6; --now: #d9622b; --line: #8885; --bad: #c0392b; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem } p { margin: .4rem 0 }
.window { opacity: .75; margin-top: 0 } ul { margin: .3rem 0; padding-left: 1.2rem }
.verdict { padding: .7rem 1rem; border-left: .4rem solid var(--line); background: #8881; }
.verdict.drift { border-color: var(--bad) } .verdict.ok { border-color: #2e8b57 }
.verdict.unknown { border-color: #b8860b } .verdict > b { font-size: 1.1rem }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
td, th { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap }
td:first-child, th:first-child { text-align: left } td.text { text-align: left; white-space: normal }
th small { font-weight: 400; opacity: .75; display: block } td.over { color: var(--bad); font-weight: 600 }
tr.moved td:first-child { font-weight: 600; box-shadow: inset .3rem 0 var(--bad) }
tr.aside { opacity: .6 } .drift-tag { color: var(--bad); font-weight: 600 }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: 1.2rem 1.5rem }
figure { margin: 0 } figcaption b { margin-right: .4rem } figcaption { font-size: .9rem }
svg { width: 100%; height: auto; display: block } text { font-size: 10px; fill: currentColor; opacity: .8 }
.was { fill: var(--was); fill-opacity: .55 } .now { fill: var(--now); fill-opacity: .12; stroke: var(--now);
stroke-width: 1.6 } .bar-was { fill: var(--was) } .bar-now { fill: var(--now) } .grid { stroke: var(--line) }
.hover { fill: transparent } .hover:hover { fill: #8882 } .key { display: inline-block; width: .8em; height: .8em;
margin: 0 .3em 0 1em; vertical-align: -.05em }
"""
WORDS = {"ok": "No drift", "drift": "Drift", "unknown": "Unknown"}
EFFECTS = {
    "ks": "KS",
    "wasserstein": "Wasserstein",
    "psi": "PSI",
    "jensen_shannon": "Jensen-Shannon",
    "chi_square": "Cram\u00e9r's V",
}
CHECKED = ("baseline_drift_check", "completeness_check")
SHOWN_REASONS = 6


def render(
    found: dict[str, Any], broken: list[dict[str, str]], plots: dict[str, Picture | None]
) -> str:
    """The page; ``plots`` are pictures by column."""
    checks = sorted(found["checks"], key=lambda c: not _moved(c))
    faults = [item for item in broken if item["constraint_check_type"] not in CHECKED]
    first = {check["name"]: check for check in reversed(checks) if check["about"] != "completeness"}
    order = sorted(plots, key=lambda name: not _moved(first.get(name)))
    parts = [
        f"<h1>{escape(found['model'])}</h1>",
        f'<p class="window">{_span(found)}</p>',
        _verdict(found, checks),
        f"<p>{_read(found['window'])}</p>",
        _faults(faults),
        _quality([check for check in checks if check["about"] == "quality"]),
        _distances(found["limits"], [c for c in checks if c["about"] in ("feature", "prediction")]),
        _completeness([check for check in checks if check["about"] == "completeness"]),
        "<h2>Distributions</h2>",
        '<p><span class="key" style="background:var(--was);margin-left:0"></span>what was learned'
        '<span class="key" style="background:var(--now)"></span>this window, each as shares of its own'
        " rows; what lies beyond the axis is in the outermost bars.</p>",
        f'<div class="plots">{"".join(_figure(name, plots[name], first.get(name)) for name in order)}</div>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>Drift: {escape(found["model"])}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _moved(check: dict[str, Any] | None) -> bool:
    return check is not None and check["verdict"] == "drift" and check["decides"]


def _span(found: dict[str, Any]) -> str:
    window = found["window"]
    between = f", requests of {window['first']} to {window['last']}" if window["first"] else ""
    return escape(f"Window {found['name'] or 'without a name'}{between}")


def _verdict(found: dict[str, Any], checks: list[dict[str, Any]]) -> str:
    verdict, moved = found["verdict"], [check for check in checks if _moved(check)]
    heeded = sum(check["decides"] and check["verdict"] != "unknown" for check in checks)
    if verdict != "drift":
        said = f" {escape(found['reason'])}"
    else:
        listed = "".join(f"<li>{_sentence(check)}</li>" for check in moved[:SHOWN_REASONS])
        more = (
            f"<li>and {len(moved) - SHOWN_REASONS} more</li>" if len(moved) > SHOWN_REASONS else ""
        )
        said = f" {len(moved)} of {heeded} checks.<ul>{listed}{more}</ul>"
    return f'<div class="verdict {verdict}"><b>{WORDS[verdict]}.</b>{said}</div>'


def _sentence(check: dict[str, Any]) -> str:
    name, sep, rest = check["reason"].partition(": ")
    return f"<b>{escape(name)}</b>: {escape(rest)}" if sep else escape(check["reason"])


def _read(window: dict[str, Any]) -> str:
    text = f"{window['rows']:,} rows in {window['records']:,} records"
    if window["labelled"]:
        text += f"; the truth is known of {window['labelled']:,}"
    if window["unreadable"]:
        problems = escape("; ".join(window["problems"]))
        text += f"; {window['unreadable']:,} of them could not be read ({problems})"
    if window["exact"]:
        return f"{text}. Every value was kept: the tests are exact."
    return (
        f"{text}. The window outgrew the memory it is given: a KLL sketch stands for the values, and every "
        f"rank, so every Kolmogorov-Smirnov distance, is within {window['rank_error']:.2%} of the exact "
        "one (with probability 0.999999)."
    )


def _table(head: list[str], rows: list[str]) -> str:
    cells = "".join(f"<th>{cell}</th>" for cell in head)
    return f'<div class="scroll"><table><tr>{cells}</tr>{"".join(rows)}</table></div>'


def _faults(faults: list[dict[str, str]]) -> str:
    if not faults:
        return ""
    rows = [
        f"<tr><td>{escape(item['feature_name'])}</td><td>{escape(item['constraint_check_type'])}</td>"
        f'<td class="text">{escape(item["description"])}</td></tr>'
        for item in faults
    ]
    return f"<h2>Faults in the data</h2>{_table(['column', 'check', ''], rows)}"


def _quality(checks: list[dict[str, Any]]) -> str:
    rows = []
    for check in checks:
        effects, limits = check["effects"], check["limits"]
        if not effects:
            rows.append(_row(check, f'<td colspan="5" class="text">{escape(check["reason"])}</td>'))
            continue
        numbers = [shown(effects["baseline"], "float"), shown(effects["value"], "float")]
        cells = "".join(f"<td>{number}</td>" for number in numbers)
        worse = _cell(effects["quality"], limits["quality"], f"{effects['quality']:+.1%}")
        rows.append(_row(check, f"{cells}{worse}<td>{_p(check)}</td><td>{check['samples']:,}</td>"))
    head = ["metric", "test split", "this window", "worse by", "p", "labelled rows"]
    return f"<h2>Quality</h2>{_table(head, rows)}" if rows else ""


def _distances(limits: dict[str, Any], checks: list[dict[str, Any]]) -> str:
    used = [name for name in EFFECTS if any(name in check["effects"] for check in checks)]
    head = ["column", "verdict"]
    head += [f"{EFFECTS[name]}<small>limit {limits[name]:g}</small>" for name in used]
    head += ["p<small>corrected</small>", "values"]
    rows = []
    for check in checks:
        cells = "".join(
            _cell(
                check["effects"][name], check["limits"].get(name), f"{check['effects'][name]:.3f}"
            )
            if name in check["effects"]
            else "<td></td>"
            for name in used
        )
        rows.append(
            _row(
                check,
                f"<td>{_word(check)}</td>{cells}<td>{_p(check)}</td><td>{check['samples']:,}</td>",
            )
        )
    rule = (
        "<p>Drift is a difference that is significant (p below "
        f"{limits['significance']:g} after Holm's correction over all checks) and whose effect reaches a limit. "
        f"Below {limits['min_samples']:,} values the answer is unknown. Columns in grey decide nothing.</p>"
    )
    return f"<h2>Distances</h2>{rule}{_table(head, rows)}" if rows else ""


def _completeness(checks: list[dict[str, Any]]) -> str:
    changed = [c for c in checks if c["effects"].get("completeness", 0.0) > 0]
    if not changed:
        return ""
    rows = [
        _row(
            check,
            f"<td>{_word(check)}</td>"
            + _cell(
                check["effects"]["completeness"],
                check["limits"]["completeness"],
                f"{check['effects']['completeness']:.2%}",
            )
            + f"<td>{_p(check)}</td>",
        )
        for check in changed
    ]
    head = ["column", "verdict", "more is missing", "p<small>corrected</small>"]
    return f"<h2>Completeness</h2>{_table(head, rows)}"


def _row(check: dict[str, Any], cells: str) -> str:
    kind = "moved" if _moved(check) else "" if check["decides"] else "aside"
    title = escape(check["reason"])
    return f'<tr class="{kind}" title="{title}"><td>{escape(check["name"])}</td>{cells}</tr>'


def _word(check: dict[str, Any]) -> str:
    if not check["decides"]:
        return f"{check['verdict']}, aside"
    return (
        f'<span class="drift-tag">{check["verdict"]}</span>' if _moved(check) else check["verdict"]
    )


def _cell(value: float, limit: float | None, text: str) -> str:
    return (
        f'<td class="over">{text}</td>'
        if limit is not None and value >= limit
        else f"<td>{text}</td>"
    )


def _p(check: dict[str, Any]) -> str:
    p = check["p_value"] if check["p_adjusted"] is None else check["p_adjusted"]
    if p is None:
        return ""
    return f"{p:.2g}" if p >= 1e-4 else "&lt; 0.0001"


def _figure(name: str, picture: Picture | None, check: dict[str, Any] | None) -> str:
    if picture is None:
        return ""
    said = f" {_word(check)}" if check else ""
    return (
        f"<figure><figcaption><b>{escape(name)}</b>{said}</figcaption>{svg(name, picture)}</figure>"
    )
