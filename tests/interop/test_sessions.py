"""Pastes of a third kind: terminal sessions, dumps of every width, printed models, events logged inside of others."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter
from rich.console import Console

from streamlab.apis.registry import by_name
from streamlab.errors import UnreadableInputError
from streamlab.interop.reading import read_bytes
from streamlab.judging.analyzer import analyze
from streamlab.storage.bare_body import read_bare_body
from tests import responses, streams
from tests.batches import batched
from tests.interop.test_more_pastes import ORIGINS
from tests.streams import chunk

Form = Callable[[bytes], bytes]
_STAMP = "12:13:21.657183 "


def _lines(body: bytes) -> list[str]:
    return body.decode().split("\n")


def _events(body: bytes) -> list[tuple[str | None, str]]:
    """Name and data of each."""
    named = [re.search(r"^event: (.*)$", one, re.MULTILINE) for one in body.decode().split("\n\n")[:-1]]
    data = [re.search(r"^data: (.*)$", one, re.MULTILINE) for one in body.decode().split("\n\n")[:-1]]
    return [(name and name[1], one[1]) for name, one in zip(named, data, strict=True) if one is not None]


def _typescript(body: bytes) -> bytes:
    shown = b"\r\n".join(body.split(b"\n"))
    return b'Script started on 2026-11-29 12:13:21+00:00 [COMMAND="curl -N http://h/"]\n' + shown + (
        b'\nScript done on 2026-11-29 12:13:21+00:00 [COMMAND_EXIT_CODE="0"]\n'
    )  # fmt: skip


def _verbose(body: bytes, stamp: str = "", end: str = "\n") -> bytes:
    """``curl -v``, with ``--trace-time``, and in a pseudo-terminal, which makes each line feed two characters."""
    before = ["*   Trying 127.0.0.1:8000...", "> POST /v1/chat/completions HTTP/1.1", "> Host: h", "> "]
    answer = ["< HTTP/1.1 200 OK", "< content-type: text/event-stream", "< ", "{ [712 bytes data]"]
    shown = "".join(f"{stamp}{line}{end}" for line in (*before, *answer))
    return (shown + body.decode().replace("\n", end) + f"{stamp}* Connection #0 to host h left intact{end}").encode()


def _by_httpie(body: bytes) -> bytes:
    asked = "POST /v1/x HTTP/1.1\nHost: h\nUser-Agent: HTTPie/3.2.4\n\n{}\n\nHTTP/1.1 200 OK\n"
    data = re.compile(r"^data: (\{.*)$", re.MULTILINE)
    shown = data.sub(
        lambda one: "data: " + json.dumps(json.loads(one[1]), indent=4, sort_keys=True, ensure_ascii=False),
        body.decode(),
    )
    return f"{asked}content-type: text/event-stream\n\n{shown}\n\nElapsed time: 0.018s\n".encode()


def _words(body: bytes) -> bytes:
    """``hexdump`` without options: numbers of two bytes, the low one first."""
    rows = []
    for at in range(0, len(body), 16):
        row = body[at : at + 16] + b"\0" * (len(body[at : at + 16]) % 2)
        rows.append(f"{at:07x} " + " ".join(f"{row[two + 1]:02x}{row[two]:02x}" for two in range(0, len(row), 2)))
    return "\n".join([*rows, f"{len(body):07x}", ""]).encode()


def _wide(body: bytes) -> bytes:
    """``xxd -c 32``."""
    rows = []
    for at in range(0, len(body), 32):
        row = body[at : at + 32]
        pairs = " ".join(row[two : two + 2].hex() for two in range(0, len(row), 2))
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in row)
        rows.append(f"{at:08x}: {pairs:<79}  {text}")
    return "\n".join([*rows, ""]).encode()


def _wrapped(body: bytes) -> bytes:
    """Lines that a terminal of 80 columns broke, in which some characters take two."""
    made = []
    for line in _lines(body):
        rows, width = [""], 0
        for one in line:
            takes = 2 if unicodedata.east_asian_width(one) in "WF" else 1
            if width + takes > 80:
                rows, width = [*rows, ""], 0
            rows[-1] += one
            width += takes
        made += rows
    return "\n".join(made).encode()


def _diff(body: bytes) -> bytes:
    lines = _lines(body)
    head = "diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n--- /dev/null\n+++ b/x\n"
    return (f"{head}@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)).encode()


def _build(body: bytes) -> bytes:
    stamp = "2026-11-20T10:00:00.1234567Z "
    return "".join(
        f"{stamp}{line}\n" for line in ("##[group]Run curl -N $URL", "##[endgroup]", *_lines(body))
    ).encode()  # fmt: skip


def _logged(made: Callable[[str | None, str], Any]) -> Form:
    return lambda body: "".join(json.dumps(made(*one)) + "\n" for one in _events(body)).encode()


def _as_value(data: str) -> Any:
    return json.loads(data) if data.startswith("{") else data


def _javascript(value: Any) -> str:
    """As ``console.dir(value, {depth: null})`` shows it."""
    if isinstance(value, dict):
        members = ", ".join(
            f"{name if name.isidentifier() else repr(name)}: {_javascript(one)}" for name, one in value.items()
        )
        return f"{{ {members}, more: undefined }}" if members else "{}"
    if isinstance(value, list):
        return f"[ {', '.join(map(_javascript, value))} ]" if value else "[]"
    if isinstance(value, str):
        half = len(value) // 2 if len(value) > 9 else 0  # a long one is shown in pieces
        return " + ".join("'" + one.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
                          for one in ((value[:half], value[half:]) if half else (value,)))  # fmt: skip
    return json.dumps(value)


def _ruby(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}=>{_ruby(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_ruby, value)) + "]"
    return "nil" if value is None else json.dumps(value, ensure_ascii=False)


def _shown(how: Callable[[Any], str], prefix: str = "") -> Form:
    return lambda body: "".join(
        f"{prefix}{how(json.loads(data)) if data.startswith('{') else data}\n" for _, data in _events(body)
    ).encode()


FORMS: dict[str, Form] = {
    "javascript": _shown(_javascript),
    "javascript-parsed": lambda body: "".join(
        _javascript({"type": "event", "event": name or "message", "data": data}) + "\n" for name, data in _events(body)
    ).encode(),
    "javascript-json": _shown(lambda value: json.dumps(value, indent=2), "chunk: "),
    "ruby": _shown(_ruby),
    "typescript": _typescript,
    "bash-time": lambda body: body + b"\nreal\t0m0.021s\nuser\t0m0.012s\nsys\t0m0.004s\n",
    "bash-x": lambda body: b"+ curl -sN http://h/v1/x -H 'content-type: application/json'\n" + body,
    "curl-v-stamped": lambda body: _verbose(body, _STAMP),
    "curl-v-ids": lambda body: _verbose(body, _STAMP + "[0-0] "),
    "curl-v-terminal": lambda body: _verbose(body, end="\r\n"),
    "httpie": _by_httpie,
    "hexdump": _words,
    "xxd-wide": _wide,
    "xxd-i": lambda body: (", ".join(f"0x{one:02x}" for one in body) + "\n").encode(),
    "bytes-python": lambda body: repr(list(body)).encode(),
    "bytes-java": lambda body: ("byte[]: " + repr([one - 256 * (one > 127) for one in body])).encode(),
    "bytes-go": lambda body: ("[" + " ".join(map(str, body)) + "]\n").encode(),
    "bytes-node": lambda body: json.dumps({"type": "Buffer", "data": list(body)}).encode(),
    "bytes-deno": lambda body: f"Uint8Array({len(body)}) [\n  {', '.join(map(str, body))}\n]\n".encode(),
    "wrapped": _wrapped,
    "no-break": lambda body: body.decode().replace(" ", "\u00a0").encode(),
    "no-break-first": lambda body: body.replace(b"data: ", b"data:\xc2\xa0").replace(b"event: ", b"event:\xc2\xa0"),
    "no-width": lambda body: "\n".join(f"\u200b{line}" for line in _lines(body)).encode(),
    "markdown": lambda body: re.sub(rb"([_*\[\]`])", rb"\\\1", body),
    "logfmt": lambda body: "".join(
        f"level=info caller=sse.go:42 msg={json.dumps(line)}\n" for line in _lines(body) if line
    ).encode(),
    "docker-both": lambda body: "".join(
        json.dumps({"log": f"{line}\n", "stream": name, "time": "2026-11-20T10:00:00Z"}) + "\n"
        for at, shown in enumerate(_lines(body))
        for line, name in [(shown, "stdout"), ("GET /health 200", "stderr")][: 2 - (at % 3 > 0)]
    ).encode(),
    "diff": _diff,
    "jira": lambda body: b"It sends\n{noformat:title=x}\n" + body + b"{noformat}\nand hangs\n",
    "jira-code": lambda body: b"It sends\n{code}\n" + body + b"{code}\nand hangs\n",
    "build": _build,
    "nested": _logged(lambda _, data: {"level": 30, "msg": "chunk", "chunk": _as_value(data)}),
    "nested-deeper": _logged(lambda _, data: {"fields": {"sse": {"data": _as_value(data)}}}),
    "nested-text": _logged(lambda _, data: {"ts": 1, "data": data}),
    "parsed": _logged(lambda name, data: {"event": name or "message", "data": data, "id": None}),
    "parsed-array": lambda body: json.dumps([{"event": name, "data": data} for name, data in _events(body)]).encode(),
    "parsed-httpx": lambda body: "".join(
        f"ServerSentEvent(event={name or 'message'!r}, data={data!r}, id='', retry=None)\n"
        for name, data in _events(body)
    ).encode(),
    "parsed-openai": lambda body: "".join(
        f"INFO ServerSentEvent(event={name}, data={data}, id=None, retry=None)\n" for name, data in _events(body)
    ).encode(),
}


def _same(origin: bytes, shown: bytes) -> None:
    meant = analyze(read_bare_body(origin))
    (read,) = read_bytes("paste.txt", shown)
    report = analyze(replace(read, request=None, end_us=None))
    framed = read.notes.get("framing") is None
    assert {one.rule for one in report.findings} == {
        one.rule for one in meant.findings if framed or not by_name()[one.rule].needs_framing
    }
    assert report.completion == meant.completion


@batched("form, origin", [(form, origin) for form in FORMS for origin in ORIGINS], parts=2)
def test_a_paste_gives_the_findings_of_its_origin(form: str, origin: str) -> None:
    _same(ORIGINS[origin], FORMS[form](ORIGINS[origin]))


def _rich(value: Any) -> str:
    console = Console(file=io.StringIO(), width=200, no_color=True)
    console.print(value)
    return console.file.getvalue()  # type: ignore[attr-defined]


_CHAT = [ORIGINS[name] for name in ("chat-tool", "chat-tool-bad", "chat-unicode", "chat-unicode-cut")]
_PRINTED: dict[str, Callable[[list[Any]], str]] = {
    "rich": lambda typed: "".join(map(_rich, typed)),
    "list": lambda typed: f"{typed!r}\n",
    "dumped": lambda typed: "".join(f"{one.model_dump()}\n" for one in typed),
    "dumped-json": lambda typed: "".join(f"{one.model_dump_json(indent=2)}\n" for one in typed),
    "between": lambda typed: "".join(
        f"PRE: {one!r}\nDEBUG delta: {one.choices[0].delta!r}\nPOST: {str(one).replace('ChatCompletionChunk', 'X')}\n"
        f"ModelResponseStream(id='a', created=1, choices=[{one.choices[0]!r}], citations=None)\n"
        for one in typed
    ),
}


@batched("how, origin", [(how, at) for how in _PRINTED for at in range(len(_CHAT))])
def test_printed_chunks_of_openai_python_give_the_findings_of_their_origin(how: str, origin: int) -> None:
    """Members that a chunk was not sent are printed as None, and a program in between prints its own chunks, too."""
    sent = [json.loads(data) for _, data in _events(_CHAT[origin]) if data != "[DONE]"]
    if how == "between":
        sent = [one for one in sent if one["choices"]]
    shown = _PRINTED[how]([ChatCompletionChunk.model_validate(one) for one in sent])
    _same(_CHAT[origin], f"{shown}[DONE]\n".encode() if b"[DONE]" in _CHAT[origin] else shown.encode())


@pytest.mark.parametrize("how", ["repr", "rich", "dumped"])
def test_printed_events_of_responses_are_no_reason_for_findings(how: str) -> None:
    """openai-python makes ``created_at`` a float, and prints members that are null as those that were not sent."""
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    sent = [adapter.validate_python(one) for one in responses.tools()]
    if how == "dumped":
        shown = "".join(f"{one.model_dump(exclude_unset=True)}\n" for one in sent)
    else:
        shown = "".join(_rich(one) if how == "rich" else f"{one!r}\n" for one in sent)
    (read,) = read_bytes("paste.txt", shown.encode())
    origin = analyze(read_bare_body(responses.sse(responses.tools())))
    assert {one.rule for one in analyze(read).findings} == {one.rule for one in origin.findings}


def test_lines_of_a_dump_that_are_like_the_one_above_are_there() -> None:
    body = streams.sse(streams.chat_text("a" * 200))
    rows, last = [], b""
    for at in range(0, len(body), 16):
        piece = body[at : at + 16]
        if piece != last:
            rows.append(f"{at:08x}  {piece.hex(' ')}")
        elif rows[-1] != "*":
            rows.append("*")
        last = piece
    assert "*" in rows
    (read,) = read_bytes("x.txt", "\n".join([*rows, f"{len(body):08x}", ""]).encode())
    assert read.body == body


@pytest.mark.parametrize(
    "shown",
    [
        b"<Buffer 64 61 74 61 3a 20 7b 22 69 64 22 3a ... 412 more bytes>\n",
        b"00000000  64 61 74 61\n*\nffffffff0\n",
        b"[" + b"1 " * 100_000,
        b"[" + b"1" * 100_000 + b"]",
        b"ServerSentEvent(event=None, data={" * 20_000,
        b"ChatCompletionChunk(" * 20_000,
        b"{ id: 'a', choices: [ [Object] ] }\n" * 3,
        b"ChatCompletionChunk(id='a', choices=[])\nChatCompletionChunk(id='a', choices=[<x>])\n",
    ],
    ids=[
        *("shortened", "far", "open", "digits", "broken events", "broken models", "left out"),
        "a hole among models",
    ],
)
def test_what_shows_no_stream_is_refused(shown: bytes) -> None:
    with pytest.raises(UnreadableInputError):
        read_bytes("x.txt", shown)


def test_printed_objects_with_one_that_cannot_be_read_are_no_whole_answer() -> None:
    whole = f"{chunk({'content': 'a'})}\n"
    hole, finish = whole.replace("'a'", "<a>"), f"{chunk({}, 'stop')}\n"
    (read,) = read_bytes("x.txt", (whole + hole + finish).encode())
    assert {one.rule for one in analyze(read).findings} == {"body-not-event-stream"}
