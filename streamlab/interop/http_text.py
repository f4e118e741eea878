"""HTTP heads as a terminal shows them."""

from __future__ import annotations

import re

from streamlab.exchange import Headers, Request, ResponseHead
from streamlab.lazy_pattern import lazy_pattern

STATUS = lazy_pattern(rb"^HTTP/(\d(?:\.\d)?) (\d{3})(?: ([^\r\n]*))?\r?$", re.MULTILINE)
_REQUEST = lazy_pattern(rb"^(GET|POST|PUT|PATCH|DELETE|HEAD) (\S+) HTTP/(?:1\.[01]|2(?:\.0)?|3)\r?$", re.MULTILINE)
_HEAD_END = lazy_pattern(rb"\r?\n\r?\n")


def headers_of(block: bytes) -> Headers:
    """The lines of a head that are headers."""
    pairs = []
    for line in block.replace(b"\r\n", b"\n").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip():
            pairs.append((name.strip().decode("latin-1"), value.strip().decode("latin-1")))
    return tuple(pairs)


def head_and_rest(data: bytes, at: int = 0) -> tuple[ResponseHead | None, bytes]:
    """The last response head that begins at ``at`` (100 Continue, redirects, proxies come first), and what follows.

    A head is behind another only where that one has no body of its own.
    """
    head: ResponseHead | None = None
    while head is None or _goes_on(head):
        status = STATUS.match(data, at)
        end = _HEAD_END.search(data, status.end()) if status is not None else None
        if status is None or end is None:
            break
        reason = (status[3] or b"").decode("latin-1").strip()
        headers = headers_of(data[status.end() : end.start()])
        head = ResponseHead(int(status[2]), headers, reason=reason, http_version=status[1].decode())
        at = end.end()
    return head, data[at:]


def _goes_on(head: ResponseHead) -> bool:
    return head.status < 200 or 300 <= head.status < 400 or "established" in head.reason.lower()


def request_and_rest(data: bytes) -> tuple[Request | None, bytes]:
    """The request head that ``data`` begins with, and its body; None where there is none."""
    found = _REQUEST.search(data)
    if found is None:
        return None, data
    end = _HEAD_END.search(data, found.end())
    headers = headers_of(data[found.end() : end.start() if end is not None else len(data)])
    host = next((value for name, value in headers if name.lower() == "host"), "")
    path = found[2].decode("latin-1")
    url = path if "://" in path or not host else f"http://{host}{path}"
    body = data[end.end() :] if end is not None else b""
    return Request(found[1].decode(), url, headers, body.strip() or None), b""
