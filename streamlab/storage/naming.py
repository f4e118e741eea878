"""Names of exported directories: readable, and safe on any file system whatever a capture holds."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from streamlab.exchange import Exchange
from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.payload import decode_payload

_UNSAFE = lazy_pattern(r"[^a-z0-9._-]+")
#: Names that Windows keeps for devices.
_RESERVED = lazy_pattern(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")
_LONGEST = 80


#: Ends of names of files that hold streams: "bug.txt" is a recording called bug; "gpt-4.1" has no such end.
_KINDS = lazy_pattern(r"\.(?:sse|txt|log|md|out|jsonl?|ndjson|har|ya?ml|html?)$", re.IGNORECASE)


def directory_name(exchange: Exchange, source: str) -> str:
    """A name from label and tap, else from the source directory, else from the model or the request's path; and the id
    in a database."""
    parts = [part for part in (exchange.tap, exchange.label) if part]
    if not parts and exchange.id is None and source != "-":
        parts = [_KINDS.sub("", Path(source).name)]
    if not parts and exchange.request is not None:
        path = urlsplit(exchange.request.url).path.strip("/").replace("/", "-")
        parts = [_model(exchange.request.body) or path]
    if exchange.id is not None:
        parts.append(str(exchange.id))
    return safe_name("-".join(parts))


def _model(body: bytes | None) -> str | None:
    value = decode_payload(body).value if body else None
    model = value.get("model") if isinstance(value, dict) else None
    return model if isinstance(model, str) else None


def safe_name(text: str) -> str:
    """Lower-case ASCII letters, digits, dot, dash and underscore; never empty, hidden, reserved or long."""
    name = _UNSAFE.sub("-", text.lower())[:_LONGEST].strip("-._")
    if not name:
        return "exchange"
    return f"x-{name}" if _RESERVED.match(name) else name


def free_directory(folder: Path, name: str) -> Path:
    """``folder/name``, with a number behind it when that is taken, be it by a link that leads nowhere."""
    home, number = folder / name, 2
    while os.path.lexists(home):
        home, number = folder / f"{name}-{number}", number + 1
    return home
