"""Courses: a stream that goes as one before it went, byte for byte but for ids, times, counts, paddings and texts,
passes without a repair being made for it.

Most live streams of a server are alike: a chunk with the role, texts or a call, a finish, usage, ``[DONE]``. What their
opening and end take is mostly the making of repairs that have nothing to do, and other streams wait meanwhile.
`Courses` learns how such a stream goes from one that was repaired and of which nothing was changed, and tries the
repairs on it once more with other values. A `LiveNormalizer` whose stream follows a course compares bytes. As soon as
one is another it makes a `Normalizer` and hands it all that came, so that from there on nobody can tell the difference.
"""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis import api_of_path
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.repairing.course_learning import END, Reads, is_clean, tried
from streamlab.repairing.course_steps import Walk, start
from streamlab.repairing.lane import Lane
from streamlab.repairing.normalizer import Normalizer, mended_head
from streamlab.rules.api import Follower
from streamlab.rules.request import RequestReading
from streamlab.wire.payload import encode_json

#: What a request says to the model, which no repair asks for.
_SAID = frozenset({"messages", "prompt"})
#: A read of more bytes is no event of a live stream.
_LONG_READ = 2048
#: Longer requests are read again by whoever asks for them, and a long key takes memory.
_LONGEST_REQUEST, _LONGEST_KEY = 65_536, 16_384
_MOST_KEYS = 256
#: Of streams that are asked for alike: courses, trials of what may be one, streams of which events are kept for that.
_MOST_COURSES, _MOST_TRIES, _MOST_READ = 12, 24, 256

Key = tuple[object, ...]


class _Alike:
    """The courses of streams that are asked for alike."""

    def __init__(self) -> None:
        self.start = start()
        self.count = 0
        self._read = self._tries = 0

    def reads(self) -> Reads | None:
        """What keeps the events of a stream that follows no course, of which another is to be learnt."""
        if not self._wants_more or self._read == _MOST_READ:
            return None
        self._read += 1
        return Reads()

    @property
    def _wants_more(self) -> bool:
        return self.count < _MOST_COURSES and self._tries < _MOST_TRIES

    def learn(self, reads: Reads, normalizer: Normalizer, request: Request, head: ResponseHead) -> None:
        """Learn how a stream went, if its normalizer had nothing to do and another would let one like it pass."""
        follower = _follower(request)
        if follower is None or not self._wants_more or not is_clean(normalizer):
            return
        self._tries += 1
        steps = reads.steps(normalizer.state.api)
        if steps and self.start.add(tried(steps, Normalizer(request, head), follower)):
            self.count += 1


class Courses:
    """The courses of the streams that one process repairs, by what was asked for."""

    def __init__(self) -> None:
        self._known: dict[Key, _Alike] = {}

    def known(self, request: Request, head: ResponseHead) -> _Alike | None:
        """What is known of streams like this one, to be added to; None where it follows none."""
        key = _key(request, head)
        if key is None:
            return None
        known = self._known.pop(key, None) or _Alike()
        self._known[key] = known  # the latest is the last to go
        if len(self._known) > _MOST_KEYS:
            del self._known[next(iter(self._known))]
        return known


def _key(request: Request, head: ResponseHead) -> Key | None:
    """All that repairs ask of a request and of a head."""
    if len(request.body or b"") > _LONGEST_REQUEST:
        return None
    body, names = RequestReading(request).body, tuple(name.lower() for name, _ in head.headers)
    if head.status != 200 or "content-encoding" in names or body.get("stream") is not True:
        return None
    asked = encode_json({key: value for key, value in body.items() if key not in _SAID})
    kind = head.header("content-type")
    return (request.method, request.url, asked, kind, *names) if len(asked) <= _LONGEST_KEY else None


def _follower(request: Request) -> Follower | None:
    """What looks at a stream that was asked for so and follows a course; None where repairs look at every one."""
    api = api_of_path(request.url)
    return api.follower(RequestReading(request)) if api.judged else None


class LiveNormalizer:
    """What a `Normalizer` is to who feeds it and sends on what it gives; one is made for a stream without a course."""

    def __init__(self, request: Request, head: ResponseHead, *, unsafe: bool, courses: Courses | None) -> None:
        self._request, self._head, self._unsafe = request, head, unsafe
        follower = _follower(request) if courses is not None and not unsafe else None
        self._known = courses.known(request, head) if courses is not None and follower is not None else None
        self._held: list[bytes] = []  # events that wait as repairs would let them wait
        self._rest = b""  # the beginning of one
        self._walk: Walk | None = None
        self._reads: Reads | None = None
        self._normalizer: Normalizer | None = None
        if self._known is not None and follower is not None and self._known.count:
            self._walk = Walk(self._known.start, follower)
        else:
            self._leave(b"")

    def feed(self, data: bytes) -> bytes:
        """See `Normalizer.feed`."""
        walk = self._walk
        if walk is None:
            out = self._made.feed(data)
            if self._reads is not None and self._made.lane is None:  # else it is like the one before
                self._reads.add(data)
                self._reads = None if self._made.changes else self._reads
            return out
        data, at = self._rest + data, 0
        passed: list[bytes] = []
        while (end := data.find(END, at) + len(END)) >= len(END):
            event = data[at:end]
            if not walk.takes(event):
                return b"".join(passed) + self._leave(data[at:])
            at = end
            self._held.append(event)
            go = len(self._held) - walk.step.waits
            passed += self._held[:go]
            del self._held[:go]
        self._rest = data[at:]
        if not self._may_go_on(walk, self._rest):
            passed.append(self._leave(self._rest))
        return b"".join(passed)

    @staticmethod
    def _may_go_on(walk: Walk, rest: bytes) -> bool:
        """Whether an event may begin so that is one of the course: else it may be over already, or no event at all."""
        return walk.may_begin(rest) and b"\r" not in rest and len(rest) <= _LONG_READ

    def _leave(self, rest: bytes) -> bytes:
        """From here on a normalizer does all: it is handed what came, and what it makes of ``rest`` goes out."""
        known, walk = self._known, self._walk
        came = walk.raw if walk is not None else b""
        self._reads = known.reads() if known is not None else None
        if self._reads is not None:
            self._reads.add(came + rest)
        self._normalizer = normalizer = Normalizer(self._request, self._head, unsafe=self._unsafe)
        normalizer.feed(came)
        self._walk, self._held, self._rest = None, [], b""
        return normalizer.feed(rest)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """See `Normalizer.pieces`."""
        if self._walk is not None and len(data) <= _LONG_READ:
            yield self.feed(data)
            return
        if self._walk is not None:
            yield self._leave(self._rest)
        if self._reads is not None:
            self._reads.add(data)
        yield from self._made.pieces(data)

    def finish(self, ending: Ending) -> bytes:
        """See `Normalizer.finish`."""
        if self.done and self._walk is not None and not self._rest:  # then it is whole, however it ends
            held, self._held = self._held, []
            return b"".join(held)
        left = self._leave(self._rest) if self._walk is not None else b""
        last = self._made.finish(ending)
        if self._reads is not None and self._known is not None and ending is Ending.COMPLETE:
            self._known.learn(self._reads, self._made, self._request, self._head)
        return left + last

    def release(self) -> bytes:
        """See `Normalizer.release`."""
        left = self._leave(self._rest) if self._walk is not None else b""
        return left + self._made.release()

    @property
    def _made(self) -> Normalizer:
        assert self._normalizer is not None
        return self._normalizer

    @property
    def lane(self) -> Lane | None:
        """See `Normalizer.lane`."""
        if self._walk is not None:
            return self._walk.lane if not self._rest else None
        return self._made.lane

    @property
    def done(self) -> bool:
        """See `Normalizer.done`."""
        return self._walk.step.over if self._walk is not None else self._made.done

    @property
    def passes_through(self) -> bool:
        """See `Normalizer.passes_through`."""
        return self._normalizer is not None and self._normalizer.passes_through

    @property
    def failed(self) -> Exception | None:
        """See `Normalizer.failed`."""
        return self._normalizer.failed if self._normalizer is not None else None

    @property
    def broken(self) -> bool:
        """See `Normalizer.broken`."""
        return self._normalizer is not None and self._normalizer.broken

    @property
    def head(self) -> ResponseHead | None:
        """See `Normalizer.head`."""
        return mended_head(self._head) if self._normalizer is None else self._normalizer.head
