"""Exchanges out of files of any kind we read, told apart by what is in them, not by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.interop.curl_log import from_curl_log, is_curl_log
from streamlab.interop.har import from_har, is_har
from streamlab.interop.vcr import from_vcr, is_cassette, parse_yaml
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import BOM

_LARGEST = 1 << 30


def read_file(path: Path, bare: Callable[[bytes], Exchange]) -> Iterator[Exchange]:
    """The exchanges in a HAR, a cassette, a curl log, or (by ``bare``) a bare body. Raises UnreadableInputError."""
    try:
        if path.stat().st_size > _LARGEST:
            raise UnreadableInputError(f"{path}: larger than {_LARGEST} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableInputError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        yield from _read(path, data, bare)
    except UnreadableInputError as error:
        raise UnreadableInputError(f"{path}: {error}") from None


def _read(path: Path, data: bytes, bare: Callable[[bytes], Exchange]) -> Iterator[Exchange]:
    text = data.removeprefix(BOM).lstrip()
    if is_curl_log(text):
        yield from_curl_log(text)
        return
    document = None
    if text.startswith(b"{"):
        payload = decode_payload(text)
        document = payload.value if payload.ok else None
    elif path.suffix.lower() in (".yaml", ".yml") or text.startswith((b"interactions:", b"version: 1")):
        document = parse_yaml(data)
        if not is_cassette(document):
            raise UnreadableInputError("YAML, but no VCR cassette (no list of interactions)")
    if is_har(document):
        yield from from_har(document)  # type: ignore[arg-type]
    elif is_cassette(document):
        yield from from_vcr(document)  # type: ignore[arg-type]
    elif path.suffix.lower() in (".har", ".yaml", ".yml"):
        raise UnreadableInputError(f"not what its name says: no {path.suffix[1:]} of exchanges")
    else:
        yield bare(data)
