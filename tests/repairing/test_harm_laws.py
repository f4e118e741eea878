"""First, do no harm: what repairs may never do to any stream that lies in the repository."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from streamlab.rules.repair import ANYTHING, Chunk, Draft, Undecodable
from streamlab.rules.repairs.framing import Framing
from streamlab.wire.stream import StreamDecoder
from tests import corpus, streams
from tests.batches import batched
from tests.harm_laws import ERROR, UNNAMED, broken_laws

STREAMS = corpus.ours()


@batched("name", STREAMS, parts=12)
def test_repairs_do_no_harm(name):
    exchange = corpus.load(STREAMS[name])
    assert broken_laws(exchange) == {}


# -- the laws themselves, by a repair of framing that is broken on purpose --------------------------------------------

_framed = Framing.event


def _says_twice(repair: Framing, draft: Draft) -> Iterator[Draft]:
    """What nobody could read comes twice once it can be."""
    torn = type(draft.event) is Undecodable
    for one in _framed(repair, draft):
        yield one
        if torn and type(one.event) is Chunk:
            yield Draft(Chunk(None, one.json), one.sources, list(one.changes))


def _tears(repair: Framing, draft: Draft) -> Iterator[Draft]:
    """The event that finishes the answer could be read, and cannot any more."""
    for one in _framed(repair, draft):
        if _finishes(one):
            [one.event] = StreamDecoder().feed(b"data: {\n\n")
        yield one


def _loses(repair: Framing, draft: Draft) -> Iterator[Draft]:
    """The same event finishes nothing any more."""
    for one in _framed(repair, draft):
        if _finishes(one):
            one.put("sse-stray-line", one.json["choices"][0], "finish_reason", None, "choices[0].")
        yield one


def _finishes(draft: Draft) -> bool:
    return type(draft.event) is Chunk and any(one["finish_reason"] for one in draft.json["choices"])


@pytest.mark.parametrize(
    ("broken", "law", "told"),
    [
        (_says_twice, UNNAMED, "text of [2] is not what is in it"),
        (_tears, UNNAMED, "[3] cannot be read any more"),
        (_loses, ERROR, "finish-reason-missing"),
    ],
)
def test_a_repair_of_framing_that_does_harm_is_not_excused_by_what_it_makes_readable(
    broken: Callable[[Framing, Draft], Iterator[Draft]], law: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [streams.frame(one) for one in (*streams.chat_text("Spring", " is here."), b"[DONE]")]
    events[2] = b"data: " + events[2]
    exchange = streams.exchange([b"".join(events)], request=streams.request_for())
    assert broken_laws(exchange) == {}
    monkeypatch.setattr(Framing, "event", broken)
    monkeypatch.setattr(Framing, "minds", ANYTHING)  # it does something to the event that finishes
    assert told in broken_laws(exchange)[law]
