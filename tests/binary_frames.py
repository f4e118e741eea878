"""Messages of AWS's binary event stream, made as Bedrock makes them."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any


def message(payload: bytes, **headers: str) -> bytes:
    """One message; ``event_type="chunk"`` becomes the header ``:event-type``."""
    packed = b"".join(_header(f":{name.replace('_', '-')}", value) for name, value in headers.items())
    start = (16 + len(packed) + len(payload)).to_bytes(4) + len(packed).to_bytes(4)
    start += zlib.crc32(start).to_bytes(4)
    whole = start + packed + payload
    return whole + zlib.crc32(whole).to_bytes(4)


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2) + value.encode()


def chunk(event: dict[str, Any]) -> bytes:
    """An event of a model's own API, as InvokeModelWithResponseStream sends it."""
    inner = base64.b64encode(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()).decode()
    payload = json.dumps({"bytes": inner, "p": "abcdefgh"}).encode()
    return message(payload, event_type="chunk", content_type="application/json", message_type="event")


def exception(kind: str, said: str) -> bytes:
    """An exception of the service."""
    payload = json.dumps({"message": said}).encode()
    return message(payload, exception_type=kind, content_type="application/json", message_type="exception")
