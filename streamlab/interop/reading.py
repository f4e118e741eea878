"""Exchanges out of files of any kind we read, told apart by what is in them, not by their names."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.interop.plain_stream import is_plain_stream
from streamlab.lazy_pattern import lazy_pattern
from streamlab.storage.bare_body import read_bare_body
from streamlab.wire.payload import decode_payload
from streamlab.wire.sse import BOM

#: Its files are netstrings, and a flow is a mapping.
_MITMPROXY = lazy_pattern(rb"\d{2,12}:\d{1,4}:\w+;\d+:")
#: Endings of names that promise something; what does not keep it is no bare body either.
_PROMISES = (".har", ".yaml", ".yml")


def may_hold_exchanges(name: str, data: bytes) -> bool:
    """Whether a file found in a folder is worth reading: YAML is used for much else."""
    from pathlib import PurePath

    return PurePath(name).suffix.lower() not in (".yaml", ".yml") or b"interactions" in data


def read_bytes(name: str, data: bytes) -> list[Exchange]:
    """The exchanges in a HAR, a cassette, a curl log, a bare body or a paste of one. Raises UnreadableInputError."""
    try:
        if is_plain_stream(data) and not name.lower().endswith(_PROMISES):
            return [read_bare_body(data)]
        from pathlib import PurePath  # deferred, as what is below

        return list(_read(PurePath(name).suffix.lower(), data))
    except UnreadableInputError as error:
        raise UnreadableInputError(f"{name}: {error}") from None


def _read(suffix: str, data: bytes) -> Iterator[Exchange]:
    # Deferred: to load what tells pastes apart takes longer than to read most streams.
    from streamlab.interop.curl_log import from_curl_log, is_curl_log
    from streamlab.interop.har import from_har, is_har
    from streamlab.interop.paste import is_paste, read_pasted
    from streamlab.interop.vcr import from_vcr, is_cassette

    text = data.removeprefix(BOM).lstrip()
    if _MITMPROXY.match(text):
        raise UnreadableInputError("a flow file of mitmproxy: let it write a HAR (mitmdump -r FILE --set hardump=OUT)")
    if is_curl_log(text) and (exchange := from_curl_log(text)) is not None and not is_paste(exchange.body):
        yield exchange
        return
    document: object = None
    if text.startswith(b"{"):
        payload = decode_payload(text)
        document = payload.value if payload.ok else None
    elif suffix in (".yaml", ".yml") or text.startswith((b"interactions:", b"version: 1")):
        document = _yaml(data)
        if not is_cassette(document):
            raise UnreadableInputError("YAML, but no VCR cassette (no list of interactions)")
    if is_har(document):
        yield from _some(from_har(document), "HAR", "entries")  # type: ignore[arg-type]
    elif is_cassette(document):
        yield from _some(from_vcr(document), "cassette", "interactions")  # type: ignore[arg-type]
    elif suffix in _PROMISES:
        raise UnreadableInputError(f"not what its name says: no {suffix[1:]} of exchanges")
    else:
        yield read_pasted(data)


def _yaml(data: bytes) -> object:
    from streamlab.interop.plain_yaml import NotPlainError, parse_yaml  # as in `vcr`, PyYAML is loaded for YAML alone

    try:
        return parse_yaml(data)
    except NotPlainError as error:
        raise UnreadableInputError(str(error)) from None


def _some(exchanges: Iterator[Exchange], kind: str, parts: str) -> Iterator[Exchange]:
    count = 0
    for count, exchange in enumerate(exchanges, 1):  # noqa: B007
        yield exchange
    if not count:
        raise UnreadableInputError(f"a {kind} in whose {parts} nothing asked a model")
