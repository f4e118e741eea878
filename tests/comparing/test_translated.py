"""A hop that translates between OpenAI and Anthropic: a right translation is not blamed, and each loss is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from streamlab.comparing.comparison import Kind
from streamlab.comparing.hops import compare_exchanges
from streamlab.exchange import Ending
from tests import corpus, messages, responses, streams

PAIRS = sorted(path.parent for path in (corpus.CORPUS / "translated").glob("*/labels.json"))


def _pair(name: str):
    folder = corpus.CORPUS / "translated" / name
    return corpus.load(folder / "upstream"), corpus.load(folder / "client")


@pytest.mark.parametrize("folder", PAIRS, ids=lambda path: path.name)
def test_a_loss_is_named_and_nothing_else(folder: Path):
    found = compare_exchanges(*_pair(folder.name))
    assert sorted({one.kind for one in found.differences}) == corpus.labels(folder)["differences"]


def test_there_are_pairs_of_both_kinds_in_both_directions():
    losses = [bool(corpus.labels(folder)["differences"]) for folder in PAIRS]
    assert (losses.count(False), losses.count(True)) == (6, 8)
    assert {"openai-to-anthropic", "anthropic-to-openai"} <= {
        way for folder in PAIRS for way in ("openai-to-anthropic", "anthropic-to-openai") if folder.name.endswith(way)
    }


def _said(a, b):
    return [one.message for one in compare_exchanges(a, b).differences]


def test_losses_are_told_in_words_of_the_answer():
    assert _said(*_pair("lost-2-call-anthropic-to-openai")) == ['lost the call of read_file with {"path": "/b.md"}']
    assert _said(*_pair("lost-5-merged-calls-openai-to-anthropic")) == [
        'merged 2 calls of read_file into one: {"path": "/a.md"}{"path": "/b.md"}'
    ]
    assert "lost the usage: 12 output tokens became 0" in _said(*_pair("lost-3-usage-openai-to-anthropic"))


def test_arguments_are_compared_parsed():
    a, b = _pair("right-2-openai-two-calls-to-anthropic")
    spaced = b.body.replace(rb"\"path\": \"/a.md\"", rb"  \"path\":\"/a.md\"  ")
    assert spaced != b.body
    assert _said(a, messages.exchange(spaced)) == []
    other = b.body.replace(b"/a.md", b"/A.md")
    [told] = compare_exchanges(a, messages.exchange(other)).differences
    assert (told.kind, told.message) == (
        Kind.CALL_CHANGED,
        'changed the arguments of read_file ({"path": "/a.md"} became {"path": "/A.md"})',
    )


def test_a_call_too_many_is_told():
    a, b = _pair("lost-2-call-anthropic-to-openai")
    assert Kind.CALL_ADDED in {one.kind for one in compare_exchanges(b, a).differences}


def test_usage_that_nobody_asked_for_is_not_missed():
    a, b = _pair("right-4-anthropic-text-to-openai")
    asked = streams.request_for()
    bare = streams.exchange(streams.sse(streams.chat_text("Spring", " is", " here.")), request=asked)
    assert _said(a, bare) == []
    assert b.request is not None


def test_an_answer_that_was_cut_short_is_one_difference():
    a, b = _pair("right-2-openai-two-calls-to-anthropic")
    cut = replace(b, segments=b.segments[:6], ending=Ending.UPSTREAM_CUT)
    assert [one.kind for one in compare_exchanges(a, cut).differences] == [Kind.CUT_SHORT]


# -- Responses beside another API --------------------------------------------------------------------------------------

_ONE = responses.text("Spring is here.")
_ASKED = streams.request_for(usage=True)


def _chat(payloads):
    return streams.exchange([streams.sse([one]) for one in payloads], request=_ASKED)


def _called(*calls):
    """Chat's calls of the weather, and the usage of the Responses streams."""
    opened = [streams.call(at, f"call_{at}", "get_weather", arguments) for at, arguments in enumerate(calls)]
    usage = {"prompt_tokens": 21, "completion_tokens": 17, "total_tokens": 38}
    chunks = [
        streams.chunk({"role": "assistant", "content": None}),
        *(streams.chunk({"tool_calls": [one]}) for one in opened),
    ]
    return _chat([*chunks, streams.chunk({}, "tool_calls"), {**streams.chunk({}), "choices": [], "usage": usage}])


@pytest.mark.parametrize(
    ("a", "b", "kinds"),
    [
        (responses.exchange(responses.tool()), _called(responses.OSLO), set()),
        (_called(responses.OSLO), responses.exchange(responses.tool()), set()),
        (_called('{"city": "Oslo"}', '{"city": "Rome"}'), responses.exchange(responses.tools()), set()),
        (responses.exchange(responses.tools()), _called(responses.OSLO), {Kind.CALL_LOST}),
        (responses.exchange(responses.tools()), _called(responses.ROME, responses.OSLO), {Kind.CALLS_REORDERED}),
        (responses.exchange(responses.tool()), _called('{"city":"Oslo "}'), {Kind.CALL_CHANGED}),
        (messages.exchange(messages.sse(messages.text())), responses.exchange(_ONE), {Kind.USAGE_CHANGED}),
        (messages.exchange(messages.sse(messages.text())), responses.exchange(responses.text("Spring is")),
         {Kind.TEXT_LOST, Kind.USAGE_CHANGED}),
    ],
)  # fmt: skip
def test_responses_beside_another_api_are_compared_by_what_they_say(a, b, kinds):
    told = {one.kind for one in compare_exchanges(a, b).differences}
    assert told - {Kind.DELAYED, Kind.READS_MERGED, Kind.READS_SPLIT} == kinds


def test_two_of_responses_are_compared_event_by_event():
    whole = responses.exchange(responses.text())
    lacking = responses.numbered([one for one in responses.text() if one["type"] != "response.in_progress"])
    [lost, *_] = compare_exchanges(whole, responses.exchange(lacking)).differences
    assert lost.kind is Kind.EVENT_LOST
