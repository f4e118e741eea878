"""The law of courses: a stream that follows one goes out as if repairs had looked at each event, read by read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.exchange import Ending, Request, ResponseHead
from streamlab.repairing import course_learning, course_steps, courses
from streamlab.repairing.courses import Courses, LiveNormalizer
from streamlab.repairing.normalizer import Normalizer
from streamlab.servers.normalizing import RepairingTransformer
from tests import streams
from tests.examples import examples
from tests.judging import test_runs
from tests.mutations import FOREIGN, mutated
from tests.repairing.test_mutations import MUTATIONS

_HEAD = ResponseHead(200, streams.HEADERS)
_DONE = b"data: [DONE]\n\n"
_WORDS = ("Spring", " is", " here", ".")


def _request(**members: object) -> Request:
    asked = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "?"}], **members}
    return Request("POST", "http://127.0.0.1/v1/chat/completions", (), json.dumps(asked).encode())


_REQUEST = _request()


def _events(*words: str, one: str = streams.ID, created: int = streams.CREATED) -> list[bytes]:
    """The events of a stream: its role, its words, its end."""
    payloads = ({**chunk, "id": one, "created": created} for chunk in streams.chat_text(*words))
    return [*map(streams.frame, payloads), _DONE]


def _fed(normalizer: LiveNormalizer | Normalizer, reads: list[bytes]) -> list[bytes]:
    """What goes out read by read, as it is fed live: first with the head, then where it is a lane's."""
    out = [b"".join(normalizer.pieces(reads[0]))] if reads else []
    for data in reads[1:]:
        lane = normalizer.lane if isinstance(normalizer, LiveNormalizer) else None
        out.append(data if lane is not None and lane.takes(data) else normalizer.feed(data))
    return out


def _sent(
    normalizer: LiveNormalizer | Normalizer, reads: list[bytes], ending: Ending | None = Ending.COMPLETE
) -> tuple[object, ...]:
    """What goes out, and how it ends; None: by who will wait no longer."""
    out = _fed(normalizer, reads)
    done, last = normalizer.done, normalizer.release() if ending is None else normalizer.finish(ending)
    return out, done, last, normalizer.head, normalizer.failed, normalizer.broken, normalizer.passes_through


def _known(reads: list[bytes], request: Request = _REQUEST) -> Courses:
    """Courses that such a stream went."""
    known = Courses()
    _sent(LiveNormalizer(request, _HEAD, unsafe=False, courses=known), reads)
    return known


def _live(known: Courses, request: Request = _REQUEST, head: ResponseHead = _HEAD) -> LiveNormalizer:
    return LiveNormalizer(request, head, unsafe=False, courses=known)


@pytest.fixture
def made(monkeypatch) -> Iterator[list[Normalizer]]:
    """The normalizers that are made."""
    found: list[Normalizer] = []

    def making(*given, **named):
        found.append(Normalizer(*given, **named))
        return found[-1]

    monkeypatch.setattr(courses, "Normalizer", making)
    return found


_OTHER = {"one": "chatcmpl-0123456789abcdefghijABCDEFGHI", "created": 1741999999}


def test_a_stream_that_goes_as_one_before_it_needs_no_repair(made):
    known = _known(_events(*_WORDS))
    made.clear()
    reads = _events("Quite", " another", " answer", " with", " more", " wörds", " 世界", **_OTHER)
    out = _sent(_live(known), reads)
    assert made == []
    assert out[:3] == ([*reads[:-2], b"", b""], True, b"".join(reads[-2:]))
    assert out == _sent(Normalizer(_REQUEST, _HEAD), reads)


def _unlike() -> dict[str, list[bytes]]:
    """Streams that leave the course, each in another place."""
    plain, usage = _events(*_WORDS, **_OTHER), streams.frame(streams.chunk(usage={"total_tokens": 1}, choices=[]))
    keepalive = _events(*_WORDS, one="chatcmpl-keep-alive-0123456789abcdefg")
    return {
        "all text so far in the second": _events("Spring", "Spring is", "Spring is here", "Spring is here."),
        "all text so far in every text": _events(*("Spring is here"[: 4 + at] for at in range(8))),
        "a call": [*plain[:3], streams.frame(streams.chat_tool()[1]), *plain[3:]],
        "another id in the middle": [*plain[:3], *_events(*_WORDS)[3:]],
        "a constant id": _events(*_WORDS, one="chatcmpl-1"),
        "an id that keeps alive": keepalive,
        "a time that is none": [one.replace(b"1741999999", b"1741999999000") for one in plain],
        "another model": [one.replace(b"gpt-4o", b"gpt-4p") for one in plain],
        "no text": [plain[0], *plain[-2:]],
        "one text": [*plain[:2], *plain[-2:]],
        "usage": [*plain[:-1], usage, _DONE],
        "text behind the finish": [*plain[:-1], plain[2], _DONE],
        "text behind the end": [*plain, plain[2]],
        "two ends": [*plain, _DONE],
        "no end": plain[:-1],
        "no finish": [*plain[:-2], _DONE],
        "a comment behind the end": [*plain, b": bye\n\n"],
        "a comment": [*plain[:2], b": ping\n\n", *plain[2:]],
        "half an event at the end": [*plain, b"data: {"],
        "a long text": [*plain[:3], plain[2].replace(b" is", b"x" * 1001), *plain[3:]],
        "an error": [*plain[:3], b'data: {"error":{"message":"x"}}\n\n'],
        "JSON": [json.dumps(streams.chunk({"content": "x"})).encode(), b"\n"],
        "a page": [b"<html>", b"</html>"],
        "a mark of UTF-8": [b"\xef\xbb", b"\xbf" + plain[0], *plain[1:]],
        "CR and LF for the ends": [plain[0], *(one.replace(b"\n\n", b"\r\r\n") for one in plain[1:])],
        "CRLF after the opening": [plain[0], *(one.replace(b"\n", b"\r\n") for one in plain[1:])],
        "CRLF": [one.replace(b"\n", b"\r\n") for one in plain],
        **{f"{text!r} for a text": [*plain[:2], plain[2].replace(b" is", text), *plain[3:]] for text in _ODD_TEXTS},
    }


_ODD_TEXTS = [b"", b'"', b"\\n", b"\\", b"\x00", b"\n", b"\n\n", b"\xff", b'","a":"', b"\xc2\x85", b"\xe2\x80\xa8"]


@pytest.mark.parametrize("ending", [Ending.COMPLETE, Ending.UPSTREAM_CUT, Ending.TIMED_OUT, None])
@pytest.mark.parametrize("name", _unlike())
def test_a_stream_that_leaves_the_course_is_repaired_as_ever(name, ending):
    known, reads = _known(_events(*_WORDS)), _unlike()[name]
    assert _sent(_live(known), reads, ending) == _sent(Normalizer(_REQUEST, _HEAD), reads, ending)
    whole = [b"".join(reads)]
    assert _sent(_live(known), whole, ending) == _sent(Normalizer(_REQUEST, _HEAD), whole, ending)


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.TIMED_OUT, None])
def test_the_end_of_a_stream_on_its_course_is_repaired_as_ever(ending):
    known, reads = _known(_events(*_WORDS)), _events(*_WORDS, **_OTHER)
    for count in range(len(reads) + 1):
        expected = _sent(Normalizer(_REQUEST, _HEAD), reads[:count], ending)
        assert _sent(_live(known), reads[:count], ending) == expected, count


_TEXTS = st.lists(
    st.sampled_from(["Spring", " is", " here", " is here and stays", "世界", "a", "aa", "{", '"', "\\", "\u2028", ""]),
    max_size=12,
)
_IDS = st.sampled_from([streams.ID, _OTHER["one"], "chatcmpl-1", "chatcmpl-ping-0123456789abcdefghij", "", "é" * 24])
_PLACED = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(FOREIGN)), max_size=2)


def _reads(body: bytes, sizes: list[int]) -> list[bytes]:
    """A body in reads: of an event each, but for those that are cut off so many bytes later, or are two."""
    found, rest = [], b""
    for at, event in enumerate(part + b"\n\n" for part in body.split(b"\n\n")):
        size, data = sizes[at % len(sizes)] if sizes else 0, rest + event
        cut = len(data) - size
        found.append(data[:cut])
        rest = data[cut:]
    found.append(rest)
    found[-1:] = [found[-1][:-2]] if found[-1].endswith(b"\n\n") else found[-1:]
    return [one for one in found if one]


_SIZES = st.lists(st.sampled_from([0] * 6 + [1, 2, 7, 200, 500]), max_size=5)
_ENDINGS = st.sampled_from([Ending.COMPLETE] * 4 + [Ending.UPSTREAM_CUT, None])


def whatever(kinds: Iterable[str], events: Callable[[str, int], list[bytes]]) -> st.SearchStrategy:
    """Streams of these kinds, ``events`` of a kind and a number, with something foreign among them, mutated, in reads
    of any size; and how each ends."""

    def torn(name, at, placed, mutations, sizes, ending):
        came = events(name, at)
        for place, foreign in placed:
            came.insert(place, foreign)
        return _reads(mutated(b"".join(came), mutations), sizes), ending

    placed = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(FOREIGN)), max_size=1)
    names, numbers, mutations = st.sampled_from([*kinds]), st.integers(1, 6), MUTATIONS | st.just([])
    return st.builds(torn, names, numbers, placed, mutations, _SIZES, _ENDINGS)


@settings(max_examples=examples(300))
@given(
    _TEXTS,
    _IDS,
    st.sampled_from([1741570283, 1741999999, 7, "1741999999"]),
    _PLACED,
    MUTATIONS | st.just([]),
    _SIZES,
    _ENDINGS,
)
def test_whatever_comes_goes_out_as_if_there_were_no_courses(words, one, created, placed, mutations, sizes, ending):
    events = _events(*(words or ["Spring"]), one=one, created=created)
    for at, foreign in placed:
        events.insert(at, foreign)
    reads = _reads(mutated(b"".join(events), mutations), sizes)
    known = _known(_events(*_WORDS))
    assert _sent(_live(known), reads, ending) == _sent(Normalizer(_REQUEST, _HEAD), reads, ending)


@settings(max_examples=examples(150))
@given(test_runs._bodies, st.lists(st.sampled_from([0] * 6 + [1, 7, 200]), max_size=5))
def test_texts_of_all_kinds_go_out_as_if_there_were_no_courses(body, sizes):
    learnt = [test_runs._OPENED, *(b"data: " + test_runs._chunk({"content": f" w{at}"}) + b"\n\n" for at in range(3))]
    finish = b"data: " + test_runs._chunk({}).replace(b'"finish_reason":null', b'"finish_reason":"stop"') + b"\n\n"
    request, reads = test_runs._REQUEST, _reads(body, sizes)
    known = _known([*learnt, finish, _DONE], request)
    assert _courses(known) == 1
    assert _sent(_live(known, request), reads) == _sent(Normalizer(request, _HEAD), reads)


# -- what is learnt ----------------------------------------------------------------------------------------------


def _courses(known: Courses) -> int:
    return sum(one.count for one in known._known.values())


def _wrong() -> dict[str, list[bytes]]:
    """Streams of which no course is learnt."""
    plain = _events(*_WORDS)
    twice = streams.ID.encode()
    return {
        "changed": [one.replace(b'"refusal":null', b'"refusal":null,"tool_calls":[]') for one in plain],
        "no finish": [*plain[:-2], _DONE],
        "no end": plain[:-1],
        "text in the opening": [plain[0].replace(b'"content":""', b'"content":"Well"'), *plain[1:]],
        "text in the finish": [*plain[:-2], plain[-2].replace(b'"delta":{}', b'"delta":{"content":"!"}'), _DONE],
        "the id twice": [one.replace(b'"model":', b'"x_id":"%b","model":' % twice) for one in plain],
        "two answers": [*plain[:2], *(one.replace(b'"index":0', b'"index":1') for one in plain[:2]), *plain[2:]],
        "more kinds of events than a course has": [*plain[:-2], *_named_anew(plain[1]), *plain[-2:]],
        "a comment": [plain[0], b": ping\n\n", *plain[1:]],
    }


def _named_anew(event: bytes) -> list[bytes]:
    return [event.replace(b'"logprobs"', b'"l%d":0,"logprobs"' % number) for number in range(32)]


@pytest.mark.parametrize("name", _wrong())
def test_of_some_streams_no_course_is_learnt(name):
    assert _courses(_known(_wrong()[name])) == 0
    assert _courses(_known(_events(*_WORDS))) == 1


def test_a_course_is_that_of_what_was_asked_for(made):
    known, reads = _known(_events(*_WORDS)), _events(*_WORDS, **_OTHER)
    asked = [_request(n=2), _request(tools=[streams.TOOL]), _request(model="o"), _request(stream=False)]
    heads = [ResponseHead(404, streams.HEADERS), ResponseHead(200, ())]
    for request, head in [*((one, _HEAD) for one in asked), *((_REQUEST, one) for one in heads)]:
        made.clear()
        assert _sent(_live(known, request, head), reads) == _sent(Normalizer(request, head), reads)
        assert len(made) > 0
    made.clear()
    _sent(_live(known, _request(messages=[{"role": "user", "content": "Something else?"}])), reads)
    assert made == []


def test_a_course_that_the_repairs_do_not_let_pass_is_none(monkeypatch):
    monkeypatch.setattr(course_learning, "_OTHER_ID", b"-ping-01")
    assert _courses(_known(_events(*_WORDS))) == 0


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(courses, "_MOST_KEYS", 3)
    known = Courses()
    for number in range(9):
        _sent(_live(known, _request(seed=number)), _events(*_WORDS))
    assert _courses(known) == 3
    for number in range(courses._MOST_COURSES + 3):
        _sent(_live(known), [one.replace(streams.FINGERPRINT.encode(), b"fp_%d" % number) for one in _events(*_WORDS)])
    assert _courses(known) == 2 + courses._MOST_COURSES


def test_a_stream_that_is_longer_than_its_course_goes_on(monkeypatch, made):
    monkeypatch.setattr(course_steps, "ROOM", 2_000)
    monkeypatch.setattr(course_learning, "ROOM", 2_000)
    known, reads = _known(_events(*_WORDS)), _events(*(f" w{at}" for at in range(50)), **_OTHER)
    made.clear()
    assert _sent(_live(known), reads) == _sent(Normalizer(_REQUEST, _HEAD), reads)
    assert len(made) == 1


# -- on the wire -------------------------------------------------------------------------------------------------


def test_a_client_is_sent_the_same(made):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    asked = _REQUEST.body or b""
    known, sent = Courses(), []
    for words in (_WORDS, ("Some", " other", " words", " come")):
        made.clear()
        transformer, out = RepairingTransformer(courses=known), []
        transformer.request(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(asked))
        transformer.request_body(asked)
        framed = [b"%x\r\n%b\r\n" % (len(one), one) for one in _events(*words)]
        for data in (head + framed[0], *framed[1:-2], framed[-2] + framed[-1] + b"0\r\n\r\n"):
            out.append(data if transformer.passes(data) else transformer.feed(data))
        sent.append(b"".join(out).replace(b"".join(one for one in framed[1:-2]), b""))
    assert made == []
    assert sent[0] == sent[1]
    assert sent[0].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
