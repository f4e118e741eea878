"""Whether people left something out of what they pasted: ``…`` in place of the rest of an event, or of events."""

from __future__ import annotations

import re
from collections.abc import Iterator

from streamlab.interop.pasted import events_of, reads
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

_DOTS = rb"(?:\xe2\x80\xa6|\.{3,}|\xe2\x8b\xae)"
_WORDS = rb"(?:\d+ (?:more|other)|more|snip|snipped|omitted|truncated|shortened|skipped|cut|etc\.?)"
#: A line of its own that stands for what was left out: ``…``, ``[...]``, ``(truncated)``, ``... 120 more chunks ...``.
_LINE = lazy_pattern(
    rb"[ \t]*(?:[#/*<\[({-]{1,3}[ \t]*)?(?:" + _DOTS + rb"(?:[ \t]*" + _WORDS + rb"[^\"{}:\r\n]{0,40})?|"
    rb"[<\[({][ \t]*" + _WORDS + rb"[^\"{}:\r\n]{0,40})[ \t]*" + _DOTS + rb"?[ \t]*[\])>}*/-]{0,3}[ \t]*",
    re.IGNORECASE,
)
#: What closes brackets may stand behind the dots.
_AT_END = lazy_pattern(_DOTS + rb"[\"\s\]})]*\Z")
_HERE = lazy_pattern(rb"[\s,]*" + _DOTS)


def is_shortened(body: bytes) -> bool:
    """Whether something of a pasted stream was left out: an event stops at dots and whole ones follow, its JSON has
    dots where a member belongs, or a line among events is nothing but dots or says that some were left out."""
    if b"..." not in body and b"\xe2\x80\xa6" not in body and not re.search(rb"(?i)[<\[({][ \t]*" + _WORDS, body):
        return False
    return any(_left_out(body))


def _left_out(body: bytes) -> Iterator[bool]:
    stops = whole = False
    for event in events_of(body):
        if event.data is None or not event.plain:
            among = whole and any(_LINE.fullmatch(line.content) for line in event.filled_lines())
            yield among and (event.data is None or reads(event.data))
        if event.data is None:
            continue
        whole = reads(event.data)
        yield stops and whole
        stops = not whole and _AT_END.search(event.data) is not None
        yield not whole and _has_dots_for_a_member(event.data)


def _has_dots_for_a_member(data: bytes) -> bool:
    """Whether JSON is broken at dots, outside of any string."""
    faults = decode_payload(data).faults
    return data.lstrip().startswith(b"{") and any(_HERE.match(data, fault.at) for fault in faults)
