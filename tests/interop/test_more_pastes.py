"""The second set of pastes: other forms of terminals, logs and chats, over streams of three APIs, right and wrong.

Made as the tools document and print them; what real tools made is in `test_pastes`. Nothing is ticked unread, and each
gives the findings of its origin.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import pprint
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from streamlab.apis.registry import by_name
from streamlab.errors import UnreadableInputError
from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.storage.bare_body import read_bare_body
from tests import messages, responses, streams
from tests.batches import batched

Form = Callable[[bytes], bytes]


def _origins() -> Iterator[tuple[str, bytes]]:
    chat = streams.chat_tool()
    yield "chat-tool", streams.sse(chat)
    bad = json.loads(json.dumps(chat))
    for at, one in enumerate(bad[1:-1]):
        for call in one["choices"][0]["delta"].get("tool_calls", []):
            call["id"], call["function"]["name"] = f"call_x{at}", "get_weather"
    yield "chat-tool-bad", streams.sse(bad)
    text = streams.chat_text("春天", '来了 — \\n "q"', " 🎉")
    yield "chat-unicode", streams.sse(text)
    yield "chat-unicode-cut", streams.sse(text[:-1], done=False)
    yield "messages", messages.sse(messages.text("Spring", " is", " here."))
    yield "messages-bad", messages.sse(messages.text("Spring", " is", " here.")[:-2])
    yield "responses", responses.sse(responses.tools())
    yield "responses-bad", responses.sse(responses.tools()[:-1])


ORIGINS = dict(_origins())


def _lines(body: bytes) -> list[str]:
    return body.decode().split("\n")


def _objects(body: bytes) -> list[Any]:
    return [json.loads(line[6:]) for line in _lines(body) if line.startswith("data: {")]


#: What stands before each line; ``at`` is its number from 0, ``second`` that within a minute.
PREFIXES = {
    "less": "{number:7d} ",
    "vim": "{number:3d} ",
    "bat": "{number:4d}   │ ",
    "diff": "+",
    "grep": "{number}: ",
    "piped": "{number:>3} | ",
    "kubectl": "[pod/api-5d9c7b8f6d-x2x9z/server] ",
    "kubectl-stamped": "2026-11-20T10:00:{second:02}.123456789Z ",
    "kubectl-both": "[pod/api-0/server] 2026-11-20T10:00:{second:02}.123456789Z ",
    "stern": "api-5d9c7b8f6d-x2x9z server ",
    "containerd": "2026-11-20T10:00:{second:02}.123456789+01:00 stdout F ",
    "compose-v1": "vllm_1  | ",
    "compose-coloured": "\x1b[36mapi-1    |\x1b[0m ",
    "ts": "Nov 20 10:00:{second:02} ",
    "epoch": "1763632800.{at:06d} ",
    "slashes": "2026/11/20 10:00:{second:02} ",
    "brackets": "[2026-11-20 10:00:{second:02},123] ",
    "level": "2026-11-20T10:00:{second:02}Z INFO ",
    "uvicorn": "INFO:     ",
    "railway": "Nov 20 10:00:{second:02}.123 [inf] ",
    "heroku": "2026-11-20T10:00:{second:02}.123456+00:00 app[web.1]: ",
    "tab": "\t",
    "quoted-twice": "> > ",
    "quoted-close": ">",
}
#: What stands around the whole.
AROUND = {
    "slack": ("Alice Smith\n  10:31 AM\nour gateway answers this:\n```\n", "```\nany idea?\n"),
    "discord": ("bob — Today at 10:31\n```json\n", "\n```\n"),
    "github": ("### Logs\n\n<details><summary>raw</summary>\n\n```shell\n", "```\n\n</details>\n\n**Version** 1.2\n"),
    "tildes": ("~~~\n", "~~~\n"),
    "open-fence": ("Output:\n```\n", ""),
    "prompt": ("me@host:~$ curl -N http://h/v1/chat/completions\n", "me@host:~$ \n"),
    "curl-v": (
        "*   Trying 127.0.0.1:8000...\n* Connected to 127.0.0.1 (127.0.0.1) port 8000\n"
        "> POST /v1/chat/completions HTTP/1.1\n> Host: 127.0.0.1:8000\n> Accept: */*\n> \n"
        "< HTTP/1.1 200 OK\n< content-type: text/event-stream\n< \n{ [712 bytes data]\n",
        "* Connection #0 to host 127.0.0.1 left intact\n",
    ),
    "curl-meter": (
        "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
        "                                 Dload  Upload   Total   Spent    Left  Speed\n"
        "100  1234    0  1200  100    34   1100     30 --:--:--  0:00:01 --:--:--  1130\n",
        "",
    ),
}


def _prefixed(prefix: str) -> Form:
    return lambda body: "".join(
        prefix.format(at=at, number=at + 1, second=at % 60) + line + "\n" for at, line in enumerate(_lines(body))
    ).encode()


def _around(before: str, after: str) -> Form:
    return lambda body: (before + body.decode() + after).encode()


def _logged(made: Callable[[str], Any]) -> Form:
    return lambda body: "".join(json.dumps(made(line)) + "\n" for line in _lines(body)).encode()


def _printed(form: str) -> Form:
    """``json`` is the event's object, ``kind`` its type, ``at`` its number."""

    def shown(at: int, one: Any) -> str:
        return form.format(json=json.dumps(one), kind=one.get("type", "message"), at=at, pretty=pprint.pformat(one))

    return lambda body: "".join(shown(at, one) for at, one in enumerate(_objects(body))).encode()


def _of_a_page(body: bytes) -> bytes:
    return f"<pre><code>{html.escape(body.decode(), quote=True)}</code></pre>".encode()


def _in_a_list(body: bytes) -> bytes:
    return (
        "1. I run it:\n   ```\n" + "".join(f"   {line}\n" for line in _lines(body)) + "   ```\n2. it fails\n"
    ).encode()


def _read_by_javascript(body: bytes) -> bytes:
    events = body.decode().split("\n\n")[:-1]
    return "".join(f"chunk {json.dumps(event + chr(10) * 2, ensure_ascii=False)}\n" for event in events).encode()


def _read_by_go(body: bytes) -> bytes:
    return "".join(f"read: {json.dumps(line + chr(10), ensure_ascii=False)}\n" for line in _lines(body)).encode()


def _hex(body: bytes, form: str, *, last: str = "") -> bytes:
    """Sixteen bytes a line: ``{at}``, ``{pairs}`` (xxd), ``{bytes}`` (hexdump) and the same as ``{text}``."""
    made = ""
    for at in range(0, len(body), 16):
        piece = body[at : at + 16]
        halves = [" ".join(f"{byte:02x}" for byte in half) for half in (piece[:8], piece[8:])]
        pairs = " ".join(piece[two : two + 2].hex() for two in range(0, len(piece), 2))
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        made += form.format(at=at, pairs=pairs, bytes=f"{halves[0]:<23}  {halves[1]:<23}", text=text)
    return (made + last.format(size=len(body))).encode()


def _in_csv(body: bytes) -> bytes:
    rows = ['{},"{}"'.format(at, line.replace('"', '""')) for at, line in enumerate(_lines(body))]
    return "\n".join(["at,line", *rows, ""]).encode()


def _captured(body: bytes) -> bytes:
    """A conversation followed by a sniffer: both heads, and the chunks of HTTP as they were sent."""
    pieces = [one + b"\n\n" for one in body.split(b"\n\n")[:-1]]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces)
    asked = b"GET /v1/stream HTTP/1.1\r\nHost: h\r\n\r\n"
    return (
        asked
        + b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunks
        + (b"0\r\n\r\n")
    )


def _listed(body: bytes) -> bytes:
    """As Postman lists messages: each with its time, and what became of the connection."""
    rows = [json.dumps(one) for one in _objects(body)] + ["[DONE]"] * (b"data: [DONE]" in body)
    listed = "".join(f"{row}\n10:00:{at % 60:02}.123\n" for at, row in enumerate(rows))
    return f"Connected to https://h/v1/stream\n{listed}Connection closed\n".encode()


def _with_curly_quotes(body: bytes) -> bytes:
    return re.sub(r'(?<=[{,\[:])"', "\N{LEFT DOUBLE QUOTATION MARK}", body.decode()).replace('"', "\u201d").encode()


FORMS: dict[str, Form] = {
    "base64": base64.b64encode,
    "base64-wrapped": base64.encodebytes,
    "base64-for-urls": lambda body: base64.urlsafe_b64encode(body).rstrip(b"="),
    "base64-of-gzip": lambda body: base64.b64encode(gzip.compress(body)),
    "hex": lambda body: body.hex().encode(),
    "quoted-printable": quopri.encodestring,
    "data-url": lambda body: b"data:text/event-stream;base64," + base64.b64encode(body) + b"\n",
    "data-url-percent": lambda body: b"data:text/event-stream;charset=utf-8," + quote(body).encode(),
    "percent": lambda body: quote(body).encode(),
    "postman": _listed,
    "page-source": lambda body: html.escape(body.decode()).encode(),
    "curly": _with_curly_quotes,
    "xxd": lambda body: _hex(body, "{at:08x}: {pairs:<39}  {text}\n"),
    "hexdump": lambda body: _hex(body, "{at:08x}  {bytes}  |{text}|\n", last="{size:08x}\n"),
    "cat-E": lambda body: body.replace(b"\n", b"$\n"),
    "csv": _in_csv,
    "captured": _captured,
    "bullets": lambda body: "".join(f"- {line}\n" for line in _lines(body)).encode(),
    "journal": _logged(lambda line: {"__CURSOR": "s=1", "_PID": "12", "MESSAGE": line}),
    "cloud": lambda body: json.dumps([{"insertId": "1", "textPayload": line} for line in _lines(body)]).encode(),
    "tracing": _prefixed("2026-11-20T10:00:{second:02}.123Z  INFO proxy::sse: "),
    "zap": _prefixed("2026-11-20T10:00:{second:02}.000Z\tINFO\tproxy/sse.go:42\t"),
    "caplog": _prefixed("DEBUG    app:main.py:12 "),
    "journalctl": _prefixed("Nov 20 10:00:{second:02} host1 api[1234]: "),
    **{name: _prefixed(prefix) for name, prefix in PREFIXES.items()},
    **{name: _around(*texts) for name, texts in AROUND.items()},
    "sed": lambda body: "".join(f"{at + 1}\n{line}\n" for at, line in enumerate(_lines(body))).encode(),
    "page": _of_a_page,
    "list": _in_a_list,
    "utf16-be": lambda body: ("\ufeff" + body.decode().replace("\n", "\r\n")).encode("utf-16-be"),
    "powershell": lambda body: (
        "\ufeffPS C:\\Users\\me> curl.exe -N https://h/v1/x\r\n" + body.decode().replace("\n", "\r\n")
    ).encode("utf-16-le"),
    "repr": lambda body: repr(body.decode()).encode(),
    "repr-lines": lambda body: "".join(f"{line!r}\n" for line in _lines(body)).encode(),
    "javascript": _read_by_javascript,
    "go": _read_by_go,
    "docker": _logged(lambda line: {"log": line + "\n", "stream": "stderr", "attrs": {"tag": "api"}, "time": "2026"}),
    "loki": _logged(lambda line: {"timestamp": "2026-11-20T10:00:00Z", "line": line}),
    "slog": _logged(lambda line: {"level": "INFO", "msg": "chunk", "line": line}),
    "structlog": _logged(lambda line: {"event": line, "level": "debug", "timestamp": "x"}),
    "python-list": lambda body: repr(_objects(body)).encode(),
    "pprint": _printed("{pretty}\n"),
    "devtools-typed": _printed("{at}\t{kind}\t{json}\t10:00:00.123\n"),
    "devtools-firefox": _printed("{json}\t\t10:00:00 AM\n"),
    "json-array": lambda body: json.dumps(_objects(body)).encode(),
    "chunk": _printed("chunk: {json}\n"),
    "received": _printed("[10:00:00] Received event: {json}\n"),
}
CASES = [(form, origin) for form in FORMS for origin in ORIGINS]


def test_there_are_enough_of_them() -> None:
    assert len(FORMS) >= 44


@batched("form, origin", CASES, parts=3)
def test_a_paste_gives_the_findings_of_its_origin(form: str, origin: str) -> None:
    meant = analyze(read_bare_body(ORIGINS[origin]))
    (read,) = read_bytes(f"{form}.txt", FORMS[form](ORIGINS[origin]))
    report = analyze(replace(read, request=None, end_us=None))
    framed = read.notes.get("framing") is None
    assert {one.rule for one in report.findings} == {
        one.rule for one in meant.findings if framed or not by_name()[one.rule].needs_framing
    }
    assert report.completion == meant.completion


@batched(
    "text",
    ["VGhpcyBpcyBubyBzdHJlYW0sIGJ1dCBhIGxldHRlci4=", "deadbeef" * 8, "data:text/html;base64,PGI+aGk8L2I+", "a=3D1"],
)
def test_what_is_no_stream_inside_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UnreadableInputError) as refused:
        list(read_bytes("paste.txt", text.encode()))
    assert "nothing in it is an event of a stream" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_entities_and_curly_quotes_in_a_text_are_its_own() -> None:
    said = streams.sse(streams.chat_text("{&quot;a&quot;: 1}", " {\u201cb\u201d: 2}", " a=3D1"))
    (read,) = read_bytes("paste.txt", said)
    assert (read.body, read.notes.get("taken_off")) == (said, None)
