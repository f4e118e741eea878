"""Courses: a stream that goes as one before it went, byte for byte but for its id, its time and its texts, passes
without a repair being made for it.

Most live streams of a server are alike: a chunk with the role, texts, a finish, ``[DONE]``. What their opening and end
take is mostly the making of repairs that have nothing to do, and other streams wait meanwhile. `Courses` learns how
such a stream goes from one that was repaired and of which nothing was changed, and tries the repairs on it once more
with other values. A `LiveNormalizer` whose stream follows a course compares bytes. As soon as one is another it makes a
`Normalizer` and hands it all that came, so that from there on nobody can tell the difference.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from streamlab.apis import Api, api_of_path
from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.repairing.lane import Lane
from streamlab.repairing.normalizer import Normalizer, mended_head
from streamlab.rules.request import RequestReading
from streamlab.wire import reading
from streamlab.wire.choice_parts import kinds_of
from streamlab.wire.events import Chunk
from streamlab.wire.keepalives import named_by
from streamlab.wire.learnt import template_of
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.runs import LONGEST, Run, Template, TextKind
from streamlab.wire.sse import parse_event
from streamlab.wire.stream import read_event

#: What a request says to the model, which no repair asks for.
_SAID = frozenset({"messages", "prompt"})
_LINE, _END, _DONE = b"data: ", b"\n\n", b"data: [DONE]\n\n"
#: Bytes of a stream that may follow a course; they are gone through again where it leaves it.
_ROOM = 128 * 1024
#: A read of more bytes is no event of a live stream.
_LONG_READ = 2048
#: Longer requests are read again by whoever asks for them, and a long key takes memory.
_LONGEST_REQUEST, _LONGEST_KEY = 65_536, 16_384
_MOST_KEYS, _MOST_COURSES, _MOST_TRIES = 256, 4, 8
#: What differs from stream to stream: what stands for it in a course, and how it looks. An id that is too long for a
#: constant, a time in seconds.
_VALUES = {"id": (b"\0i", re.compile(rb"[A-Za-z0-9_-]{24,64}")), "time": (b"\0t", re.compile(rb"[1-9][0-9]{9}"))}
#: What a course is tried with.
_OTHER_ID, _OTHER_TIME, _TEXTS = b"0aZ1bY2c", b"1234567890", (b"one", b"another", b"third")

Key = tuple[object, ...]


class Way(NamedTuple):
    """What comes behind the opening of a stream that follows a course."""

    text: Template
    finish: bytes


class Course:
    """How a stream goes: ``opening``, events of ``text``, ``finish``, ``[DONE]``. In these the id and the time of a
    stream stand where they are marked."""

    def __init__(self, opening: bytes, text: Template, finish: bytes) -> None:
        pattern = re.escape(opening)
        for name, (mark, plain) in _VALUES.items():
            pattern = pattern.replace(re.escape(mark), b"(?P<%b>%b)" % (name.encode(), plain.pattern))
        self._opening, self._text, self._finish = re.compile(pattern), text, finish

    def enter(self, event: bytes) -> Way | None:
        """How a stream goes on that opens so; None where it goes otherwise, as one does whose id says that it keeps a
        connection alive."""
        found = self._opening.fullmatch(event)
        values = found.groupdict() if found is not None else {}
        if found is None or named_by({"id": values.get("id", b"").decode()}) is not None:
            return None
        before, _, rear = self._text.constants
        text = Template({}, self._text.varying, [_filled(before, values), _filled(rear, values)], self._text.order)
        return Way(text, _filled(self._finish, values))

    def goes(self, opening: bytes, normalizer: Normalizer) -> bool:
        """Whether a normalizer lets a stream pass that opens so and follows this course, event by event; its end waits
        until no more comes."""
        way = self.enter(opening)
        if way is None:
            return False
        before, _, rear = way.text.constants
        passing = [opening, *(before + text + rear for text in _TEXTS)]
        waiting = [way.finish, _DONE]
        went = [normalizer.feed(event) for event in (*passing, *waiting)]
        ended = normalizer.finish(Ending.COMPLETE)
        return went == [*passing, b"", b""] and ended == b"".join(waiting) and _is_clean(normalizer)


def _filled(form: bytes, values: dict[str, bytes]) -> bytes:
    for name, value in values.items():
        form = form.replace(_VALUES[name][0], value)
    return form


def _is_clean(normalizer: Normalizer) -> bool:
    """Whether it changed nothing, and nothing was to be changed."""
    return not (normalizer.changes or normalizer.unrepaired or normalizer.state.account.dropped or normalizer.failed)


class _Reads:
    """What a normalizer was fed first and last, of which a course may be learnt."""

    def __init__(self) -> None:
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque(maxlen=2)

    def add(self, data: bytes) -> None:
        """A read came."""
        if data:
            self._first += [data] if len(self._first) < 2 else []
            self._last.append(data)

    def course(self, api: Api) -> tuple[Course, bytes] | None:
        """How the stream went, and how another one would open that goes so; None where that cannot be told."""
        opening, text, *_ = *b"".join(self._first).split(_END), b""
        *_, finish, done, rest = b"", b"", *b"".join(self._last).split(_END)
        raws = [one + _END for one in (opening, text, finish)]
        events = [one for one in (read_event(parse_event(raw, 1)) for raw in raws) if type(one) is Chunk]
        if done + _END + rest != _DONE or len(events) < 3 or not _is_of_one(*(one.json for one in events)):
            return None
        varying = api.varying(events[1].json)
        if varying is None or (varying.text, varying.choice) != (TextKind.CONTENT, 0):
            return None
        template = template_of(events[1], varying)
        if template is None or len(template.order) > 1:
            return None
        before, _, rear = template.constants
        came = events[0].json
        marked = [_marked(one, came) for one in ([raws[0]], [before, rear], [raws[2]])]
        if not all(marked):
            return None
        [opening], parts, [finish] = marked
        course = Course(opening, Template({}, varying, parts, template.order), finish)
        return course, _filled(opening, {"id": str(came["id"])[:-8].encode() + _OTHER_ID, "time": _OTHER_TIME})


def _is_of_one(opening: JsonObject, text: JsonObject, finish: JsonObject) -> bool:
    """Whether these chunks are of one stream, and all it says is said in texts."""
    known = [(one.get("id"), one.get("created")) for one in (opening, text, finish)]
    silent = not any(map(kinds_of, (*reading.deltas(opening), *reading.deltas(finish))))
    return silent and known == [known[0]] * 3


def _marked(parts: list[bytes], chunk: JsonObject) -> list[bytes]:
    """Parts of an event with marks in place of the id and the time of its stream; empty where it is not certain where
    these stand."""
    for key, (mark, plain) in (("id", _VALUES["id"]), ("created", _VALUES["time"])):
        value = str(chunk.get(key)).encode()
        if plain.fullmatch(value):
            if sum(part.count(value) for part in parts) != 1:
                return []
            parts = [part.replace(value, mark) for part in parts]
    return parts


class _Alike:
    """The courses of streams that are asked for alike."""

    def __init__(self) -> None:
        self.courses: list[Course] = []
        self._tries = 0

    @property
    def wants_more(self) -> bool:
        """Whether another course is to be learnt, should a stream follow none of them."""
        return len(self.courses) < _MOST_COURSES and self._tries < _MOST_TRIES

    def learn(self, reads: _Reads, normalizer: Normalizer, make: Callable[[], Normalizer]) -> None:
        """Learn how a stream went, if its normalizer had nothing to do and others would let one like it pass."""
        if self.wants_more and _is_clean(normalizer):
            self._tries += 1
            found = reads.course(normalizer.state.api)
            if found is not None and found[0].goes(found[1], make()):
                self.courses.append(found[0])


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
    api, body = api_of_path(request.url), RequestReading(request).body
    names = tuple(name.lower() for name, _ in head.headers)
    if head.status != 200 or "content-encoding" in names or body.get("stream") is not True:
        return None
    if not (api.judged and api.ends_with_done) or api.tracker() is not None:
        return None
    asked = encode_json({key: value for key, value in body.items() if key not in _SAID})
    kind = head.header("content-type")
    return (request.method, request.url, asked, kind, *names) if len(asked) <= _LONGEST_KEY else None


class Following(Enum):
    """How far a stream has followed a course."""

    OPENING = auto()
    TEXT = auto()
    FINISHED = auto()  # what finishes it came, and waits as a repair would let it wait
    DONE = auto()  # so did [DONE]
    LEFT = auto()  # it follows none: a normalizer does all


class LiveNormalizer:
    """What a `Normalizer` is to who feeds it and sends on what it gives; one is made for a stream without a course."""

    def __init__(self, request: Request, head: ResponseHead, *, unsafe: bool, courses: Courses | None) -> None:
        self._request, self._head, self._unsafe = request, head, unsafe
        self._known = courses.known(request, head) if courses is not None and not unsafe else None
        self._stage = Following.OPENING
        self._opening = self._finish = self._held = self._rest = b""
        self._texts: Lane | None = None
        self._reads: _Reads | None = None
        self._normalizer: Normalizer | None = None
        if self._known is None or not self._known.courses:
            self._leave(b"")

    def feed(self, data: bytes) -> bytes:
        """See `Normalizer.feed`."""
        if self._normalizer is not None:
            if self._reads is not None:
                self._reads.add(data)
            return self._normalizer.feed(data)
        data, at, passed = self._rest + data, 0, 0
        while (end := data.find(_END, at) + len(_END)) >= len(_END):
            if not self._follows(data[at:end]):
                return data[:passed] + self._leave(data[at:])
            at = end
            passed = at if self._stage is Following.TEXT else passed
        self._rest = data[at:]
        return data[:passed] + (b"" if self._may_go_on(self._rest) else self._leave(self._rest))

    def _may_go_on(self, rest: bytes) -> bool:
        """Whether an event may begin so that is one of the course: else it may be over already, or no event at all."""
        line = self._texts is not None or rest.startswith(_LINE[: len(rest)])
        return line and b"\r" not in rest and len(rest) <= _LONG_READ

    def _follows(self, event: bytes) -> bool:
        """Whether the next event is one of the course."""
        texts = self._texts
        if texts is None:
            return self._enters(event)
        if self._stage is Following.TEXT and event == self._finish:
            self._stage, self._held = Following.FINISHED, event
            return True
        if self._stage is Following.FINISHED and event == _DONE:
            self._stage, self._held = Following.DONE, self._held + event
            return True
        # Where the second text begins with the first, each may hold all text so far.
        again = len(texts) == 1 and event.startswith(texts.begun)
        return self._stage is Following.TEXT and not again and texts.takes(event)

    def _enters(self, event: bytes) -> bool:
        assert self._known is not None
        for course in self._known.courses:
            if (way := course.enter(event)) is not None:
                self._stage, self._opening, self._finish = Following.TEXT, event, way.finish
                self._texts = Lane(Run(way.text, b"", 0, [""], None, [0]), LONGEST, _ROOM)
                return True
        return False

    def _leave(self, rest: bytes) -> bytes:
        """From here on a normalizer does all: it is handed what came, and what it makes of ``rest`` goes out."""
        known = self._known
        if self._stage is Following.OPENING and known is not None and known.wants_more:
            self._reads = _Reads()
            self._reads.add(rest)
        self._normalizer = normalizer = Normalizer(self._request, self._head, unsafe=self._unsafe)
        run = self._texts.run() if self._texts is not None else None
        normalizer.feed(self._opening + (run.raw if run is not None else b"") + self._held)
        self._stage, self._texts, self._held, self._rest = Following.LEFT, None, b"", b""
        return normalizer.feed(rest)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """See `Normalizer.pieces`."""
        if self._normalizer is None and len(data) <= _LONG_READ:
            yield self.feed(data)
            return
        if self._normalizer is None:
            yield self._leave(self._rest)
        if self._reads is not None:
            self._reads.add(data)
        yield from self._made.pieces(data)

    def finish(self, ending: Ending) -> bytes:
        """See `Normalizer.finish`."""
        if self._stage is Following.DONE and not self._rest:  # then it is whole, however it ends
            held, self._held = self._held, b""
            return held
        left = self._leave(self._rest) if self._normalizer is None else b""
        last = self._made.finish(ending)
        if self._reads is not None and self._known is not None and ending is Ending.COMPLETE:
            self._known.learn(self._reads, self._made, lambda: Normalizer(self._request, self._head))
        return left + last

    def release(self) -> bytes:
        """See `Normalizer.release`."""
        left = self._leave(self._rest) if self._normalizer is None else b""
        return left + self._made.release()

    @property
    def _made(self) -> Normalizer:
        assert self._normalizer is not None
        return self._normalizer

    @property
    def lane(self) -> Lane | None:
        """See `Normalizer.lane`."""
        if self._normalizer is not None:
            return self._normalizer.lane
        texts = self._texts
        at_rest = self._stage is Following.TEXT and not self._rest
        return texts if at_rest and texts is not None and len(texts) > 1 else None

    @property
    def done(self) -> bool:
        """See `Normalizer.done`."""
        return self._stage is Following.DONE if self._normalizer is None else self._normalizer.done

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
