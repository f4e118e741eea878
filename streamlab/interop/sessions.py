"""What programs around a terminal add to what ran in it: ``script``, bash's ``time``, ``diff``, HTTPie.

HTTPie shows the JSON of an event over several lines, its members sorted, where it writes to a terminal; that it was
HTTPie stands in the request above.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

from streamlab.interop.pasted import Paste, whole_json
from streamlab.lazy_pattern import lazy_pattern

_SCRIPT = lazy_pattern(rb"\AScript started on [^\n]*\n(.*?)(?:\r?\nScript done on [^\n]*\s*)?\Z", re.DOTALL)
_TIMED = lazy_pattern(rb"\n(?:(?:real|user|sys)\t?\s{0,8}\d+[hms.\d]*\r?\n?){3}\s*\Z")
_HUNK = lazy_pattern(rb"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@", re.MULTILINE)
_ELAPSED = lazy_pattern(rb"\n\nElapsed time: [\d.e-]+s\s*\Z")
_PRETTY = lazy_pattern(rb"((?:\n*[a-z]{2,5}: [^\n]*\n)*data: )([{\[]\n {4}.*)\Z", re.DOTALL)


def peel_session(paste: Paste) -> Paste | None:
    """A typescript's first and last line, with the line ends that a terminal made of line feeds; the times of bash."""
    body = _TIMED.sub(b"\n", paste.body)
    script = _SCRIPT.match(body)
    if script is not None:
        body = script[1].replace(b"\r\n", b"\n")
    return replace(paste, body=body, took=(*paste.took, "a terminal session's lines")) if body != paste.body else None


def peel_diff(paste: Paste) -> Paste | None:
    """A unified diff: the lines as they are after it."""
    if _HUNK.search(paste.body) is None:
        return None
    kept, inside = [], False
    for line in paste.body.splitlines(keepends=True):
        if _HUNK.match(line):
            inside = True
        elif line.startswith((b"diff --git ", b"--- ", b"index ")):
            inside = False
        elif inside and line[:1] in (b"+", b" "):
            kept.append(line[1:])
    return replace(paste, body=b"".join(kept), took=(*paste.took, "a diff's marks"))


def peel_httpie(paste: Paste) -> Paste | None:
    """Events that HTTPie wrote over several lines each."""
    asked = paste.request.headers if paste.request is not None else ()
    if not any(name.lower() == "user-agent" and value.startswith("HTTPie/") for name, value in asked):
        return None
    text = _ELAPSED.sub(b"\n\n", paste.body).replace(b"\r\n", b"\n")
    events = text.split(b"\n\n")
    shown = [_on_a_line(one) for one in events]
    if shown == events:
        return None
    return replace(paste, body=b"\n\n".join(shown), framed=False, took=(*paste.took, "HTTPie's indentation"))


def _on_a_line(event: bytes) -> bytes:
    found = _PRETTY.match(event)
    value = whole_json(found[2]) if found is not None else None
    if found is None or value is None:
        return event
    return found[1] + json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
