"""Masks secrets in bodies, byte for byte at equal length: JSON stays JSON, cuts, sizes and times stay as they were.

A secret is looked for in every text of the body and in those that continue each other joined (`texts.channels`), in
JSON that a text holds and its escapes, and in the raw bytes. Its letters and digits become ``x``; the prefix that says
what it was stays. Masking twice is masking once.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise, zip_longest
from typing import NamedTuple

from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import MASK, find_secrets, find_secrets_in_bytes
from streamlab.redaction.detectors import MASK_DIGIT
from streamlab.sharing.secret_places import secrets_in
from streamlab.sharing.texts import SourceText, TextSource, Told, channels, payloads, texts_of

#: Texts of this length that the next one begins with are said again there, not continued.
_SAID_AGAIN = 4
_END = "\0"
#: In log probabilities: a token's bytes as numbers, a token, and a mask's number (``X`` and ``x``) by its length.
_CODES = lazy_pattern(rb'"bytes"\s*:\s*\[([\d\s,]*)\]')
_TOKENS = lazy_pattern(rb'"token"\s*:\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_CODE_OF_MASK = {2: b"88", 3: b"120"}


class Masked(NamedTuple):
    """One secret that was masked: what it was, in which event (None: no event), where in the body."""

    kind: str
    event: int | None
    at: int


class MaskedBody(NamedTuple):
    """A body of the same length, and what was masked in it."""

    data: bytes
    secrets: tuple[Masked, ...]


def mask_body(body: bytes, patterns: Sequence[re.Pattern[str]] = ()) -> MaskedBody:
    """The body without its secrets."""
    masked = bytearray(body)
    found: dict[int, Masked] = {}
    _mask_texts(body, patterns, masked, found)
    for one in find_secrets_in_bytes(masked, patterns):
        cover_raw(masked, one.masked, one.stop)
        found.setdefault(one.start, Masked(one.kind, None, one.start))
    return MaskedBody(bytes(masked), tuple(found[at] for at in sorted(found)))


def _mask_texts(body: bytes, patterns: Sequence[re.Pattern[str]], masked: bytearray, found: dict[int, Masked]) -> None:
    """Mask what the texts of the body hold. They are gone when this returns: they take several times the body."""
    told = Told()
    texts = [text for payload in payloads(body) for text in texts_of(payload, told)]
    tokens: dict[int, TextSource] = {}
    for group in channels(texts):
        _mask_group(group, patterns, masked, found, tokens)
    for payload in tokens.values():
        _mask_codes(payload, masked)


def mask_text(text: str, patterns: Sequence[re.Pattern[str]] = ()) -> str:
    """A text without its secrets, as long as before."""
    letters = list(text)
    for one in secrets_in(text, patterns):
        for at, letter in one.covered.items():
            letters[at] = letter
    return "".join(letters)


def _mask_group(
    group: list[SourceText],
    patterns: Sequence[re.Pattern[str]],
    masked: bytearray,
    found: dict[int, Masked],
    tokens: dict[int, TextSource],
) -> None:
    """Mask what texts that continue each other hold, alone and joined; ``tokens`` gathers payloads of which a token of
    log probabilities was masked."""
    if not secrets_in("".join(text.value for text in group), patterns):
        return
    values = list(separated([text.value for text in group]))
    secrets = secrets_in("".join(values), patterns)
    ends = list(accumulate(map(len, values)))
    covered: dict[int, dict[int, str]] = {}
    for one in secrets:
        number = bisect_right(ends, one.start)
        text = group[number]
        place = text.units()[one.start - (ends[number] - len(values[number]))][0]
        found.setdefault(place, Masked(one.kind, text.payload.event, place))
        for at, letter in one.covered.items():
            number = bisect_right(ends, at)
            covered.setdefault(number, {})[at - (ends[number] - len(values[number]))] = letter
    _carry_back(group, covered)
    for number, places in covered.items():
        if group[number].key == "token":
            tokens[group[number].payload.event] = group[number].payload
        units = group[number].units()
        if group[number].is_number:
            places = {at: MASK_DIGIT for at in places if units[at][1].isdigit()}
        for at, letter in places.items():
            place, unit = units[at]
            masked[place : place + len(unit)] = replaced(unit, letter)


def _mask_codes(payload: TextSource, masked: bytearray) -> None:
    """Log probabilities say each token twice, its bytes as numbers too, and others that were as likely."""
    for listed in _CODES.finditer(payload.data):
        for code in re.finditer(rb"\d+", listed[1]):
            if code[0].isdigit() and len(code[0]) < 4 and int(code[0]) < 128 and chr(int(code[0])).isalnum():
                place = payload.place(listed.start(1) + code.start())
                masked[place : place + len(code[0])] = _CODE_OF_MASK[len(code[0])]
    for token in _TOKENS.finditer(payload.data):
        start = payload.place(token.start(1))
        cover_raw(masked, start, start + len(token[1]))


def separated(values: list[str]) -> Iterator[str]:
    """The texts with an end behind each that the next does not continue: that one says it again, or is a key itself."""
    for value, following in zip_longest(values, values[1:], fillvalue=""):
        again = len(value) >= _SAID_AGAIN and following.startswith(value)
        yield value + _END if again or any(one.start == 0 for one in find_secrets(following)) else value


def _carry_back(group: list[SourceText], covered: dict[int, dict[int, str]]) -> None:
    """A text that the next one repeats and goes on with holds the beginning of what is masked there."""
    for number in range(len(group) - 1, 0, -1):
        before, text = group[number - 1].value, group[number].value
        if number in covered and len(before) > 1 and text.startswith(before):
            earlier = {at: letter for at, letter in covered[number].items() if at < len(before)}
            if earlier:
                covered.setdefault(number - 1, {}).update(earlier)


def replaced(unit: bytes, letter: str) -> bytes:
    """One character of a string with another in its place, in as many bytes: an escape for an escape."""
    if unit[:1] == b"\\" and len(unit) == 6:
        return b"\\u%04x" % ord(letter)
    return letter.encode() * len(unit) if unit[:1] != b"\\" else unit


def cover_raw(masked: bytearray, start: int, stop: int) -> None:
    """Mask raw bytes; what an escape is made of stays, so that JSON stays JSON."""
    at = start
    while at < stop:
        if masked[at : at + 1] == b"\\":
            at += 2
            continue
        if masked[at : at + 1].isalnum():
            masked[at : at + 1] = MASK.encode()
        at += 1


def recut(data: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """The data in pieces of these sizes."""
    for start, stop in pairwise(accumulate(sizes, initial=0)):
        yield data[start:stop]
