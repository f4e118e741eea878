"""Bytes of one kind, as many as are asked for: what takes longer than its size lets expect is found in them."""

from __future__ import annotations

#: The unit that is repeated, and what stands before it once.
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "empty comments": (b":\n\n", b""),
    "comments without a blank line": (b": x\n", b""),
    "comments behind JSON that stops": (b": ping\n\n", b'data: {"a":"b\n'),
    "blank lines": (b"\n", b"data: {}\n"),
    "blank lines, CRLF": (b"\r\n", b""),
    "lines without a blank line": (b"x\n", b""),
    "data without a blank line": (b"data: x\n", b""),
    "fields without a blank line": (b"event: x\nid: 1\nretry: 1\n", b""),
    "the end, again and again": (b"data: [DONE]\n\n", b""),
    "pieces of JSON": (b"data: [\n\n", b'data: {"a":\n\n'),
    "one line": (b"a", b""),
    "spaces": (b" ", b""),
    "tabs": (b"\n\t\t\t\t\t\t\t\t", b""),
    "zero bytes": (b"\0", b""),
    "carriage returns": (b"\r", b""),
    "bytes that are no UTF-8": (b"\xff\xfe\n", b""),
    "a log of lines": (b'2026-01-01 10:00:00 INFO data: {"a":1}\n', b""),
    "a log of containers": (b"svc-1  | data: {}\n", b""),
    "a log of JSON": (b'{"log":"data: {}\\n"}\n', b""),
    "numbered lines": (b"1\ndata: {}\n2\n\n", b""),
    "broken at a terminal's width": (b"x" * 79 + b"\n", b'data: {"a": "' + b"x" * 66 + b"\n"),
    "prompts": (b"\nuser$ ", b"data: {}\n\n"),
    "fences": (b"```\ndata: {}\n", b""),
    "quotes": (b'"data: x"\n', b""),
    "literals": (b"b'data: {}\\n'\n", b""),
    "literals that do not end": (b"b'data: ", b""),
    "a page": (b"&quot;<pre ", b"data: {}"),
    "a terminal's marks": (b"\x1b]0;", b"data: {}"),
    "notes of curl": (b"* note\n", b""),
    "reads of curl": (b"{ [5 bytes data]\nhello\n", b""),
    "heads of curl": (b"< HTTP/1.1 200 OK\n<\n", b""),
    "requests of curl": (b"> POST /v1/chat/completions HTTP/1.1\n>\n", b""),
    "a command of curl": (b"curl x \\\n", b""),
    "quotes of a command": (b"'", b"curl "),
    "a trace of curl": (b"<= Recv data, 10 bytes (0xa)\n0000: 35 0d 0a 68 65 6c 6c 6f 0d 0a   5..hello..\n", b""),
    "rows of a trace": (b'0000: data: {"a": 1}\n', b"<= Recv data, 10 bytes (0xa)\n"),
    "a head": (b"a: b\n", b"HTTP/1.1 200 OK\n"),
    "requests": (b"a: b\n", b"POST /v1/chat/completions HTTP/1.1\n"),
    "objects of Python": (b"{'choices': [], 'a': 1}\n", b""),
    "lines of JSON": (b'{"a":1}\n', b""),
    "an array": (b'{"a":1},', b"["),
    "open braces": (b"{", b"data: "),
    "open brackets": (b"[", b"data: "),
    "documents on a line": (b"{}", b"data: "),
    "quotes in JSON": (b'"', b"data: {"),
    "escaped quotes": (b'\\"', b'data: {"a":"'),
    "escapes": (b"\\u0041", b'data: {"a":"'),
    "halves of characters": (b"\\ud800", b'data: {"a":"'),
    "control bytes": (b"\x01", b'data: {"a":"'),
    "NaN": (b"NaN,", b'data: {"a":['),
    "a key again and again": (b'"a":1,', b"data: {"),
    "events in events": (b'data: {"a":', b'data: {"x": '),
    "text of Python": (b"{'a': ", b"data: "),
}


def flood(name: str, size: int) -> bytes:
    """About ``size`` bytes of that kind."""
    unit, before = FLOODS[name]
    return before + unit * (size // len(unit))
