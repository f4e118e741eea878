"""Events as a program with windows lists them: Postman's stream of messages, and lists that resemble it.

Each message is the data of an event on a line of its own; around it stand its name, its time, and what became of the
connection. The wire is gone.
"""

from __future__ import annotations

from dataclasses import replace

from streamlab.interop.pasted import Paste, whole_json
from streamlab.interop.peeling import json_lines
from streamlab.lazy_pattern import lazy_pattern

_TIME = rb"(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?[ T])?\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp][Mm])?Z?"
_STAMP = lazy_pattern(rb"(?:[\w.\-\xe2\x80\x93\x86\x93]{0,60}[ \t]+)?" + _TIME)
_NAME = lazy_pattern(rb"[A-Za-z][\w.]{0,60}:?")
_STATE = lazy_pattern(rb"(?:Connected|Connecting|Connection|Disconnected|Reconnecting)\b[^{\n]{0,300}")


def peel_messages(paste: Paste) -> Paste | None:
    """The messages of a list; None where a line is none, and where nothing shows that it is a list."""
    values, done, listed = [], False, False
    for line in map(bytes.strip, paste.body.splitlines()):
        if line == b"[DONE]":
            done = True
        elif line[:1] == b"{":
            value = whole_json(line)
            if not isinstance(value, dict):
                return None
            values.append(value)
        elif _STAMP.fullmatch(line) or _STATE.fullmatch(line):
            listed = True
        elif line and not _NAME.fullmatch(line):
            return None
    if not values or not listed:
        return None
    body = json_lines(values) + (b"data: [DONE]\n\n" if done else b"")
    return replace(paste, body=body, framed=False, took=(*paste.took, "a list of messages"))
