"""Lines of trailers of which a recording knows only a part, since it was taken up in the middle of them.

Where a connection was is written with every batch, a line that had come in part too; where that may become a secret,
its beginning is not kept (`heads.kept_line`). What another process then reads of the line is the end of something.
"""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.exchange import Headers
from streamlab.redaction import REDACTED, redact_headers
from streamlab.storage.heads import kept_line
from streamlab.wire.http1 import BodyReader


class CutLines:
    """Which one of a request's trailers and which of an answer's is known in part; None: all are whole."""

    def __init__(self, known: Sequence[int | None] = (None, None)) -> None:
        self._request, self._response = known

    def of_request(self, trailers: Headers) -> Headers:
        """A request's trailers so far, as they may be recorded."""
        return redact_headers(_without(trailers, self._request))

    def request_over(self) -> None:
        """The next request has others."""
        self._request = None

    def of_response(self, trailers: Headers) -> Headers:
        """All trailers of an answer, which is over."""
        cut, self._response = self._response, None
        return redact_headers(_without(trailers, cut))

    def state(self, uploading: BodyReader | None, answering: BodyReader | None) -> list[int | None]:
        """What another process has to know that goes on from here."""
        return [_newest(uploading, self._request), _newest(answering, self._response)]


def _newest(body: BodyReader | None, known: int | None) -> int | None:
    line = body.unfinished_trailer if body is not None else b""
    return len(body.trailers) if body is not None and known is None and kept_line(line) != line else known


def _without(trailers: Headers, cut: int | None) -> Headers:
    if cut is None or cut >= len(trailers):
        return trailers
    return (*trailers[:cut], (REDACTED, REDACTED), *trailers[cut + 1 :])
