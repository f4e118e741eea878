"""Keep-alives that a gateway took for text are named where that is certain, and only there."""

from __future__ import annotations

from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from tests.batches import batched
from tests.streams import chat_text, completions_text, exchange, request_for, sse

BEAT, PING, UNSEEN = ": heartbeat\n\n", ":ping\n", "\u200b"
ROUTER = ": OPENROUTER PROCESSING\n\n"
NAMED = {
    "twice": (["Spring", BEAT, " is", BEAT, " here."], Severity.ERROR),
    "before the text, too": ([PING, "Shopping", PING, " is keeping us."], Severity.ERROR),
    "once, of a gateway that says who it is": (["Spring", ROUTER, " is here."], Severity.ERROR),
    "nobody sees it": ([UNSEEN, UNSEEN, UNSEEN, "Spring is here."], Severity.WARNING),
    "many among runs of text": ([*["a "] * 60, BEAT, *["b "] * 60, BEAT, *["c "] * 60], Severity.ERROR),
}
LEFT = {
    "once": ["Spring", BEAT, " is here."],
    "lines of an example": ["Like this:\n\n", BEAT, BEAT, "and so on."],
    "a text about it": ["A heartbeat line is", BEAT, "or", BEAT],
    "a text about the protocol": ["With SSE one writes", PING, "and", PING],
    "code": ["`print`", PING, "x", PING],
    "a script that needs them": ["សួ", UNSEEN, "ស្តី", UNSEEN, "បាន", UNSEEN],
    "emoji": ["👨", "\u200d", "👩", "\u200d", "👧", "\u200d", "👦"],
    "nothing else": [UNSEEN, UNSEEN, UNSEEN],
    "twice where nobody sees it": ["a", UNSEEN, "b", UNSEEN],
}


def _found(made):
    return [one for one in analyze(made).findings if one.rule == "content-holds-keepalive"]


@batched("kind", list(NAMED))
def test_it_is_named(kind):
    pieces, severity = NAMED[kind]
    [found] = _found(exchange(sse(chat_text(*pieces))))
    assert found.severity is severity
    legacy = exchange(sse(completions_text(*pieces)), request=request_for(path="/v1/completions"))
    assert [one.severity for one in _found(legacy)] == [severity]


@batched("kind", list(LEFT))
def test_it_is_left(kind):
    assert _found(exchange(sse(chat_text(*LEFT[kind])))) == []
