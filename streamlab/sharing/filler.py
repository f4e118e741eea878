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
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b, sha256
from http import HTTPStatus
from itertools import accumulate, pairwise

from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import MASK, is_secret_member
from streamlab.sharing.masking import replaced, separated
from streamlab.sharing.texts import SourceText, TextSource, channels, payloads, texts_of
from streamlab.sharing.wanted import CLOSEST_FIRST

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
#: Members whose own members, where they have some, are what a model gives a tool; there no name says what one is.
_OF_CALLS = frozenset(("input", "arguments"))
#: What says what something is has nothing in it of what a program (`code`) has.
_IS_WORD = lazy_pattern(r"[^\s(){};=\"']*")
#: What was masked before.
_MASKED = lazy_pattern(f"{MASK}{{3,}}")
_PRINTED = lazy_pattern(
    r": ?(?:ping|keep-?alive|heartbeat)\b|<\|channel\|>(?:analysis|commentary|final)\b"
    r"|<[|\uff5c]?/?[|\uff5c]?[A-Za-z_][\w:.|\uff5c-]*[^<>\n]{0,60}[|\uff5c]?>"
    r"|\[/?[A-Z_]{3,}\]|```\w*|data: ?|\\u[0-9a-fA-F]{4}|\\."
)
#: How a line begins that is no JSON: with the name of a field, with what servers say to keep a connection open, or with
#: what HTTP calls an error.
_FRONT = lazy_pattern(
    r":? ?(?:(?:open\w+ )?(?:ping|keep-?alive|heartbeat|error|processing)\b"
    r"|(?:data|event|id|retry|error|message|type)(?= ?:)|b(?=['\"])"
    rf"|(?:{'|'.join(re.escape(one.phrase) for one in HTTPStatus if one >= HTTPStatus.BAD_REQUEST)})\b)",
    re.IGNORECASE,
)
_WORD = lazy_pattern(r"[^\W_]+")
#: Words of JSON and Python that keep a value what it is.
_LITERALS = frozenset(("true", "false", "null", "None", "True", "False", "NaN", "Infinity"))
#: A member of JSON in the middle of something else, or of what Python prints: a word in quotes before a colon.
_PLAIN_KEY = lazy_pattern(r"""(?:"[A-Za-z_][\w.-]{0,40}"|'[A-Za-z_][\w.-]{0,40}')(?=\s?:)""")
#: What a chunk that stands within a text says of itself.
_OF_CHUNKS = lazy_pattern(
    r"""["'](?:object|role|finish_reason|model|id|system_fingerprint|service_tier)["']\s?:\s?["'][^"'\s]{0,80}["']"""
    r"""|["']created["']\s?:\s?\d+"""
)
#: The shortest beginning by which it is told that everything is said once more.
_SAID_AGAIN = 4
_END = "\0"
_JSON_STRING = lazy_pattern(r'"[^"\\]*(?:\\.[^"\\]*)*(?:(?P<key>"(?=\s*:))|"|\\?\Z)', re.DOTALL)


def fill_body(body: bytes, names: frozenset[str] = frozenset(), told: Sequence[int] = CLOSEST_FIRST) -> bytes:
    """A response body with filler for its texts. ``names`` stay wherever they stand, as those of tools that were
    offered; ``told`` says by how much of what stands beside texts it is told which continue each other."""
    texts = [text for payload in payloads(body) for text in texts_of(payload) if _is_said(text)]
    return _filled(body, texts, names, told)


def fill_request(body: bytes, names: frozenset[str] = frozenset()) -> bytes:
    """A request's body with filler for its texts; one that is no JSON is text altogether."""
    texts = [text for text in texts_of(TextSource(0, body, [(0, 0)])) if _is_said(text)]
    return _filled(body, texts, names, CLOSEST_FIRST)


def _is_said(text: SourceText) -> bool:
    if not text.json:
        return text.path[0] not in ("event", "id", "retry")
    in_arguments = any(one in _OF_CALLS and other != "[]" for one, other in pairwise(text.path))
    if is_secret_member(text.key):
        return False  # it is masked
    if text.key in _KEPT and not in_arguments:
        return _IS_WORD.fullmatch(text.value) is None
    return text.path == ("",) or any(part in _SAID for part in text.path)


def _filled(body: bytes, texts: list[SourceText], names: frozenset[str], told: Sequence[int]) -> bytes:
    key = sha256(body).digest()
    filled = bytearray(body)
    done: set[int] = set()
    any_name = "|".join(map(re.escape, sorted(names)))
    kept = re.compile(rf"\b(?:{any_name})\b") if names else None
    for group in channels(texts, told):
        if any(id(text) in done for text in group):
            continue  # the groups that tell texts apart best come first
        done.update(map(id, group))
        values = _from_the_beginning(list(separated([text.value for text in group])))
        joined = "".join(values)
        ends = list(accumulate(map(len, values)))
        fronts = [span for text, start in zip(group, [0, *ends], strict=False) for span in _fronts(text, start)]
        shown = "".join(_shown(joined, key, kept, fronts))
        units = [text.units() for text in group]
        for at, (was, now) in enumerate(zip(joined, shown, strict=True)):
            if was != now:
                number = bisect_right(ends, at)
                place, unit = units[number][at - (ends[number] - len(values[number]))]
                new = _same_size(unit, now)
                filled[place : place + len(unit)] = new
    return bytes(filled)


def _fronts(text: SourceText, start: int) -> Iterator[tuple[int, int]]:
    """What stays of a text that begins there: a payload that is a literal, and how a line begins."""
    if text.value.strip() in _LITERALS and not text.json:
        yield start, start + len(text.value)
    elif not text.json and (match := _FRONT.match(text.value)) is not None:
        yield start, start + match.end()


def _same_size(unit: bytes, letter: str) -> bytes:
    if unit[:1] == b"\\":
        return replaced(unit, letter)
    coded = letter.encode()
    return coded if len(coded) == len(unit) else unit


def _from_the_beginning(values: list[str]) -> list[str]:
    """The texts with an end behind the one after which everything is said once more."""
    said = ""
    for at, value in enumerate(values):
        plain = value.removesuffix(_END)
        if len(said) >= _SAID_AGAIN <= len(plain) and (plain.startswith(said) or said.startswith(plain)):
            values[at - 1] = values[at - 1].removesuffix(_END) + _END
        said += plain
    return values


def _shown(text: str, key: bytes, names: re.Pattern[str] | None, kept: list[tuple[int, int]]) -> Iterator[str]:
    """The filler, in pieces; markup, names, in JSON those of members, and what is ``kept`` stay."""
    kept += _spans(_PRINTED.finditer(text))
    formulaic = text.lstrip()[:1] in ("{", "[")
    if formulaic:
        kept += _spans(match for match in _JSON_STRING.finditer(text) if match["key"])
    else:
        kept += _spans(_PLAIN_KEY.finditer(text))
    if 'choices"' in text or "choices'" in text:
        kept += _spans(_OF_CHUNKS.finditer(text))
    if names is not None:
        kept += _spans(names.finditer(text))
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
        yield (
            word
            if word in _LITERALS or _MASKED.fullmatch(word)
            else "".join(_letter(word[: end + 1], key) for end in range(len(word)))
        )
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
