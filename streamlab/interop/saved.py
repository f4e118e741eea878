"""A body that was saved in its content coding: ``curl`` without ``--compressed``, or somebody's ``gzip -c``."""

from __future__ import annotations

from streamlab.errors import UnreadableInputError
from streamlab.wire.binary_frames import is_framed
from streamlab.wire.bodies import coding_of
from streamlab.wire.content_coding import BodyDecoder

#: What no first bytes betray, and is tried where a body is no text.
_UNMARKED = ("deflate", "br")
_MARKED = ("gzip", "zstd")
#: By so many bytes it is seen whether a body is text.
_LOOKED_AT = 512


def decoded(data: bytes) -> bytes:
    """The body without its coding, all members and frames of it; ``data`` itself where it is in none.

    One that breaks off gives what came. Raises UnreadableInputError where it is damaged, or too long when decoded.
    """
    coding = coding_of(data)
    if coding in _MARKED:
        decoder = BodyDecoder(coding)
        body = decoder.feed(data)
        if decoder.fault is not None:
            raise UnreadableInputError(f"compressed ({coding}): {decoder.fault}")
        return body or data
    if _is_text(data[:_LOOKED_AT]) or is_framed(data):
        return data
    for coding in _UNMARKED:
        decoder = BodyDecoder(coding)
        body = decoder.feed(data)
        if body and decoder.complete and decoder.fault is None and _is_text(body[:_LOOKED_AT]):
            return body
    return data


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"  # of what was looked at
    return True
