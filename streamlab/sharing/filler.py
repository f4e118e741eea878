"""Replaces what people and models said by filler of the same length and shape, so that a private conversation can be
shown and still has its fault.

A letter becomes a letter of the same script and case, a digit a digit; spaces, newlines, signs, markup, escapes and
characters that are cut in two stay. What takes a letter's place follows from the word up to it and from the whole body,
which whoever sees the filler has not: equal words stay equal, and the beginning of a word stays its beginning, so that
texts that repeat or continue each other still do.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256
from itertools import accumulate

from streamlab.sharing.masking import replaced, separated
from streamlab.sharing.texts import SourceText, TextSource, channels, payloads, texts_of

#: Members that hold, or whose members hold, what somebody said.
_SAID = frozenset(
    [
        "content",
        "text",
        "reasoning",
        "reasoning_content",
        "thinking",
        "partial_json",
        "arguments",
        "refusal",
        "delta",
        "input",
        "prompt",
        "instructions",
        "system",
        "output",
        "transcript",
        "summary",
        "parts",
        "messages",
        "contents",
        "suffix",
        "query",
        "documents",
        "message_delta",
        "user",
        "metadata",
        "response_text",
        "title",
        "description",
        "input_text",
        "output_text",
        "data",
        "image_url",
        "url",
        "file_data",
        "filename",
    ]
)
#: Members that say what something is, and stay wherever they stand.
_KEPT = frozenset(
    [
        "type",
        "id",
        "object",
        "model",
        "role",
        "name",
        "index",
        "finish_reason",
        "stop_reason",
        "status",
        "call_id",
        "item_id",
        "tool_call_id",
        "tool_use_id",
        "system_fingerprint",
        "created",
        "service_tier",
        "event",
        "signature",
        "encrypted_content",
        "code",
        "param",
        "stop_sequence",
        "native_finish_reason",
    ]
)
_PRINTED = re.compile(
    r"<\|?/?[A-Za-z_][\w:.|-]*[^<>\n]{0,60}\|?>|\[/?[A-Z_]{3,}\]|```\w*|data: ?|\\u[0-9a-fA-F]{4}|\\."
)
_WORD = re.compile(r"[^\W_]+")
#: Words of JSON and Python that keep a value what it is.
_LITERALS = frozenset(("true", "false", "null", "None", "True", "False", "NaN", "Infinity"))
_JSON_KEY = re.compile(r'"(?:[^"\\]|\\.)*"(?=\s*:)')


def fill_body(body: bytes) -> bytes:
    """A response body with filler for its texts."""
    texts = [text for payload in payloads(body) for text in texts_of(payload) if _is_said(text)]
    return _filled(body, texts)


def fill_request(body: bytes) -> bytes:
    """A request's body with filler for its texts; one that is no JSON is text altogether."""
    return _filled(body, [text for text in texts_of(TextSource(0, body, [(0, 0)])) if _is_said(text)])


def _is_said(text: SourceText) -> bool:
    if not text.json:
        return text.path[0] not in ("event", "id", "retry")
    if text.key in _KEPT:
        return False
    return text.path == ("",) or any(part in _SAID for part in text.path)


def _filled(body: bytes, texts: list[SourceText]) -> bytes:
    key = sha256(body).digest()
    filled = bytearray(body)
    done: set[int] = set()
    for group in channels(texts):
        if any(id(text) in done for text in group):
            continue  # the groups that tell texts apart best come first
        done.update(map(id, group))
        values = list(separated([text.value for text in group]))
        joined = "".join(values)
        shown = "".join(_shown(joined, key, joined.lstrip()[:1] in ("{", "[")))
        ends = list(accumulate(map(len, values)))
        units = [text.units() for text in group]
        for at, (was, now) in enumerate(zip(joined, shown, strict=True)):
            if was != now:
                number = bisect_right(ends, at)
                place, unit = units[number][at - (ends[number] - len(values[number]))]
                new = _same_size(unit, now)
                filled[place : place + len(unit)] = new
    return bytes(filled)


def _same_size(unit: bytes, letter: str) -> bytes:
    if unit[:1] == b"\\":
        return replaced(unit, letter)
    coded = letter.encode()
    return coded if len(coded) == len(unit) else unit


def _shown(text: str, key: bytes, formulaic: bool) -> Iterator[str]:
    """The filler, in pieces; markup, and in JSON the names of members, stay."""
    kept = list(_spans(_PRINTED.finditer(text)))
    if formulaic:
        kept += _spans(_JSON_KEY.finditer(text))
    kept.sort()
    at = 0
    for start, stop in kept:
        if stop <= at:
            continue
        if start > at:
            yield from _words(text[at:start], key)
        yield text[max(at, start) : stop]
        at = stop
    yield from _words(text[at:], key)


def _spans(matches: Iterable[re.Match[str]]) -> Iterator[tuple[int, int]]:
    for match in matches:
        yield match.span()


def _words(text: str, key: bytes) -> Iterator[str]:
    at = 0
    for match in _WORD.finditer(text):
        yield text[at : match.start()]
        word = match[0]
        yield word if word in _LITERALS else "".join(_letter(word[: end + 1], key) for end in range(len(word)))
        at = match.end()
    yield text[at:]


def _letter(beginning: str, key: bytes) -> str:
    """What takes the place of the last letter of the beginning of a word."""
    letter = beginning[-1]
    code = ord(letter)
    if 0xD800 <= code <= 0xDFFF:
        return letter
    draw = blake2b(beginning[-24:].encode("utf-8", "surrogatepass"), digest_size=4, key=key[:32]).digest()
    number = int.from_bytes(draw, "big")
    if letter.isascii():
        base, size = ("0", 10) if letter.isdigit() else ("a", 26) if letter.islower() else ("A", 26)
        return _digit(beginning, number) if letter.isdigit() else chr(ord(base) + number % size)
    kind, size = unicodedata.category(letter), len(letter.encode())
    for step in range(64):
        other = chr((code & ~63) | ((number + step) & 63))
        if unicodedata.category(other) == kind and len(other.encode()) == size and other.isalnum():
            return other
    return letter


def _digit(beginning: str, number: int) -> str:
    """A digit; a number that does not begin with 0 still does not."""
    first = len(beginning) == 1 or not beginning[-2].isdigit()
    return beginning[-1] if beginning[-1] == "0" and first else chr(ord("1") + number % 9)
