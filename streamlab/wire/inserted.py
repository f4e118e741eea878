"""What was written into the middle of an event, by somebody on the way who did not look where the event ends.

A keep-alive comment tears a payload in two; a frame that was cut has a whole one behind it on the same line. Both are
told by what is left without them: it has to be JSON.
"""

from __future__ import annotations

import re

from streamlab.lazy_pattern import lazy_pattern
from streamlab.record import Record
from streamlab.wire.json_values import split_values
from streamlab.wire.payload import FaultKind, decode_payload

#: Comments that are known to keep connections alive: with a blank line behind it such a one is no text of an answer,
#: even inside a string.
_KNOWN = lazy_pattern(
    rb":[ \t]?(?:[A-Z]{0,20}[ \t-]?PROCESSING|(?:sse[ _-])?(?:keep[ _-]?alive|heart[ _-]?beat|ping|pong))"
    rb"(?:[ \t][\d.:TZ+-]{1,40})?[ \t]*\Z",
    re.IGNORECASE,
)
#: Any comment: believed where no string is open.
_ANY = lazy_pattern(rb":[^\"{}\[\],\r\n]{0,120}\Z")
#: A keep-alive that is an event of its own, with its data as the payload holds it: without the field name.
_PING = lazy_pattern(
    rb"event:[ \t]?(?:ping|keep[ _-]?alive|heart[ _-]?beat)\n[^\"{}\r\n]{0,60}(?:\{[^{}\r\n]{0,60}\})?\Z"
    rb"|data:[ \t]?\{\"type\": ?\"(?:ping|keep[ _-]?alive|heart[ _-]?beat)\"[^{}\r\n]{0,60}\}\Z"
)
_TOKEN = lazy_pattern(rb'[{}\[\],:]|"(?:[^"\\]|\\.)*(?P<closed>"?)', re.DOTALL)
_LINE_END_BEFORE = lazy_pattern(rb"(?:\r\n|\n|\r)\Z")
_TAIL = 200  # longer than any of them
_LINE_ENDS = lazy_pattern(rb"(?:\r\n|\n|\r){1,2}")
_NEXT = lazy_pattern(rb"(?:[\r\n]*data:[ \t]*|[\r\n]+)(?=\{|\[DONE\])")
_NAME = lazy_pattern(rb"(?<=\})event:[ \t]?(?P<name>[\w.-]{1,80})\Z")
_JUNK = lazy_pattern(rb"(?!data:|:)[^\"{}\r\n]{1,40}?data:[ \t]?(?=\{|\[DONE\])")
#: What may be a field with a name of its own, or another field: then only a chunk behind it is believed.
_FIELD = lazy_pattern(rb"(?:event|id|retry):|.*[\w-]data:[ \t]?\Z", re.DOTALL)
_MOST, _LARGEST = 8, 1 << 20
#: What is to be said of a text where `may_be_comment`.
IN_DOUBT = "a colon and a blank line stand in a text: its own, or a comment that was written into it"


class Without(Record, frozen=True):
    """A payload without what was written into it, and that."""

    payload: bytes
    inserted: tuple[bytes, ...]


def keeps_alive(line: bytes) -> bool:
    """Whether a line is a comment that is known to keep connections alive."""
    return line[:1] == b":" and _KNOWN.match(line) is not None


def comment_at_end(text: bytes, *, blank_line: bool = True) -> tuple[bytes, bytes] | None:
    """JSON that stops in the middle, and the comment behind it; None when ``text`` does not end in one.

    ``blank_line`` says whether the comment has a blank line of its own.
    """
    match = _PING.search(text, max(0, len(text) - _TAIL)) if blank_line else None
    match = match or _KNOWN.search(text, max(0, len(text) - _TAIL))
    if match is None or (not blank_line and is_open(text)):
        match = _ANY.search(text, max(0, len(text) - _TAIL))
        if match is None or (is_open(text) and not (text.endswith(b":") and blank_line and _in_name(text))):
            return None
        if is_open(text):
            return text[:-1], b":"
    rest = _LINE_END_BEFORE.sub(b"", text[: match.start()])  # what wrote it began a line of its own
    return (rest, match.group()) if is_open(rest) else None


def without_comments(text: bytes) -> Without | None:
    """A JSON object without the comments that tore it, each with its line end; None where that makes none."""
    found: list[bytes] = []
    at = tried = 0
    while tried < _MOST and len(text) <= _LARGEST and (ends := _LINE_ENDS.search(text, at)) is not None:
        tried += 1
        torn = comment_at_end(text[: ends.start()], blank_line=ends.group() not in (b"\n", b"\r", b"\r\n"))
        if torn is None:
            at = ends.end()
            continue
        found.append(torn[1])
        text, at = torn[0] + text[ends.end() :], len(torn[0])
        if _is_object(text):
            return Without(text, tuple(found))
    return None


def comment_behind(text: bytes) -> Without | None:
    """A whole JSON object without the comment that was written behind it on its line."""
    match = _ANY.search(text, max(0, len(text) - _TAIL))
    if match is None or not _is_object(text[: match.start()].rstrip()):
        return None
    return Without(text[: match.start()].rstrip(), (match.group(),))


def spliced(text: bytes) -> tuple[bytes, list[bytes]] | None:
    """A frame that was cut, and the whole ones that follow on the same line; None when it is something else."""
    if not text.lstrip().startswith(b"{") or len(text) > _LARGEST:
        return None
    for match, _ in zip(_NEXT.finditer(text), range(_MOST), strict=False):
        whole = split_values(text[match.end() :])
        if whole and all(one == b"[DONE]" or _is_object(one) for one in whole):
            return text[: match.start()], whole
    return None


def bare_line(line: bytes) -> bytes:
    """A line without blanks around it, and without what parts a JSON object in a list from others."""
    stripped = line.strip()
    if stripped[:1] not in (b",", b"[") and stripped[-1:] not in (b",", b"]"):
        return stripped
    without = stripped.strip(b"[], \t")
    return without if _is_object(without) else stripped


def whole_first(lines: list[bytes]) -> list[bytes]:
    """The whole payloads that lines of data begin with, each on its line, and what is left behind them, as one."""
    whole = 0
    while whole < len(lines) - 1 and (lines[whole].strip() == b"[DONE]" or _is_object(lines[whole])):
        whole += 1
    return [*lines[:whole], b"\n".join(lines[whole:])]


def may_go_on(begun: bytes, more: bytes) -> bool:
    """Whether the beginning of a payload may be continued by what looks like another one."""
    torn = comment_at_end(begun)
    texts = [begun + more] if torn is None else [begun + more, torn[0] + more]
    return any(is_open(text) or _is_object(text) or comment_at_end(text) is not None for text in texts)


def junk_before_data(line: bytes) -> tuple[bytes, bytes] | None:
    """What stands before ``data:`` on its line, and the JSON object or ``[DONE]`` behind; None where nothing does."""
    match = _JUNK.match(line)
    if match is None or len(line) > _LARGEST:
        return None
    payload = line[match.end() :]
    if _FIELD.match(match.group()) and b'"choices"' not in payload:
        return None
    return (match.group(), payload) if payload.strip() == b"[DONE]" or _is_object(payload) else None


def chunk_behind(line: bytes) -> tuple[bytes, bytes] | None:
    """Another field that lost its line end, and the chunk behind it; None where there is none."""
    at = line.find(b"{")
    whole = at > 0 and b'"choices"' in line and len(line) <= _LARGEST and _is_object(line[at:])
    return (line[:at], line[at:]) if whole else None


def name_behind(line: bytes) -> tuple[bytes, bytes] | None:
    """A JSON object, and the name of the next event that lost the line end before it; None where it is not that."""
    match = _NAME.search(line, max(0, len(line) - _TAIL))
    if match is None or len(line) > _LARGEST or not _is_object(line[: match.start()]):
        return None
    return line[: match.start()], match["name"]


def is_open(text: bytes) -> bool:
    """Whether this is the beginning of a JSON object."""
    if not text.lstrip().startswith(b"{"):
        return False
    return any(fault.kind is FaultKind.TRUNCATED for fault in decode_payload(text).faults)


def _in_name(text: bytes) -> bool:
    """Whether JSON stops within the name of a member, in which no line ends: what tore it is none of its own."""
    inside, before = bytearray(), b""
    for token in _TOKEN.finditer(text):
        one = token.group()[:1]
        if one == b'"' and not token["closed"]:
            return inside[-1:] == b"{" and before in (b"{", b",")
        if one in (b"{", b"["):
            inside += one
        elif one in (b"}", b"]"):
            del inside[-1:]
        before = one
    return False


def may_be_comment(torn: bytes) -> bool:
    """Whether JSON that stops in the middle ends in a colon within a text: the text's own, or a comment that says
    nothing, which nobody can tell where a blank line follows."""
    return torn.endswith(b":") and is_open(torn) and not _in_name(torn)


def _is_object(text: bytes) -> bool:
    payload = decode_payload(text)
    trailing = any(fault.kind is FaultKind.TRAILING_TEXT for fault in payload.faults)
    return payload.ok and type(payload.value) is dict and not trailing
