"""Repairs the answers of one connection on their way to the client: `streamlab record --normalize`. No sockets.

HTTP framing is taken apart here and put together again around the normalizer's bytes. What the normalizer leaves alone
(answers without a stream, foreign APIs, HEAD, 204, upgrades, what is no HTTP) goes through byte for byte, framing and
all. The recorder is told of the upstream's own bytes and knows nothing of any of this.
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto

from streamlab.exchange import Ending
from streamlab.repairing.courses import Courses
from streamlab.repairing.lane import Lane
from streamlab.servers.repaired_answer import RepairedAnswer
from streamlab.servers.unanswered import UnansweredRequest
from streamlab.wire.http1 import (
    MAX_RESPONSE_HEAD,
    BodyReader,
    HttpFault,
    head_end,
    parse_request_head,
    parse_response_head,
    request_body,
    response_body,
)

#: A turn ends after so many seconds or bytes, so that other streams need not wait and the client can keep up.
_TURN_SECONDS, _TURN_BYTES = 0.004, 256 * 1024
#: Smaller reads are repaired at once.
_SMALL = 2048
_ENDINGS = {"fin": Ending.UPSTREAM_CUT, "timeout": Ending.TIMED_OUT}


class Answering(Enum):
    """What the upstream's next byte belongs to."""

    HEAD = auto()  # an answer's head, or the empty lines before it
    BODY = auto()  # the answer whose head came last
    ASKING = auto()  # nobody knows yet: an empty answer was asked for again, and what comes waits for that
    RAW = auto()  # no HTTP that we know: it goes through as it comes
    OVER = auto()  # nothing: the client has got all it will get


TRANSITIONS: dict[Answering, frozenset[Answering]] = {
    Answering.HEAD: frozenset({Answering.BODY, Answering.RAW}),
    Answering.BODY: frozenset({Answering.HEAD, Answering.ASKING, Answering.OVER}),
    Answering.ASKING: frozenset({Answering.HEAD, Answering.OVER}),
    Answering.RAW: frozenset(),
    Answering.OVER: frozenset(),
}


class RepairingTransformer:
    """Implements `streamlab.ports.ResponseTransformer` with the normalizer, one for each response.

    ``retry_unstreamed``: an answer 200 without a byte is not ended; ``retry`` then holds the request to send instead,
    and `answered` takes what came.
    """

    def __init__(
        self,
        *,
        unsafe: bool = False,
        retry_unstreamed: bool = False,
        failed: Callable[[str], object] = bool,
        courses: Courses | None = None,
    ) -> None:
        self._unsafe = unsafe
        self._courses = courses
        self._tell_failed = failed
        self._retry_unstreamed = retry_unstreamed
        self._asked: deque[UnansweredRequest] = deque()
        self._latest: UnansweredRequest | None = None
        self._unread = bytearray()  # of a head that is not complete
        self.state = Answering.HEAD
        self._answer: RepairedAnswer | None = None
        self._failed: str | None = None  # what a repair raised over the last answer that is over
        self._postponed = b""
        self._lane: Lane | None = None  # of the answer, after the read that opened it
        self._work: Iterator[bytes] | None = None  # what is still to be made of the bytes that were fed
        self.retry: tuple[bytes, bytes] | None = None

    @property
    def over(self) -> bool:
        """See `ResponseTransformer.over`."""
        return self.state is Answering.OVER

    @property
    def failure(self) -> str | None:
        """See `ResponseTransformer.failure`."""
        return self._answer.failure if self._answer is not None else self._failed

    def _become(self, state: Answering) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state} -> {state}"
        self.state = state

    # --- what the client asks

    def request(self, head: bytes) -> None:
        """See `ResponseTransformer.request`."""
        parsed = parse_request_head(head)
        assert not isinstance(parsed, HttpFault), "the relay passes valid heads only"
        reader = request_body(parsed)
        self._latest = UnansweredRequest(head, parsed, reader if isinstance(reader, BodyReader) else None)
        self._asked.append(self._latest)

    def request_body(self, data: bytes | memoryview) -> None:
        """See `ResponseTransformer.request_body`."""
        if self._latest is not None:
            self._latest.add(bytes(data))

    # --- what the upstream answers

    def passes(self, data: bytes) -> bool:
        """See `ResponseTransformer.passes`."""
        lane = self._lane
        if lane is None:
            return False
        begin = data.find(b"\r\n", 0, 10) + 2
        size = len(data) - begin - 2
        framed = data.startswith(b"%x\r\n" % size) and data.endswith(b"\r\n") if size > 0 else False
        return framed and lane.takes(data, begin, 2)

    def feed(self, data: bytes) -> bytes:
        """See `ResponseTransformer.feed`."""
        self._lane = None
        if self.state is Answering.ASKING:
            self._postponed += data
            return b""
        answer = self._answer
        if self._work is None and answer is not None and answer.quick and len(data) <= _SMALL and not self.over:
            out, at = answer.feed(data, 0)  # nearly always: a read from the middle of a body
            if at == len(data) and not answer.done:
                self._lane = answer.lane
                return out
            return out + self._turn(self._steps(data, at))
        return self._turn(self._steps(data, 0))

    @property
    def more(self) -> bool:
        """See `ResponseTransformer.more`."""
        return self._work is not None

    def go_on(self) -> bytes:
        """See `ResponseTransformer.go_on`."""
        return self._turn(iter(()))

    def _turn(self, work: Iterator[bytes]) -> bytes:
        """Work for a while: on what is left from before, then on ``work``."""
        self._work = work if self._work is None else itertools.chain(self._work, work)
        until = time.perf_counter() + _TURN_SECONDS
        out: list[bytes] = []
        size = 0
        for piece in self._work:
            out.append(piece)
            size += len(piece)
            if size >= _TURN_BYTES or time.perf_counter() >= until:
                return b"".join(out)
        self._work = None
        return b"".join(out)

    def _rest(self) -> bytes:
        """All that is left to be made of what was fed."""
        work, self._work = self._work, None
        return b"".join(work or ())

    def _steps(self, data: bytes, at: int) -> Iterator[bytes]:
        while True:
            if self.state is Answering.BODY and self._answer is not None and self._answer.done:
                yield self._end_answer()
            if at >= len(data) or self.state is Answering.OVER:
                break
            if self.state is Answering.ASKING:
                self._postponed += data[at:]
                break
            if self.state is Answering.RAW:
                yield data[at:]
                break
            if self._answer is None:
                piece, at = self._head(data, at)
                yield piece
            else:
                at = yield from self._answer.pieces(data, at)

    def _end_answer(self) -> bytes:
        answer = self._answer
        assert answer is not None
        if self._retry_unstreamed and answer.empty and (again := answer.asked.unstreamed()) is not None:
            self.retry = again
            self._become(Answering.ASKING)
            return b""
        self._answer = None
        self._become(Answering.OVER if answer.broken or answer.ends_connection else Answering.HEAD)
        return self._ended(answer, answer.finish(Ending.UPSTREAM_CUT if answer.broken else Ending.COMPLETE))

    def _ended(self, answer: RepairedAnswer, last: bytes) -> bytes:
        self._failed = answer.failure
        if self._failed is not None:
            self._tell_failed(self._failed)
        return last

    def _head(self, data: bytes, at: int) -> tuple[bytes, int]:
        while not self._unread and at < len(data) and data[at] in b"\r\n":  # clients skip empty lines here
            at += 1
        had = len(self._unread)
        self._unread += data[at:]
        end = head_end(self._unread, 0, had)
        # As long as it may be HTTP and is not complete it waits; what is none goes through as it is.
        plausible = (
            b"HTTP/".startswith(self._unread[:5]) and len(self._unread) <= MAX_RESPONSE_HEAD and bool(self._asked)
        )
        if end < 0 and plausible:
            return b"", len(data)
        raw = bytes(self._unread[: end if plausible else len(self._unread)])
        self._unread.clear()
        if not plausible:
            self._become(Answering.RAW)
            return raw, len(data)
        return self._begin(raw), at + len(raw) - had

    def _begin(self, raw: bytes) -> bytes:
        """A complete head; returns what goes out for it."""
        head = parse_response_head(raw)
        asked = self._asked[0]
        body = head if isinstance(head, HttpFault) else response_body(head, asked.head.method)
        if isinstance(head, HttpFault) or isinstance(body, HttpFault) or head.status == 101:
            self._become(Answering.RAW)
            return raw
        if 100 <= head.status < 200:
            return raw
        self._asked.popleft()
        self._become(Answering.BODY)
        self._answer = RepairedAnswer(asked, head, raw, body, unsafe=self._unsafe, courses=self._courses)
        return self._answer.begin()

    def finish(self, how: str) -> bytes:
        """See `ResponseTransformer.finish`."""
        self._lane = None
        return self._rest() + self._finish(how)

    def _finish(self, how: str) -> bytes:
        answer, unread = self._answer, bytes(self._unread)
        self._unread.clear()
        if answer is None or self.state is Answering.OVER:
            return unread
        if how == "fin" and answer.lasts_until_close and self.state is Answering.BODY:
            return self._end_answer()
        self._answer = self.retry = None
        self._become(Answering.HEAD)
        return self._ended(answer, answer.finish(_ENDINGS.get(how, Ending.UPSTREAM_CUT)))

    # --- what takes time

    @property
    def waiting(self) -> bool:
        """See `ResponseTransformer.waiting`."""
        return self._work is None and self.state is Answering.BODY and self._answer is not None and self._answer.waiting

    def release(self) -> bytes:
        """See `ResponseTransformer.release`."""
        self._lane = None
        if self._answer is None:
            return b""
        self._become(Answering.OVER)
        return self._answer.release()

    def answered(self, body: bytes) -> bytes:
        """See `ResponseTransformer.answered`."""
        answer, self._answer, self.retry = self._answer, None, None
        postponed, self._postponed = self._postponed, b""
        if answer is None:
            return b""
        self._become(Answering.OVER if answer.ends_connection else Answering.HEAD)
        out = self._ended(answer, answer.repair(body) + answer.finish(Ending.COMPLETE))
        return out + self._turn(self._steps(postponed, 0))
