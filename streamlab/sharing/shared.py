"""An exchange without its secrets: heads redacted, bodies masked at equal length, notes and labels too.

A compressed body is coded anew where it held a secret, read by read, so that what each read brings stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange, Request, Segment
from streamlab.record import changed
from streamlab.redaction import is_secret_name, mask_name, redact_headers, redact_line, redact_url
from streamlab.sharing.codings import coded, through_coding
from streamlab.sharing.filler import fill_body, fill_request
from streamlab.sharing.masking import Masked, MaskedBody, mask_body, mask_text, recut
from streamlab.sharing.requests import mask_request
from streamlab.sharing.wanted import ALL_KNOWN, Masking
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.payload import decode_payload
from streamlab.wire.reading import request_tools

#: What stands first in a pair, and is longer, is no name.
_LONGEST_NAME = 1024


@dataclass(frozen=True, slots=True)
class Shared:
    """An exchange as it may be shown, what was masked (where it was, and what), and findings that are not the same."""

    exchange: Exchange
    masked: tuple[tuple[str, Masked], ...] = field(default=())
    findings: tuple[str, ...] = ()


def share(exchange: Exchange, masking: Masking = ALL_KNOWN) -> Shared:
    """The exchange without secrets. Raises UnreadableInputError where a body cannot be written again without them."""
    if masking.text and exchange.request is not None:
        masking = changed(masking, names=_offered(exchange.request.body or b""))
    request, asked = _request(exchange.request, masking)
    head = exchange.head
    coding = head.header("content-encoding") if head is not None else None
    segments, answered = mask_segments(tuple(exchange.segments), coding, masking)
    shown = changed(
        exchange,
        request=request,
        head=changed(head, headers=redact_headers(head.headers), reason=redact_line(head.reason)) if head else None,
        segments=segments,
        label=mask_text(exchange.label, masking.patterns) if exchange.label else exchange.label,
        notes=clean_notes(exchange.notes, masking),
    )
    return Shared(shown, (*(("request", one) for one in asked), *(("response", one) for one in answered)))


def _offered(body: bytes) -> frozenset[str]:
    """The names of the tools that a request offers: they are no text, wherever a model says them."""
    asked = decode_payload(body).value if body else None
    return request_tools(asked) - {""} if isinstance(asked, dict) else frozenset()


def _request(request: Request | None, masking: Masking) -> tuple[Request | None, tuple[Masked, ...]]:
    if request is None:
        return None, ()
    body, secrets = request.body, tuple[Masked, ...]()
    if body:
        found = through_coding(body, request.headers, partial(_asked, masking=masking))
        body, secrets = found.data, found.secrets
    shown = changed(
        request,
        method=redact_line(request.method),
        url=redact_url(request.url),
        headers=redact_headers(request.headers),
        body=body,
    )
    return shown, secrets


def _asked(body: bytes, masking: Masking) -> MaskedBody:
    found = mask_request(body, masking.patterns)
    return MaskedBody(fill_request(found.data, masking.names), found.secrets) if masking.text else found


def clean_notes(value: Any, masking: Masking) -> Any:
    """Notes: what was said of the exchange, and what of it no framing covered."""
    if isinstance(value, str):
        return mask_text(value, masking.patterns)
    if isinstance(value, dict):
        return {mask_name(key): clean_notes(one, masking) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if len(value) == 2 and all(isinstance(one, str) for one in value) and is_secret_name(value[0], value[1]):
            return list(redact_headers(((value[0], value[1]),))[0])
        if len(value) == 2 and isinstance(value[0], str) and len(value[0]) < _LONGEST_NAME:
            return [mask_text(mask_name(value[0]), masking.patterns), clean_notes(value[1], masking)]
        return [clean_notes(one, masking) for one in value]
    return value


# -- bodies --------------------------------------------------------------------------------------------------------


def mask_response(body: bytes, masking: Masking) -> MaskedBody:
    """A body without content coding, masked."""
    found = mask_body(body, masking.patterns)
    return MaskedBody(fill_body(found.data, masking.names, masking.told), found.secrets) if masking.text else found


def mask_segments(
    segments: tuple[Segment, ...], coding: str | None, masking: Masking
) -> tuple[tuple[Segment, ...], tuple[Masked, ...]]:
    """The reads of a body with this content coding, masked, and what was."""
    decoder = BodyDecoder(coding, guess=True)
    pieces = [decoder.feed(segment.data) for segment in segments]
    if pieces:
        pieces[-1] += decoder.finish()
    whole = b"".join(pieces)
    found = mask_response(whole, masking)
    if found.data == whole:
        return _mask_undecoded(segments, masking, fill=not whole) if decoder.codings else (segments, found.secrets)
    shown = recut(found.data, map(len, pieces))
    if decoder.codings:
        fault = decoder.fault or ("it came in binary frames" if decoder.framed else None)
        if fault is not None:
            raise UnreadableInputError(
                f"a compressed body cannot be written anew without what is taken out of it: {fault}"
            )
        shown = coded(list(shown), decoder.codings, complete=decoder.complete)
    return _with_data(segments, shown), found.secrets


def _mask_undecoded(
    segments: tuple[Segment, ...], masking: Masking, *, fill: bool
) -> tuple[tuple[Segment, ...], tuple[Masked, ...]]:
    """A body that may not be, or not throughout, what its head says it is coded in: masked as the bytes it is."""
    whole = b"".join(one.data for one in segments)
    found = mask_response(whole, changed(masking, text=masking.text and fill))
    return _with_data(segments, recut(found.data, (len(one.data) for one in segments))), found.secrets


def _with_data(segments: tuple[Segment, ...], data: Iterable[bytes]) -> tuple[Segment, ...]:
    return tuple(changed(one, data=now) for one, now in zip(segments, data, strict=True))
