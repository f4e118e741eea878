"""Where secrets stand in a text, and in the JSON and the escapes that it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record
from streamlab.redaction.detectors import MASK, find_secrets

#: JSON within JSON within JSON: how many layers of escapes are looked through.
_LAYERS = 3
_ESCAPE = lazy_pattern(r"\\(?:u([0-9a-fA-F]{4})|(.))|%([2-7][0-9a-fA-F])", re.DOTALL)
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Found(Record, frozen=True):
    """A secret in a text: what it is, where it starts, and what takes the place of which characters."""

    kind: str
    start: int
    covered: dict[int, str]


def secrets_in(text: str, patterns: Sequence[re.Pattern[str]] = ()) -> list[Found]:
    """The secrets in a text, and in the JSON that it may hold, by their places in the text."""
    found: list[Found] = []
    layers: list[
        tuple[str, list[int]]
    ] = []  # the text around each layer, and where that layer's characters stand in it
    inner = text
    for layer in range(_LAYERS + 1):
        for one in find_secrets(inner, patterns):
            covered = {at: MASK for at in range(one.masked, one.stop) if inner[at].isalnum()}
            start = one.start
            for outer, places in reversed(layers):
                covered, start = _outwards(covered, outer, places), places[start]
            found.append(Found(one.kind, start, covered))
        if layer == _LAYERS or not ("\\" in inner or "%" in inner):
            break
        unescaped, places = _unescaped(inner)
        layers.append((inner, places))
        inner = unescaped
    return found


def _unescaped(text: str) -> tuple[str, list[int]]:
    """The text with one layer of escapes undone, JSON's and those of URLs, and where each of its characters, and its
    end, stood."""
    places: list[int] = []
    parts, at = [], 0
    for match in _ESCAPE.finditer(text):
        parts.append(text[at : match.start()])
        places += range(at, match.start())
        code = match[1] or match[3]
        parts.append(chr(int(code, re.DOTALL)) if code else _LETTERS.get(match[2], match[2]))
        places.append(match.start())
        at = match.end()
    parts.append(text[at:])
    places += range(at, len(text) + 1)
    return "".join(parts), places


def _outwards(covered: dict[int, str], outer: str, places: list[int]) -> dict[int, str]:
    """What takes the place of which characters of the text around, in which escapes stand for some."""
    found: dict[int, str] = {}
    for at, letter in covered.items():
        start, stop = places[at], places[at + 1]
        if stop - start == 1:
            found[start] = letter
        elif stop - start == 6 and outer[start + 1] == "u":
            found.update(zip(range(start + 2, stop), f"{ord(letter):04x}", strict=True))
        elif stop - start == 3 and outer[start] == "%":
            found.update(zip(range(start + 1, stop), f"{ord(letter):02x}", strict=True))
    return found
