"""Shares over days as small multiples: a panel for each rule and group, a bar for each day, on one scale of days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from streamlab.judging.trend import By, Share
from streamlab.wire.visible import visible

_PANEL_WIDTH, _PANEL_HEIGHT, _PLOT_HEIGHT, _MARGIN = 300, 112, 56, 16
_ACROSS = 3
#: Panels that are drawn at most: the ones with the most exchanges.
_MOST = 60
_COLOURS = {"error": "#c62828", "warning": "#b26a00", "info": "#1565c0"}


def shares_svg(found: Sequence[Share], by: Sequence[By]) -> str:
    """The picture. ``by`` holds the day."""
    at = list(by).index(By.DAY)
    panels: dict[tuple[str, tuple[str, ...]], dict[str, Share]] = {}
    for one in found:
        rest = (*one.group[:at], *one.group[at + 1 :])
        panels.setdefault((one.rule, rest), {})[one.group[at]] = one
    busiest = sorted(panels, key=lambda key: (-sum(one.count for one in panels[key].values()), key))[:_MOST]
    days = sorted({one.group[at] for one in found})
    return "\n".join(_drawn([(key, panels[key]) for key in busiest], days, len(panels)))


def _drawn(
    panels: Sequence[tuple[tuple[str, tuple[str, ...]], dict[str, Share]]], days: Sequence[str], there: int
) -> Iterator[str]:
    lines = -(-len(panels) // _ACROSS)
    width = _ACROSS * (_PANEL_WIDTH + _MARGIN) + _MARGIN
    height = max(lines, 1) * (_PANEL_HEIGHT + _MARGIN) + 2 * _MARGIN + 8
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    yield ' font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#ffffff"/>'
    for number, ((rule, group), shares) in enumerate(panels):
        x = _MARGIN + number % _ACROSS * (_PANEL_WIDTH + _MARGIN)
        y = _MARGIN + number // _ACROSS * (_PANEL_HEIGHT + _MARGIN)
        yield f'<g transform="translate({x} {y})">'
        yield from _panel(rule, group, shares, days)
        yield "</g>"
    left_out = f", {there - len(panels)} more panels left out" if there > len(panels) else ""
    told = f"share of exchanges a day, {days[0]} to {days[-1]}{left_out}" if days else "no rule spoke"
    yield f'<text x="{_MARGIN}" y="{height - _MARGIN}" fill="#555555">{escape(told)}</text></svg>'


def _panel(rule: str, group: tuple[str, ...], shares: dict[str, Share], days: Sequence[str]) -> Iterator[str]:
    severity = next(iter(shares.values())).severity
    highest = max(one.count / one.total for one in shares.values())
    step = _PANEL_WIDTH / max(len(days), 1)
    yield f'<text y="10" font-weight="bold">{escape(visible(rule, 44))}</text>'
    yield f'<text y="24" fill="#555555">{escape(visible(" · ".join(group), 50))}</text>'
    yield f'<text x="{_PANEL_WIDTH}" y="10" text-anchor="end" fill="#555555">at most {highest:.1%}</text>'
    base = 32 + _PLOT_HEIGHT
    for at, day in enumerate(days):
        if day in shares:
            one = shares[day]
            tall = max(1.0, _PLOT_HEIGHT * (one.count / one.total) / highest)
            told = escape(f"{visible(day, 20)}: {one.count} of {one.total}")
            yield (
                f'<rect x="{at * step:.2f}" y="{base - tall:.2f}" width="{max(step - 1, 0.5):.2f}" height="{tall:.2f}" '
                f'fill="{_COLOURS.get(severity, "#555555")}"><title>{told}</title></rect>'
            )
    yield f'<line x1="0" x2="{_PANEL_WIDTH}" y1="{base}" y2="{base}" stroke="#999999"/>'
