"""Bytes as programs print them that do not know them for text: numbers in a list, and buffers of JavaScript.

``[100, 97, …]`` (Python, Java), ``[100 97 …]`` (Go), ``0x64, 0x61`` (``xxd -i``), ``<Buffer 64 61 …>``,
``Uint8Array(9) […]``, ``{"type":"Buffer","data":[…]}``. A buffer that was shortened (``… 412 more bytes``) is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from streamlab.interop.pasted import Paste
from streamlab.lazy_pattern import lazy_pattern

_LIST = lazy_pattern(rb"\[([\s\d,-]{16,})\]")
_BUFFER = lazy_pattern(rb"<Buffer((?: [0-9a-f]{2})+)>")
_OF_C = lazy_pattern(rb"(?:\s*0x[0-9a-f]{2},?){8,}\s*")
#: What may stand beside the numbers: names of types, of variables, JSON around.
_BESIDE = lazy_pattern(rb"[\s\w(){}\":,;=.\[\]<>-]{0,80}")


def peel_numbers_of_bytes(paste: Paste) -> Paste | None:
    """The bytes, where next to nothing but numbers is there."""
    body = paste.body
    if _OF_C.fullmatch(body):
        made = bytes(int(one, 16) for one in re.findall(rb"0x([0-9a-f]{2})", body))
        return replace(paste, body=made, took=(*paste.took, "bytes as numbers"))
    at, pieces = 0, []
    for found in sorted((*_LIST.finditer(body), *_BUFFER.finditer(body)), key=lambda one: one.start()):
        numbers = list(_numbers(found))
        if _BESIDE.fullmatch(body, at, found.start()) is None or not all(-129 < one < 256 for one in numbers):
            return None
        pieces.append(bytes(one % 256 for one in numbers))
        at = found.end()
    if not pieces or _BESIDE.fullmatch(body, at) is None:
        return None
    return replace(paste, body=b"".join(pieces), took=(*paste.took, "bytes as numbers"))


def _numbers(found: re.Match[bytes]) -> Iterator[int]:
    if found[0].startswith(b"<"):
        yield from bytes.fromhex(found[1].decode("ascii"))
    else:
        yield from map(int, re.findall(rb"-?\d{1,4}", found[1]))
