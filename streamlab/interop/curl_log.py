"""What a terminal shows of ``curl -iN``: an optional command line, the response head, the body as it came.

The log holds no times and cannot show how the connection ended, so a pasted one reads as complete with timing
unknown. curl itself undoes HTTP chunks.
"""

from __future__ import annotations

import shlex

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, Request
from streamlab.interop.curl_command import request_of
from streamlab.interop.http_text import STATUS, head_and_rest
from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import redact_headers, redact_url
from streamlab.storage.bare_body import one_segment

_PROMPT = lazy_pattern(rb"(?:[$%#>]\s*)?curl(?:\.exe)?\s")
_HOP_HEADERS = frozenset({"transfer-encoding", "content-length", "connection", "host"})


def curl_command(exchange: Exchange) -> str:
    """The request as a curl command, ready to paste; secrets are taken out and named in the environment instead."""
    request = exchange.request or Request("GET", "http://127.0.0.1/")
    words = ["curl", "-iN"]
    if request.method != ("POST" if request.body else "GET"):
        words += ["-X", request.method]
    words.append(redact_url(request.url))
    for name, value in redact_headers(request.headers):
        if name.lower() not in _HOP_HEADERS and not name.startswith("@"):  # curl reads @name from a file
            words += ["-H", f"{name}: {value}"]
    if request.body:
        words += ["--data-raw", request.body.decode("utf-8", "backslashreplace")]
    return shlex.join(words)


def lost(exchange: Exchange) -> list[str]:
    """What such a log cannot hold of this exchange, in words."""
    missing = []
    if exchange.timing_known and exchange.segments:
        missing.append("arrival times")
    if exchange.http_chunks is not None:
        missing.append("HTTP chunks")
    if exchange.ending is not Ending.COMPLETE:
        missing.append(f"the ending ({exchange.ending})")
    body = exchange.request.body if exchange.request is not None else None
    if body and not _is_text(body):
        missing.append("a request body that is no text")
    return missing


def _is_text(body: bytes) -> bool:
    try:
        return "\0" not in body.decode("utf-8")
    except UnicodeDecodeError:
        return False


def to_curl_log(exchange: Exchange) -> bytes:
    """The command and what it would have shown."""
    head = exchange.head
    lines = [f"$ {curl_command(exchange)}".encode("utf-8", "surrogatepass")]
    if head is None:
        return lines[0] + b"\n"
    version = head.http_version
    lines.append(f"HTTP/{version} {head.status} {head.reason}".rstrip().encode("latin-1", "replace") + b"\r")
    for name, value in redact_headers(head.headers):
        lines.append(f"{name}: {value}\r".encode("latin-1", "replace"))
    return b"\n".join(lines) + b"\n\r\n" + exchange.body


def is_curl_log(data: bytes) -> bool:
    """Whether this begins as such a log does."""
    return STATUS.match(data) is not None or (_PROMPT.match(data) is not None and STATUS.search(data) is not None)


def from_curl_log(data: bytes) -> Exchange:
    """The exchange a log shows; the last head counts where there are several (100 Continue, redirects, proxies)."""
    first = STATUS.search(data)
    if first is None:
        raise UnreadableInputError("no status line in this curl log: was it made with -i?")
    request = request_of(data[: first.start()].decode("utf-8", "replace")) if first.start() else None
    head, body = head_and_rest(data, first.start())
    if head is None:
        raise UnreadableInputError("the response head of this curl log is not complete")
    return Exchange(request=request, head=head, segments=one_segment(body), notes={"imported_as": "curl"})
