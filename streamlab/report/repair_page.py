"""The page that lists every repair with what it changes, before and after: made from the rules' own fixtures."""

from __future__ import annotations

import difflib
import inspect
import re
from pathlib import Path

from streamlab.apis.registry import FAMILIES, all_rules, family_of, repair_classes
from streamlab.exchange import Exchange
from streamlab.repairing.account import Normalized
from streamlab.repairing.engine_rules import ENGINE_RULES
from streamlab.repairing.normalizer import normalize
from streamlab.rules.base import Rule
from streamlab.rules.repair import Repair
from streamlab.rules.severity import Repairability
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.wire.visible import visible

_MAX_LINES = 10
_MAX_WIDTH = 240
#: Members that are the same in every chunk of a fixture; showing them hides what changed.
_NOISE = re.compile(
    r'"object":"chat\.completion\.chunk",|"created":1741570283,|"model":"gpt-4o-2024-08-06",|"service_tier":"default",'
    r'|"system_fingerprint":"fp_fc9f1d7035",|"logprobs":null,|"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",'
)


def markdown(fixtures: Path) -> str:
    """The whole page. ``fixtures`` is the folder of the rules' fixtures."""
    found = repair_classes(unsafe=True)
    lines = ["# Every repair, before and after", "", _INTRO, ""]
    for family in FAMILIES:
        members = [rule for rule in all_rules() if family_of(rule) == family and rule.repairability.mends]
        if members:
            lines += [f"## {family}", ""]
        for rule in members:
            lines += _section(rule, found, fixtures / family / rule.name.replace("-", "_") / "bad")
    return "\n".join(lines).rstrip() + "\n"


_INTRO = (
    "Made from the rules' fixtures: `-` is what the broken server sent, `+` what comes out of the normalizer. Members "
    "that are the same everywhere (`object`, `created`, `model`, …) are left out. [normalizer.md](normalizer.md) says "
    "how all of this works together."
)


def _section(rule: type[Rule], found: tuple[type[Repair], ...], fixture: Path) -> list[str]:
    owner = next((repair for repair in found if rule.name in repair.rules), None)
    lines = [f"### [{rule.name}](rules/{rule.name}.md)", ""]
    lines.append(
        "On request only (`--unsafe`): it needs a guess." if rule.repairability is Repairability.UNSAFE else "Safe."
    )
    if owner is not None:
        lines[-1] += " " + inspect.cleandoc(owner.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
        if owner.holds_back:
            lines.append(f"Holds back {owner.holds_back}.")
    else:
        lines[-1] += f" By the machine itself: {ENGINE_RULES[rule.name]}."
    exchange = read_exchange_dir(fixture)
    repaired = normalize(exchange, unsafe=rule.repairability is Repairability.UNSAFE)
    shown = _difference(exchange, repaired)
    return [*lines, "", "```diff", *shown, "```", ""] if shown else [*lines, ""]


def _difference(exchange: Exchange, repaired: Normalized) -> list[str]:
    if exchange.head is not None and exchange.head.header("content-encoding") is not None:
        return _heads(exchange, repaired)
    before, after = _events(exchange.body), _events(repaired.exchange.body)
    lines = [line for line in difflib.unified_diff(before, after, lineterm="", n=0) if line[:3] not in ("---", "+++")]
    lines = [line for line in lines if not line.startswith("@@")]
    if len(lines) > _MAX_LINES:
        lines = [*lines[:_MAX_LINES], f"  … and {len(lines) - _MAX_LINES} lines more"]
    return lines or _heads(exchange, repaired)


def _heads(exchange: Exchange, repaired: Normalized) -> list[str]:
    """What changed in the head, where the body stayed."""
    was, now = exchange.head, repaired.exchange.head
    if was is None or now is None:
        return []
    before, after = set(was.headers), set(now.headers)
    return [f"- {name}: {value}" for name, value in was.headers if (name, value) not in after] + [
        f"+ {name}: {value}" for name, value in now.headers if (name, value) not in before
    ]


def _events(body: bytes) -> list[str]:
    """The lines of a body, harmless and short; a line end that is not LF shows."""
    text = body.decode("utf-8", "replace").replace("\r\n", "␍\n").replace("\r", "␍\n")
    return [visible(_NOISE.sub("", line), _MAX_WIDTH) for line in text.split("\n") if line]
