"""What the account of a repair says is true of the bytes, for all streams that lie in the repository."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamlab.repairing.normalizer import normalize
from streamlab.rules.repair import Draft
from streamlab.rules.repairs.framing import Framing
from tests import corpus
from tests.account_laws import COUNTS, LINE, NOW, UNSAID, WAS, broken_accounts
from tests.batches import batched
from tests.streams import chat_text, chunk, exchange, frame, request_for, responses_exchange, responses_text, sse

STREAMS = corpus.ours()


@batched("name", STREAMS, parts=2)
def test_accounts_are_true(name):
    came = corpus.load(STREAMS[name])
    safe, unsafe = normalize(came), normalize(came, unsafe=True)
    assert broken_accounts(came, safe) == {}
    assert unsafe == safe or broken_accounts(came, unsafe) == {}


@pytest.mark.slow
@corpus.needs_recorded
@batched("directory", corpus.recorded() or [None], parts=1)
def test_accounts_of_recorded_streams_are_true(directory):
    came = corpus.load(directory)
    assert broken_accounts(came, normalize(came)) == {}


# -- the laws themselves, by repairs that are broken on purpose --------------------------------------------------------

_DELTA = "choices[0].delta."


def _changed(draft: Draft) -> None:
    draft.json["choices"][0]["delta"]["content"] = "Autumn"


def _without_a_word(draft: Draft) -> None:
    _changed(draft)
    draft.note("sse-stray-line", "model", draft.json["model"], draft.json["model"])


def _as_another(draft: Draft) -> None:
    draft.note("sse-stray-line", _DELTA + "content", "Winter", "Autumn")
    _changed(draft)


def _to_another(draft: Draft) -> None:
    draft.note("json-not-object", "")
    draft.note("sse-stray-line", _DELTA + "content", "Spring", "Winter")
    _changed(draft)


def _mended(came, repair, monkeypatch):
    whole = Framing.event

    def event(self, draft):
        if draft.is_chunk and '"Spring"' in str(draft.json).replace("'", '"'):
            repair(draft)
        return whole(self, draft)

    monkeypatch.setattr(Framing, "event", event)
    monkeypatch.setattr(Framing, "on", -1)
    return normalize(came)


@pytest.mark.parametrize(("repair", "law"), [(_without_a_word, UNSAID), (_as_another, WAS), (_to_another, NOW)])
def test_an_account_that_is_not_true_breaks_a_law(repair, law, monkeypatch):
    came = exchange(sse(chat_text("Spring", ".")))
    assert broken_accounts(came, normalize(came)) == {}
    assert law in broken_accounts(came, _mended(came, repair, monkeypatch))


def test_a_count_that_is_not_that_of_its_lines_breaks_a_law():
    came = exchange(sse([chunk({"content": "Hi"}), chunk({}, "stop")]))
    repaired = normalize(came)
    repaired.changes["role-missing"] += 1
    assert COUNTS in broken_accounts(came, repaired)


def test_a_line_that_is_put_in_without_a_word_breaks_a_law():
    came = responses_exchange(b"".join(map(frame, responses_text("Hi"))))
    repaired = normalize(came)
    silent = tuple(replace(one, changes=()) for one in repaired.events)
    assert LINE in broken_accounts(came, replace(repaired, events=silent))


# -- kinds of lines that were not true ---------------------------------------------------------------------------------


def test_what_a_change_made_is_told_as_it_was_then():
    """Not as later changes of the same event left it."""
    call = {"name": "get_weather", "arguments": "{}"}
    legacy = chunk({"role": "assistant", "content": None, "function_call": call})
    came = exchange(sse([legacy, chunk({}, "function_call")]), request=request_for(tools=True))
    [first, *_] = normalize(came).events
    [made] = [one for one in first.changes if one.path == "choices[0].delta.tool_calls"]
    assert made.now == [{"index": 0, "function": call}]


def test_what_came_as_bare_json_is_told_as_that():
    came = exchange(b'{"error":{"message":"no quota","type":"insufficient_quota"}}')
    [only] = normalize(came).events
    assert [one.was for one in only.changes if one.rule == "http-status-200-on-error"] == ["bare JSON"]
