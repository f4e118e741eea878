"""The relay's dialogues, written down: what client and upstream say, and who is told what. No sockets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlab.servers import answers, dialogue, requests
from streamlab.servers.dialogue import Phase
from streamlab.servers.forwarding import Forwarded
from streamlab.servers.requests import Asking, RequestReader
from streamlab.servers.sides import Timer
from streamlab.wire.http1 import RequestHead
from tests.servers.harness import get, post
from tests.servers.playbook import AUTHORITY, ORIGIN, Playbook, to_client, to_recorder, to_upstream

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_UPGRADE = get("/v1/x", "Connection: upgrade\r\nUpgrade: x\r\n")
_GRANTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
_CALLED = ("upstream", "is", "called")
_UPSTREAM_CLOSED, _CLIENT_CLOSED = ("upstream", "is", "closed"), ("client", "is", "closed")


def _swapped(request: bytes) -> bytes:
    host = next(line for line in request.split(b"\r\n") if line.startswith(b"Host:"))
    return request.replace(host, f"Host: {AUTHORITY}".encode())


def _as_it_is(raw: bytes, head: RequestHead) -> Forwarded:
    return Forwarded(raw, raw)


def _begun(**options: Any) -> Playbook:
    """A dialogue whose request has been sent and whose answer has begun."""
    play = Playbook(**options).client_sends(get("/v1/stream")).upstream_sends(_STREAM)
    play.heard()
    return play


def _error(told: list[Any]) -> dict[str, str]:
    (answer,) = [what for who, _, what in told if who == "client" and isinstance(what, bytes)]
    head, _, body = answer.partition(b"\r\n\r\n")
    error: dict[str, str] = json.loads(body)["error"]
    return {**error, "status": head.split(b" ")[1].decode()}


# --- request and answer


def test_a_request_goes_to_the_recorder_first_and_its_answer_comes_back() -> None:
    request = get("/v1/ok")
    play = Playbook().client_sends(request)
    assert play.heard() == [to_recorder("request", request), _CALLED, to_upstream(_swapped(request))]
    play.upstream_sends(_OK)
    assert play.heard() == [to_recorder("response", _OK), to_client(_OK)]


def test_a_body_is_passed_on_as_it_comes() -> None:
    head, body = post("/v1/x", b"abcdef")[:-6], b"abcdef"
    play = Playbook().client_sends(head + body[:2])
    assert play.heard()[-2:] == [to_recorder("request body", b"ab"), to_upstream(b"ab")]
    play.client_sends(body[2:])
    assert play.heard() == [to_recorder("request body", b"cdef"), to_upstream(b"cdef")]


def test_what_is_sent_before_there_is_a_connection_waits_for_it() -> None:
    request = post("/v1/x", b"{}")
    play = Playbook(at_once=False).client_sends(request)
    assert [what for who, _, what in play.heard() if who == "upstream"] == ["called"]
    play.connects()
    assert play.heard() == [to_upstream(_swapped(request))]


def test_a_client_waits_when_too_much_waits_for_a_connection() -> None:
    play = Playbook(at_once=False).client_sends(post("/v1/x", b"u" * 300_000))
    assert not play.client.reading
    assert play.connects().client.reading


def test_requests_one_after_the_other_use_one_connection() -> None:
    play = Playbook().client_sends(get("/v1/a")).upstream_sends(_OK).client_sends(get("/v1/b")).upstream_sends(_OK)
    told = play.heard()
    assert told.count(_CALLED) == 1
    assert told.count(to_client(_OK)) == 2


def test_a_client_that_does_not_read_holds_the_upstream_back() -> None:
    play = _begun()
    play.client.room = False
    play.upstream_sends(b"1")
    assert not play.upstream.reading
    assert play.client_takes_all().upstream.reading


def test_an_upstream_that_does_not_read_holds_the_client_back() -> None:
    play = Playbook().client_sends(get("/v1/a"))
    play.upstream.room = False
    play.client_sends(post("/v1/b", b"x" * 10))
    assert not play.client.reading
    assert play.upstream_takes_all().client.reading


def test_bulk_waits_for_a_recorder_that_is_behind_and_events_do_not() -> None:
    play = _begun()
    play.recorder.congested = True
    assert play.upstream_sends(b"event").upstream.reading
    assert not play.upstream_sends(b"b" * 100_000).upstream.reading
    assert not play.expires(Timer.CONGESTED).upstream.reading
    play.recorder.congested = False
    assert play.expires(Timer.CONGESTED).upstream.reading


# --- upgrades


def test_after_an_upgrade_everything_is_passed_on() -> None:
    play = Playbook().client_sends(_UPGRADE + b"early")
    assert to_upstream(b"early") not in play.heard()
    play.upstream_sends(_GRANTED)
    assert play.heard()[-2:] == [to_recorder("request body", b"early"), to_upstream(b"early")]
    play.client_sends(b"GET / is no request here\r\n\r\n")
    assert play.heard()[-1] == to_upstream(b"GET / is no request here\r\n\r\n")


def test_what_follows_a_refused_upgrade_is_a_request() -> None:
    second = get("/v1/second")
    play = Playbook().client_sends(_UPGRADE + second)
    assert to_upstream(_swapped(second)) not in play.heard()
    play.upstream_sends(_OK)
    assert play.heard()[-2:] == [to_recorder("request", second), to_upstream(_swapped(second))]


def test_a_body_goes_on_after_a_refused_upgrade() -> None:
    play = Playbook().client_sends(post("/v1/x", b"abc", "Upgrade: h2c\r\n")[:-1]).upstream_sends(_OK)
    assert play.heard()[-1] == to_upstream(b"ab")
    play.client_sends(b"c" + get("/v1/next"))
    assert play.heard()[-1] == to_upstream(_swapped(get("/v1/next")))


# --- ends


def test_the_upstreams_end_is_the_clients_end() -> None:
    play = _begun().upstream_ends()
    assert play.heard() == [to_recorder("ended", "upstream-fin"), _UPSTREAM_CLOSED, ("client", "gets", "fin")]
    play.client_ends()
    assert play.heard() == [_CLIENT_CLOSED, to_recorder("closed")]


def test_a_reset_is_passed_on_once_the_client_took_what_came_before() -> None:
    play = _begun().upstream_ends("rst")
    assert play.heard() == [to_recorder("ended", "upstream-rst"), ("client", "gets", "rst")]
    assert play.client.then is not None
    play.client.then()
    assert play.heard() == [_UPSTREAM_CLOSED, _CLIENT_CLOSED, to_recorder("closed")]


def test_another_failure_is_named_to_the_recorder() -> None:
    assert _begun().upstream_ends("error: no route to host").heard()[0] == to_recorder(
        "ended", "upstream-error: no route to host"
    )


@pytest.mark.parametrize(("how", "words"), [("fin", "closed"), ("rst", "reset")])
def test_an_end_before_any_answer_is_answered_by_us(how: str, words: str) -> None:
    error = _error(Playbook().client_sends(get("/v1/x")).upstream_ends(how).heard())
    assert (error["status"], error["code"]) == ("502", "upstream_closed")
    assert error["message"] == f"streamlab: {ORIGIN} {words} the connection before it answered"


def test_no_answer_of_ours_stands_where_several_requests_wait() -> None:
    play = Playbook().client_sends(get("/v1/a") + get("/v1/b")).upstream_ends()
    assert play.client_got() == b""


def test_an_upstream_out_of_reach_is_said_to_client_and_recorder() -> None:
    play = Playbook(at_once=False).client_sends(get("/v1/x"))
    play.heard()
    told = play.cannot_connect("refused", "connection refused").heard()
    assert told[0] == to_recorder("ended", "unreachable: refused: connection refused")
    assert _error(told)["code"] == "upstream_unreachable"
    assert "is the server running" in _error(told)["message"]


def test_a_client_that_leaves_is_followed_until_its_message_ends() -> None:
    play = _begun().client_ends()
    assert play.heard() == [to_recorder("ended", "client-fin")]
    assert play.dialogue.phase is Phase.LEAVING
    play.upstream_sends(b"0\r\n\r\n")
    assert play.heard() == [
        to_recorder("response", b"0\r\n\r\n"), _UPSTREAM_CLOSED, _CLIENT_CLOSED, to_recorder("closed"),
    ]  # fmt: skip


def test_a_client_that_leaves_is_not_waited_for_without_end() -> None:
    play = _begun().client_ends("rst")
    play.heard()
    assert play.expires(Timer.LEAVING).heard()[-1] == to_recorder("closed")


@pytest.mark.parametrize("answer", [_OK, _STREAM + b"0\r\n\r\n"], ids=["with a length", "ended"])
def test_a_client_that_has_its_message_leaves_at_once(answer: bytes) -> None:
    play = Playbook().client_sends(get("/v1/x")).upstream_sends(answer).client_ends()
    assert play.heard()[-1] == to_recorder("closed")


def test_a_client_that_leaves_before_there_is_a_connection() -> None:
    play = Playbook(at_once=False).client_sends(get("/v1/x")).client_ends()
    assert play.heard()[-3:] == [to_recorder("ended", "client-fin"), _CLIENT_CLOSED, to_recorder("closed")]


def test_a_client_that_keeps_its_side_open_is_closed_in_the_end() -> None:
    play = _begun().upstream_ends()
    play.client.unsent = 5
    assert not play.expires(Timer.LINGER).over
    play.client.unsent = 0
    assert play.expires(Timer.LINGER).over


def test_what_a_client_says_after_its_last_answer_is_dropped() -> None:
    play = _begun().upstream_ends()
    play.heard()
    assert play.client_sends(get("/v1/again")).heard() == []


def test_stopping_says_so_and_closes_both() -> None:
    play = _begun()
    play.dialogue.stop()
    assert play.heard() == [to_recorder("ended", "stopped"), _UPSTREAM_CLOSED, _CLIENT_CLOSED, to_recorder("closed")]
    play.dialogue.stop()
    assert play.heard() == []


# --- time


@pytest.mark.parametrize(("answered", "status"), [(False, "504"), (True, None)])
def test_silence_is_ended_by_the_idle_timeout(answered: bool, status: str | None) -> None:
    play = Playbook(idle_timeout=5.0).client_sends(get("/v1/x"))
    if answered:
        play.upstream_sends(_STREAM)
    play.heard()
    told = play.expires(Timer.IDLE).heard()
    assert told[0] == to_recorder("ended", "timeout")
    assert status is None or _error(told)["status"] == status


def test_whoever_speaks_puts_the_idle_timeout_off() -> None:
    play = _begun(idle_timeout=5.0)
    play.now += 3_000_000_000
    play.upstream_sends(b"1\r\nx\r\n")
    play.now -= 1_000_000_000  # the timer was set for 5 s, which is 2 s after this read
    play.timers[Timer.IDLE] = 3.0
    assert play.expires(Timer.IDLE).dialogue.phase is Phase.RELAYING
    assert play.timers[Timer.IDLE] == pytest.approx(3.0)


def test_a_client_that_does_not_read_is_not_the_upstreams_silence() -> None:
    play = _begun(idle_timeout=5.0)
    play.client.unsent = 1
    assert play.expires(Timer.IDLE).dialogue.phase is Phase.RELAYING
    play.client.unsent = 0
    assert play.expires(Timer.IDLE).dialogue.phase is Phase.LAST_WORDS


# --- transformed answers


class _Transformer:
    """Shouts; ``retry``, ``waiting``, ``more`` and ``over`` are set by the test."""

    def __init__(self) -> None:
        self.waiting = self.over = self.more = False
        self.retry: tuple[bytes, bytes] | None = None
        self.failure: str | None = None
        self.left = b""

    def request(self, head: bytes) -> None:
        """Nothing to remember."""

    def request_body(self, data: bytes | memoryview) -> None:
        """Nothing to remember."""

    def passes(self, data: bytes) -> bool:
        return data.startswith(b"pass")

    def feed(self, data: bytes) -> bytes:
        return data.upper()

    def go_on(self) -> bytes:
        self.more = False
        return b"the rest"

    def finish(self, how: str) -> bytes:
        return b"finished: " + how.encode()

    def release(self) -> bytes:
        self.over = True
        return b"released"

    def answered(self, body: bytes) -> bytes:
        self.retry = None
        return b"instead: " + body


def _shouting() -> tuple[Playbook, _Transformer]:
    transformer = _Transformer()
    play = Playbook(transformer=transformer).client_sends(get("/v1/x"))
    play.heard()
    return play, transformer


def test_the_client_gets_what_the_transformer_makes_and_the_recorder_what_came() -> None:
    play, _ = _shouting()
    assert play.upstream_sends(b"abc").heard() == [to_recorder("response", b"abc"), to_client(b"ABC")]
    assert to_client(b"finished: fin") in play.upstream_ends().heard()


def test_what_the_transformer_lets_pass_goes_out_as_it_came() -> None:
    play, _ = _shouting()
    assert play.upstream_sends(b"pass").heard() == [to_recorder("response", b"pass"), to_client(b"pass")]


def test_a_repair_that_raises_is_told_once_to_the_recorder() -> None:
    transformer = _Transformer()
    play = Playbook(transformer=transformer).client_sends(get("/v1/x"))
    play.upstream_sends(b"head").heard()
    transformer.failure = "ValueError: ours"
    assert play.upstream_sends(b"a").heard()[-2:] == [
        to_recorder("ended", "repair-failed: ValueError: ours"),
        to_client(b"A"),
    ]
    assert play.upstream_sends(b"b").heard() == [to_recorder("response", b"b"), to_client(b"B")]


def test_what_takes_long_goes_on_in_turns_and_is_not_read_past() -> None:
    play, transformer = _shouting()
    transformer.more = True
    play.upstream_sends(b"abc")
    assert (play.turns, play.upstream.reading) == (1, False)
    play.takes_turn()
    assert play.client_got() == b"ABCthe rest"
    assert (play.turns, play.upstream.reading) == (0, True)


def test_a_turn_waits_for_a_client_that_does_not_read() -> None:
    play, transformer = _shouting()
    transformer.more, play.client.room = True, False
    play.upstream_sends(b"abc")
    assert (play.turns, play.upstream.reading) == (0, False)
    play.client_takes_all()
    assert play.turns == 1


def test_a_whole_answer_is_ended_without_its_upstream() -> None:
    play, transformer = _shouting()
    transformer.waiting = True
    play.upstream_sends(b"[done]")
    assert play.client_got() == b"[DONE]"
    assert play.expires(Timer.RELEASE).heard() == [to_client(b"released"), ("client", "gets", "fin")]
    assert play.upstream_sends(b"late").heard()[0] == to_recorder("response", b"late")
    assert play.client_sends(get("/v1/next")).heard() == []


def test_a_question_is_asked_again_once_and_its_answer_sent() -> None:
    play, transformer = _shouting()
    again = post("/v1/x", b"")
    transformer.retry = (again, b"{}")
    play.upstream_sends(b"")
    assert play.asked == [(again, _swapped(again), b"{}")]
    assert not play.upstream.reading
    play.client_takes_all()
    assert not play.upstream.reading, "nothing is read past a question"
    play.heard()
    play.side_answer(b"text")
    assert (play.client_got(), play.upstream.reading) == (b"instead: text", True)
    assert len(play.asked) == 1


def test_a_question_asked_at_the_end_of_the_upstream_ends_the_client_with_its_answer() -> None:
    play, transformer = _shouting()
    play.upstream_sends(b"head")
    play.heard()
    transformer.retry = (post("/v1/x", b""), b"{}")
    play.upstream_ends()
    assert ("client", "gets", "fin") not in play.heard()
    play.side_answer(b"text")
    told = play.heard()
    assert to_client(b"instead: text") in told
    assert ("client", "gets", "fin") in told


def test_silence_while_a_question_is_out_does_not_ask_it_again() -> None:
    transformer = _Transformer()
    play = Playbook(transformer=transformer, idle_timeout=5.0).client_sends(get("/v1/x"))
    transformer.retry = (post("/v1/x", b""), b"{}")
    play.upstream_sends(b"head")
    play.expires(Timer.IDLE)
    assert (len(play.asked), play.dialogue.phase) == (1, Phase.LAST_WORDS)


# --- what is no request


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", "400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"),
        (b"\x00", "400"),
        (b"GET http://[x/ HTTP/1.1\r\n\r\n", "403"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n", "403"),
        (b"CONNECT x:1 HTTP/1.1\r\n\r\n", "405"),
        (b"GET / HTTP/1.1\r\nX: " + b"h" * 300_000, "431"),
        (post("/v1/x", b"", "Transfer-Encoding: chunked\r\n"), "400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"),
    ],
)
def test_what_is_no_request_is_answered_and_never_passed_on(data: bytes, status: str) -> None:
    play = Playbook().client_sends(data + get("/v1/hidden"))
    told = play.heard()
    assert _error(told)["status"] == status
    assert not any(b"hidden" in what for _, _, what in told if isinstance(what, bytes))
    assert play.dialogue.phase is Phase.LAST_WORDS


# --- any dialogue at all

_EVENTS = (
    "request, half, upgrade, nonsense, connects, fails, answer, granted, bytes, bulk, client fin, client rst, "
    "upstream fin, upstream rst, full, drained, stop, flushed"
)
_HAPPENS = st.sampled_from([*_EVENTS.split(", "), *Timer])


def _happen(play: Playbook, what: Any) -> None:
    if isinstance(what, Timer):
        if what in play.timers:
            play.expires(what)
    elif what in ("request", "half", "upgrade", "nonsense"):
        sent = {
            "request": get("/v1/x"),
            "half": post("/v1/y", b"ab")[:-1],
            "upgrade": _UPGRADE,
            "nonsense": b"?\r\n\r\n",
        }
        if play.client.reading:
            play.client_sends(sent[what])
    elif what in ("connects", "fails"):
        waiting = any(one == _CALLED for one in play.log) and not play.upstream.reading and not play.over
        if waiting and not play.upstream.closed and play.dialogue.phase is Phase.RELAYING and not play.at_once:
            play.at_once = True
            play.connects() if what == "connects" else play.cannot_connect("refused", "no")
    elif what in ("answer", "granted", "bytes", "bulk"):
        if play.upstream.reading:
            play.upstream_sends({"answer": _OK, "granted": _GRANTED, "bytes": b"x", "bulk": b"b" * 70_000}[what])
    elif what == "full":
        play.client.room = False
    elif what == "drained":
        if play.client.unsent and not play.client.closed:
            play.client_takes_all()
    elif what == "flushed":
        if play.client.then is not None and not play.over:
            play.client.then()
    elif what == "stop":
        play.dialogue.stop()
    elif what.startswith("client") and play.client.reading:
        play.client_ends(what[-3:])
    elif what.startswith("upstream") and play.upstream.reading:
        play.upstream_ends(what[-3:])


@given(st.lists(_HAPPENS, max_size=25), st.booleans(), st.booleans())
def test_whatever_happens_bytes_pass_in_order_and_it_ends_once(events: list[Any], at_once: bool, idle: bool) -> None:
    play = Playbook(at_once=at_once, idle_timeout=5.0 if idle else 0.0)
    for what in events:
        _happen(play, what)
    play.dialogue.stop()
    told = play.log
    assert play.over
    assert told[-1] == to_recorder("closed")
    assert told.count(to_recorder("closed")) == 1
    came = b"".join(what for who, kind, what in told if (who, kind) == ("recorder", "response"))
    got = b"".join(what for who, _, what in told if who == "client" and isinstance(what, bytes))
    assert came.startswith(got) or (got[len(came) :].startswith(b"HTTP/1.1 ") and got.startswith(came[: len(got)]))
    for who, kind, what in told:
        # In a tunnel everything passes as it is.
        if (who, kind) == ("upstream", "gets") and what.startswith(b"GET") and "granted" not in events:
            assert f"Host: {AUTHORITY}".encode() in what, "no request reaches an upstream with the client's Host"


# --- the tables of transitions


@pytest.mark.parametrize(
    ("table", "start"), [(dialogue.TRANSITIONS, Phase.RELAYING), (requests.TRANSITIONS, Asking.HEAD)]
)
def test_every_state_can_be_reached_and_every_transition_is_of_the_table(table: dict[Any, Any], start: Any) -> None:
    states = type(start)
    assert set(table) == set(states)
    reached = {start}
    while new := {after for state in reached for after in table[state]} - reached:
        reached |= new
    assert reached == set(states)


def test_answers_are_told_apart_as_long_as_one_request_waits() -> None:
    states = set(answers.Answer)
    assert set(answers.ON_REQUEST) == set(answers.ON_BYTES) == states
    assert answers.ON_REQUEST[answers.Answer.AWAITED] is answers.Answer.STACKED
    assert {answers.ON_REQUEST[answers.Answer.STACKED], answers.ON_BYTES[answers.Answer.STACKED]} == {
        answers.Answer.STACKED
    }


def test_a_transition_that_is_not_of_the_table_fails() -> None:
    reader = RequestReader(_as_it_is)
    reader.feed(b"?\r\n\r\n", 0)
    with pytest.raises(AssertionError, match="REFUSED"):
        reader.upgrade_answered(True, 0)


@given(st.data())
def test_requests_read_the_same_however_they_are_cut(data: st.DataObject) -> None:
    whole = get("/v1/a") + post("/v1/b", b"{}") + b"\r\n" + get("/v1/c") + post("/v1/d", b"x" * 50)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))

    def read(pieces: list[bytes]) -> bytes:
        reader, out = RequestReader(_as_it_is), b""
        for piece in pieces:
            for event in reader.feed(piece, 0):
                assert not isinstance(event, requests.Rejected)
                out += event.raw if isinstance(event, requests.Asked) else bytes(event.data)
        assert reader.state is Asking.HEAD
        return out

    pieces = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert read(pieces) == read([whole]) == whole.replace(b"{}\r\nGET", b"{}GET")
