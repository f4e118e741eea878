"""What a terminal shows of ``curl -iN``: an optional command line, the response head, the body as it came.

The log holds no times and cannot show how the connection ended, so a pasted one reads as complete with timing
unknown. curl itself undoes HTTP chunks.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Ending, Exchange, Headers, Request, ResponseHead, Segment
from streamlab.redaction import redact_headers, redact_url

_STATUS = re.compile(rb"HTTP/(\d(?:\.\d)?) (\d{3})(?: ([^\r\n]*))?\r?\n")
_PROMPT = re.compile(rb"\s*(?:[$%#>]\s*)?curl\s")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_HOP_HEADERS = frozenset({"transfer-encoding", "content-length", "connection", "host"})
#: curl's options whose next word is their value.
_TAKES_VALUE = frozenset(
    ("-H", "--header", "-d", "--data", "--data-raw", "--data-binary", "--json", "-X", "--request", "--url", "-o", "-m")
)


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
    start = data.lstrip()[:4096]
    return bool(_STATUS.match(start)) or bool(_PROMPT.match(start) and _STATUS.search(data))


def from_curl_log(data: bytes) -> Exchange:
    """The exchange a log shows; the last head counts where there are several (100 Continue, redirects, proxies)."""
    data = data.lstrip()
    request = None
    if not _STATUS.match(data):
        first = _STATUS.search(data)
        if first is None:
            raise UnreadableInputError("no status line in this curl log: was it made with -i?")
        request = _request(data[: first.start()])
        data = data[first.start() :]
    while True:
        status, end = _STATUS.match(data), _HEAD_END.search(data)
        if status is None or end is None:
            raise UnreadableInputError("the response head of this curl log is not complete")
        head_bytes, body = data[status.end() : end.start()], data[end.end() :]
        if not (100 <= int(status.group(2)) < 200 or (300 <= int(status.group(2)) < 400 and _STATUS.match(body))):
            break
        data = body
    head = ResponseHead(
        int(status.group(2)),
        _headers(head_bytes),
        reason=(status.group(3) or b"").decode("latin-1").strip(),
        http_version=status.group(1).decode(),
    )
    segments = (Segment(None, body),) if body else ()
    return Exchange(request=request, head=head, segments=segments, notes={"imported_as": "curl"})


def _headers(block: bytes) -> Headers:
    pairs = []
    for line in block.replace(b"\r\n", b"\n").split(b"\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip():
            pairs.append((name.strip().decode("latin-1"), value.strip().decode("latin-1")))
    return tuple(pairs)


def _request(command: bytes) -> Request | None:
    """The request of a pasted command line; None when it cannot be understood."""
    text = command.decode("utf-8", "replace").replace("\\\n", " ")
    try:
        words = shlex.split(text[text.index("curl") :])
    except ValueError:
        return None
    method, url, body, headers = None, "", None, []
    at = 1
    while at < len(words):
        word, value = words[at], words[at + 1] if at + 1 < len(words) else ""
        at += 2 if word in _TAKES_VALUE else 1
        if word in ("-X", "--request"):
            method = value
        elif word in ("-H", "--header"):
            name, _, content = value.partition(":")
            headers.append((name.strip(), content.strip()))
        elif word in ("-d", "--data", "--data-raw", "--data-binary", "--json"):
            body = value.encode("utf-8", "surrogatepass")
        elif word == "--url" or (not word.startswith("-") and not url and _is_url(word)):
            url = value if word == "--url" else word
    if not url:
        return None
    return Request(method or ("POST" if body is not None else "GET"), url, tuple(headers), body)


def _is_url(word: str) -> bool:
    try:
        return bool(urlsplit(word).netloc) or "/" in word or ":" in word
    except ValueError:
        return False
