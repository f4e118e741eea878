"""What a terminal, a log or a chat window adds to a stream, taken off layer by layer.

Each function takes one kind of thing off a `Paste` and gives another, or None where it sees none of its kind. Whether
the result reads better than before is judged by who calls them.
"""

from __future__ import annotations

import ast
import html
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from streamlab.exchange import Request
from streamlab.interop.curl_command import request_of
from streamlab.interop.http_text import head_and_rest, request_and_rest
from streamlab.interop.pasted import FIELD, Paste, reads, score, whole_json
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

_ANSI = lazy_pattern(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_COMMAND = lazy_pattern(
    rb"\s*(?:[^\n]{0,60}[$%#>] |\++ )?curl(?:\.exe)?\s[^\n]*(?:(?<=[\\^`])\n[^\n]*|(?<=[\\^`]\r)\n[^\n]*)*"
)
_TAG = lazy_pattern(rb"</?(?:pre|code|div|span|p|br|samp)(?: [^<>]{0,200})?/?>", re.IGNORECASE)
_PROMPT = lazy_pattern(rb"\n(?!data|event|id|retry|:)[^\n]{0,60}[$%#>] ?\s*\Z")
_FENCE = lazy_pattern(
    rb"^[ \t>]*(?:```|~~~)[^\n`]*\n(.*?)(?:^[ \t>]*(?:```|~~~)[ \t]*\r?$|\Z)", re.MULTILINE | re.DOTALL
)
_NOFORMAT = lazy_pattern(
    rb"^\{(noformat|code)(?:[:|][^}\n]{0,200})?\}[ \t]*\r?\n(.*?)(?:^\{\1\}|\Z)", re.MULTILINE | re.DOTALL
)
_CURL_LINE = lazy_pattern(rb"^(?:\* |< HTTP/|> [A-Z]+ \S+ HTTP/)|[{}] \[\d+ bytes data\]", re.MULTILINE)
_CURL_STAMP = lazy_pattern(
    rb"^(?:\d\d:\d\d:\d\d\.\d{6} )(?:\[\d+-\d+\] )?(?=(?:[*<>]|[{}] \[\d+ bytes data\])(?: |\r?$))", re.MULTILINE
)
_CURL_DATA = lazy_pattern(rb"[{}] \[\d+ bytes data\]\r?\n?")
_CURL_NOTE = lazy_pattern(
    rb"^\* .*\n?|\* (?:Connection #\d+ to host|Closing connection|Excess found).*\n?", re.MULTILINE
)
_METER = lazy_pattern(
    rb"^ *% Total .*\n|^ *Dload .*\n|\r? {0,3}\d{1,3} [ \d.kMG]{10,50}"
    rb"(?: {1,4}[-\d]{1,3}:[-\d]{2}:[-\d]{2}){3} {1,6}[\d.kMG]+\r?\n?",
    re.MULTILINE,
)
_NAMED = lazy_pattern(rb"(?:data|event|id|retry):")
_INNER_FIELD = lazy_pattern(rb"(?<![\w\"'])(?:data|event|id|retry): ?(?=[{\[\w])")
#: A line of the runner's own in the log of a build.
_CI_MARK = lazy_pattern(rb"##\[[a-z]+\]|::(?:end)?group::")
_LITERAL = lazy_pattern(rb"(?:^|[\s,(\[:=])(b?)(['\"])(?=(?:data|event|id|retry)?:|\\n|\\r|\2)")
_LOG_KEYS = ("log", "message", "msg", "line", "text", "MESSAGE", "textPayload", "body")
_MOST_LITERALS = 100_000


def peel_utf16(paste: Paste) -> Paste | None:
    """What Windows PowerShell wrote with ``>``: UTF-16, and its own line ends in place of the stream's."""
    body = paste.body
    codec = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}.get(body[:2])
    if codec is None and len(body) >= 8 and body[1:200:2].count(0) == len(body[1:200:2]):
        codec = "utf-16-le"
    if codec is None:
        return None
    text = body.decode(codec, "replace").replace("\r\n", "\n").removeprefix("\ufeff")
    return replace(paste, body=text.encode("utf-8", "replace"), took=(*paste.took, "UTF-16"))


def peel_colours(paste: Paste) -> Paste | None:
    """A terminal's colours and cursor movements."""
    body = _ANSI.sub(b"", paste.body)
    return replace(paste, body=body, took=(*paste.took, "a terminal's colours")) if body != paste.body else None


def peel_command(paste: Paste) -> Paste | None:
    """The command line above what it printed."""
    found = _COMMAND.match(paste.body)
    if found is None:
        return None
    request = request_of(found[0].decode("utf-8", "replace"))
    rest = _PROMPT.sub(b"\n", paste.body[found.end() :].lstrip(b"\r\n"))
    took = (*paste.took, "a command line")
    return replace(paste, body=rest, request=paste.request or request, took=took)


def peel_fences(paste: Paste) -> Paste | None:
    """Text around a block fenced off in Markdown or Jira; the block that reads best is the stream."""
    blocks = [found[1] for found in _FENCE.finditer(paste.body)] + [
        found[2] for found in _NOFORMAT.finditer(paste.body)
    ]
    if not blocks:
        return None
    best = max(blocks, key=score)
    return replace(paste, body=best, took=(*paste.took, "a fence"))


def peel_curl_verbose(paste: Paste) -> Paste | None:
    """``curl -v``: its notes, both heads, and the marks of its reads, wherever they came between the bytes."""
    body = _CURL_STAMP.sub(b"", paste.body)
    if not _CURL_LINE.search(body) and not _METER.search(body):
        return None
    notes = _CURL_NOTE.findall(body)
    if notes and all(one.endswith(b"\r\n") for one in notes):  # curl ends its own lines with a line feed
        body = body.replace(b"\r\n", b"\n")
    sent = b"".join(line[1:].lstrip() for line in _marked(body, b">"))
    came = b"".join(line[1:].lstrip() for line in _marked(body, b"<"))
    request, _ = request_and_rest(sent)
    head, _ = head_and_rest(came)
    rest = _METER.sub(b"", _CURL_NOTE.sub(b"", _CURL_DATA.sub(b"", body)))
    rest = b"".join(line for line in rest.splitlines(keepends=True) if line[:1] not in b"<>" or not _is_marked(line))
    return replace(
        paste,
        body=rest,
        head=head or paste.head,
        request=_fuller(paste, request),
        took=(*paste.took, "curl's own lines"),
    )


def _is_marked(line: bytes) -> bool:
    return line[:2] in (b"< ", b"> ", b"<\n", b">\n", b"<\r", b">\r", b"<", b">")


def _marked(body: bytes, mark: bytes) -> Iterator[bytes]:
    for line in body.splitlines(keepends=True):
        if line[:1] == mark and _is_marked(line):
            yield line


def _fuller(paste: Paste, request: Request | None) -> Request | None:
    """A request with a body, from wherever it comes, rather than one without."""
    old = paste.request
    return old if old is not None and (request is None or old.body is not None) else request


def peel_json_log(paste: Paste) -> Paste | None:
    """Lines of JSON that each hold a piece of text, as docker's json-file driver writes them, or one JSON string."""
    pieces: list[str] = []
    whole = whole_json(paste.body)
    if isinstance(whole, str):
        pieces = [whole]
    elif isinstance(whole, list) and all(isinstance(one, str) for one in whole):
        pieces = _ended(whole)
    else:
        lines = [line.lstrip() for line in paste.body.splitlines() if line.strip()]
        values = [decode_payload(line).value if line[:1] in (b"{", b'"') else None for line in lines]
        keys = (*_telling_keys(values), *_LOG_KEYS)
        for value in _of_one_stream(values, keys):
            text = value if isinstance(value, str) else _logged(value, keys)
            if text is None:
                return None
            pieces.append(text)
        pieces = _ended(pieces)
    if not pieces:
        return None
    return replace(paste, body="".join(pieces).encode("utf-8", "replace"), took=(*paste.took, "JSON strings"))


def _of_one_stream(values: list[Any], keys: tuple[str, ...]) -> list[Any]:
    """Without what a container wrote to its other output, where the stream is on one of the two alone (docker)."""
    told = {
        value.get("stream")
        for value in values
        if isinstance(value, dict) and _NAMED.match((_logged(value, keys) or "").encode("utf-8", "replace"))
    }
    if told not in ({"stdout"}, {"stderr"}):
        return values
    return [value for value in values if not isinstance(value, dict) or value.get("stream") in told]


def _telling_keys(values: list[Any]) -> list[str]:
    """Members under which a log of objects has the lines of a stream, whatever they are called."""
    found = Counter(
        key
        for value in values
        if isinstance(value, dict)
        for key, held in value.items()
        if isinstance(held, str) and _NAMED.match(held.encode("utf-8", "replace"))
    )
    return [key for key, _ in found.most_common(1)]


def _logged(value: object, keys: tuple[str, ...]) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((value[key] for key in keys if isinstance(value.get(key), str)), None)


def _ended(pieces: list[str]) -> list[str]:
    """Pieces that carry no line ends are lines."""
    return pieces if any("\n" in one for one in pieces) else [f"{one}\n" for one in pieces]


def peel_literals(paste: Paste) -> Paste | None:
    """Python's and JavaScript's string literals, one a line or in a list: quotes off, escapes undone."""
    pieces: list[bytes] = []
    for line in paste.body.splitlines():
        found = _LITERAL.search(line)
        while found is not None and len(pieces) < _MOST_LITERALS:
            stop = _literal_end(line, found.end(), found[2])
            if stop < 0:
                break
            value = _evaluated(line[found.start(1) : stop])
            if value is not None:
                pieces.append(value)
            found = _LITERAL.search(line, stop)
    if not any(b":" in one and b"{" in one for one in pieces):
        return None  # a program's own words
    if not any(b"\n" in one or b"\r" in one for one in pieces):
        pieces = [one + b"\n" for one in pieces]
    return replace(paste, body=b"".join(pieces), took=(*paste.took, "string literals"))


def _literal_end(line: bytes, at: int, quote: bytes) -> int:
    while (stop := line.find(quote, at)) >= 0:
        backslashes = len(line[at:stop]) - len(line[at:stop].rstrip(b"\\"))
        if backslashes % 2 == 0:
            return stop + 1
        at = stop + 1
    return -1


def _evaluated(literal: bytes) -> bytes | None:
    try:
        value = ast.literal_eval(literal.decode("utf-8", "replace"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if isinstance(value, str):  # JSON writes a character beyond the first plane as two escapes
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    return value if isinstance(value, bytes) else None


def peel_numbers(paste: Paste) -> Paste | None:
    """Each line's number on a line of its own above it (``sed =``)."""
    lines = paste.body.rstrip(b"\r\n").split(b"\n")
    if len(lines) < 4 or any(line.strip() != b"%d" % (at + 1) for at, line in enumerate(lines[::2])):
        return None
    return replace(paste, body=b"\n".join(lines[1::2]) + b"\n", took=(*paste.took, "the numbers of lines"))


def peel_html(paste: Paste) -> Paste | None:
    """A page's marks around text, and its escapes."""
    if b"&quot;" not in paste.body and b"&#34;" not in paste.body:
        return None
    text = html.unescape(_TAG.sub(b"", paste.body).decode("utf-8", "replace"))
    return replace(paste, body=text.encode("utf-8", "replace"), took=(*paste.took, "a page's marks"))


def peel_prefixes(paste: Paste) -> Paste | None:
    """What stands before every line: numbers, timestamps, a service's or logger's name, a quote's mark, indentation."""
    lines = paste.body.replace(b"\r\n", b"\n").split(b"\n")
    kinds = Counter(prefix for line in lines if (prefix := _skeleton(line)) is not None)
    if not kinds:
        return None
    skeleton, count = kinds.most_common(1)[0]
    if not skeleton or 2 * count < sum(kinds.values()):
        return None
    pattern = re.compile(_pattern(skeleton))
    kept = []
    for line in lines:
        found = pattern.match(line)
        if found is not None:
            kept += [] if _CI_MARK.match(line, found.end()) else [line[found.end() :]]
        elif not line.strip() or re.fullmatch(rb"\s*\d+\s*[:|]?\s*", line):
            kept.append(b"")
    return replace(paste, body=b"\n".join(kept), took=(*paste.took, "what stood before each line"))


def _skeleton(line: bytes) -> bytes | None:
    """What stands before a line's field, digits alike; None for a line that has none."""
    found = _INNER_FIELD.search(line)
    if found is None:
        return None
    prefix = line[: found.start()]
    if FIELD.match(prefix) or b'{"' in prefix or len(prefix) > 200:
        return b""
    if prefix and prefix != b"+" and prefix[-1:] not in b" \t|:>])}":
        return None  # a word that ends in the name of a field
    return re.sub(rb"\d+", b"0", prefix)


def _pattern(skeleton: bytes) -> bytes:
    parts = re.split(rb"(0|[ \t]+)", skeleton)
    made = []
    for at, part in enumerate(parts):
        last = at >= len(parts) - 2 and not b"".join(parts[at + 1 :]).strip()
        if part == b"0":
            made.append(rb"\d+")
        elif part.isspace():
            made.append(rb"[ \t]?" if last and len(part) == 1 else rb"[ \t]{0,%d}" % max(len(part) + 4, 8))
        else:
            made.append(re.escape(part))
    return b"".join(made)


def peel_wraps(paste: Paste) -> Paste | None:
    """Lines that a terminal broke at its width: joined where everything then reads as JSON."""
    lines = paste.body.replace(b"\r\n", b"\n").split(b"\n")
    widths = [_width(line) for line in lines]
    edge = max(widths, default=0)
    if edge < 20:
        return None
    parts: list[list[bytes]] = []
    for at, line in enumerate(lines):
        if at and widths[at - 1] in (edge, edge - 1) and line and not _NAMED.match(line):
            parts[-1].append(line)
        else:
            parts.append([line])
    joined = [b"".join(one) for one in parts]
    if not any(widths[at] == widths[at - 1] == edge for at in range(1, len(widths))):
        return None  # a line that is broken once was broken by anything
    body = b"\n".join(joined)
    data = [line[5:].strip() for line in joined if line.startswith(b"data:")]
    if not data or not all(reads(one) for one in data):
        return None
    return replace(paste, body=body, took=(*paste.took, "a terminal's line breaks"))


def _width(line: bytes) -> int:
    text = line.decode("utf-8", "replace")
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text)


def peel_missing_blanks(paste: Paste) -> Paste | None:
    """Lines of which a log or ``grep`` left the blank ones out: where each is whole, each was an event.

    Only of what something else was taken off already: bytes off the wire that lack them are what a server sent.
    """
    if not paste.took or not paste.framed:
        return None
    lines = [line for line in paste.body.split(b"\n") if line.strip()]
    data = [line for line in lines if line.startswith(b"data:")]
    if len(data) < 2 or b"\n\n" in paste.body.strip(b"\n"):
        return None
    if not all(reads(one[5:]) for one in data):
        return None
    made = b"".join(line + (b"\n\n" if line.startswith(b"data:") else b"\n") for line in lines)
    return replace(paste, body=made, framed=False, took=(*paste.took, "lines without the blank ones between"))


def json_lines(values: list[dict[str, object]]) -> bytes:
    """Values as a stream would carry them, for when the wire is gone."""
    made = []
    for value in values:
        kind = value.get("type")
        named = isinstance(kind, str) and re.fullmatch(r"[a-z_.]{1,80}", kind) and "choices" not in value
        made.append(f"event: {kind}\n" if named else "")
        made.append(f"data: {json.dumps(value, separators=(',', ':'))}\n\n")
    return "".join(made).encode()
