"""A card as text to be pasted into an issue: a table, the bytes fenced, the rest folded; short enough for a host."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamlab.about import requirement
from streamlab.report.card.card import Card, ShownEvent, ShownFinding

#: GitHub takes 65,536 characters.
LONGEST = 60_000
_MOST_FINDINGS, _MOST_EVENTS = 20, 6
#: What means something to a code host anywhere in a line.
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&$-])")
_TICKS = re.compile(r"`+")


def markdown(card: Card, name: str = "bug.slab") -> str:
    """The text; ``name`` is what the bundle beside it is called."""
    parts = list(_parts(card, name))
    text = "\n".join(parts)
    while len(text) > LONGEST and len(parts) > 4:
        del parts[-2]  # what is folded, from the end
        text = "\n".join(parts)
    return text[:LONGEST]


def _parts(card: Card, name: str) -> Iterator[str]:
    yield f"### {plain(card.title)}\n\n**{plain(card.verdict)}**\n"
    yield "| | |\n|---|---|\n" + "\n".join(f"| {plain(label)} | {code(said)} |" for label, said in card.facts) + "\n"
    if card.findings:
        rows = "\n".join(map(_row, card.findings[:_MOST_FINDINGS]))
        yield f"| finding | where | what | who breaks |\n|---|---|---|---|\n{rows}\n"
        left = len(card.findings) - _MOST_FINDINGS + card.more_findings
        if left > 0:
            yield f"… and {left} more findings.\n"
    for event in card.events[:_MOST_EVENTS]:
        yield _event(event, card.vendor)
    commands = f"pip install '{requirement()}'\nstreamlab check {name}\nstreamlab replay {name}"
    yield (
        f"Reproduce (with the bundle `{name}`):\n\n{fence(commands, 'sh')}\n"
        f"<sub>streamlab {plain(card.version)}; known secrets are masked with `x` at equal length.</sub>\n"
    )


def _row(one: ShownFinding) -> str:
    who = "; ".join(f"{names}: {how}" for names, how in one.breaks[:2])
    left = len(one.breaks) - 2
    more = f" (+{left} more way{'s' if left > 1 else ''})" if left > 0 else ""
    told = plain(who if len(who) <= 240 else f"{who[:239]}…")
    return f"| {one.severity} `{one.rule}` | {plain(one.where)} | {plain(one.message)} | {told}{more} |"


def _event(event: ShownEvent, vendor: str) -> str:
    here = f"came:\n\n{fence(event.came)}\n" if event.came else ""
    there = f"as {vendor} sends it:\n\n{fence(event.sent)}\n" if event.sent else ""
    return f"<details><summary>{_html(event.title)}</summary>\n\n{here}\n{there}\n</details>\n"


def plain(text: str) -> str:
    """Text that a code host shows as it is, on one line: nobody is mentioned, nothing is a link."""
    joined = " ".join(text.split())
    return _MARKUP.sub(r"\\\1", joined).replace("\\@", "@\u2060").replace("://", ":\u2060//").replace("\\-", "-")


def code(text: str) -> str:
    """Text in backticks, more of them than it has in a row."""
    text = " ".join(text.split()).replace("|", "¦")
    ticks = "`" * (1 + max((len(one) for one in _TICKS.findall(text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text else ""


def fence(text: str, language: str = "") -> str:
    """Text in a fence that is longer than any run of backticks in it."""
    ticks = "`" * max(3, 1 + max((len(one) for one in _TICKS.findall(text)), default=0))
    return f"{ticks}{language}\n{text}\n{ticks}"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u2060")
