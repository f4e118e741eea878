"""Colours and signs of the workbench. What a colour says, a letter or sign says too."""

from __future__ import annotations

import os
from functools import cache

from rich.style import Style
from rich.text import Text

from streamlab.report.styles import STYLES
from streamlab.rules.finding import Finding, Severity
from streamlab.wire.visible import visible

#: As Textual decides it, which makes greys of every colour then: red would be the darkest of them.
NO_COLOR = "NO_COLOR" in os.environ


@cache
def ink(words: str) -> Style:
    """A style in Rich's words; where colours are not wanted, its weight alone."""
    style = Style.parse(words)
    return style.without_color if NO_COLOR else style


LETTERS = {Severity.ERROR: "E", Severity.WARNING: "W", Severity.INFO: "i"}
SEVERITY = {severity: ink(style) for severity, style in STYLES.items()}
DIM = Style(dim=True)
PLAIN = Style()
BOLD = Style(bold=True)
GOOD = ink("green")
BAD = ink("red")
GRAVE = ink("bold red")
DOUBTFUL = ink("yellow")
TOOL = ink("#9a86e0")
STALL = ink("bold yellow")
GAP = ink("#4f8fbf")
ARRIVAL = ink("bold #2f9fd8")
FOUND = ink("reverse")
BROKEN = ink("bold red reverse")
BARS = " ▁▂▃▄▅▆▇█"

_KINDS = {
    "text": PLAIN,
    "reasoning": Style(italic=True),
    "tool": TOOL,
    "finish": GOOD,
    "done": GOOD,
    "usage": GAP,
    "error": SEVERITY[Severity.ERROR],
    "not json": SEVERITY[Severity.ERROR],
    "comment": DIM,
    "no data": DIM,
    "no event": DIM,
    "role": DIM,
}

#: The colours of the two themes; `themes` makes Textual's themes of them.
COLOURS = {
    "streamlab-dark": {
        "primary": "#5fa8d3",
        "secondary": "#8fb8de",
        "accent": "#f2b134",
        "foreground": "#d7dce2",
        "background": "#12161c",
        "surface": "#171c24",
        "panel": "#1e2530",
        "success": "#7bc47f",
        "warning": "#f2b134",
        "error": "#ef6461",
    },
    "streamlab-light": {
        "primary": "#1f6f9f",
        "secondary": "#3d7ea6",
        "accent": "#b36b00",
        "foreground": "#20262d",
        "background": "#fafaf7",
        "surface": "#f2f2ec",
        "panel": "#e6e6de",
        "success": "#2e7d32",
        "warning": "#a86700",
        "error": "#b3261e",
    },
}


def kind_style(kind: str) -> Style:
    """The style of a kind of event (report/timeline.py), by its most telling word."""
    if kind in _KINDS:
        return _KINDS[kind]
    for word in ("error", "finish", "tool", "usage", "reasoning", "text"):
        if word in kind:
            return _KINDS[word]
    return PLAIN


def mark_broken(line: Text) -> Text:
    """The line, with every U+FFFD in it marked: it stands for bytes that somebody lost."""
    at = line.plain.find("\ufffd")
    while at >= 0:
        line.stylize(BROKEN, at, at + 1)
        at = line.plain.find("\ufffd", at + 1)
    return line


def badge(finding: Finding) -> Text:
    """The letter of a finding's severity."""
    return Text.assemble((LETTERS[finding.severity], SEVERITY[finding.severity]))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Text made visible, cut or filled to a width; wide characters count as two cells."""
    from rich.cells import cell_len, set_cell_size

    shown = visible(text, max(1, width)) if text else ""
    length = cell_len(shown)
    if length > width:
        return set_cell_size(shown, max(0, width - 1)) + ("…" if width > 0 else "")
    return " " * (width - length) + shown if right else shown + " " * (width - length)
