"""Reasoning in a text is told by its tags, and talk about the tags is not."""

from __future__ import annotations

import pytest

from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from streamlab.wire.thoughts import OPENING, ends_thought, opens_thought, tags_around
from tests import messages, responses, streams
from tests.batches import batched

CLOSED = {
    "<think>Hm.</think>Four.": "<think>",
    "\n<seed:think>\nHm.</seed:think>\nFour.": "<seed:think>",
    "◁think▷Hm.◁/think▷Four.": "◁think▷",
    "[THINK]Hm.[/THINK]Four.": "[THINK]",
    "<|channel>thought\nHm.<channel|>Four.": "<|channel>thought",
    "<|START_THINKING|>Hm.<|END_THINKING|>Four.": "<|START_THINKING|>",
}
LOST = {
    "Hm. Two and two.</think>\n\nFour.": "</think>",
    "</think>\n\nFour.": "</think>",
    "Hm.\n◁/think▷Four.": "◁/think▷",
    "Hm.[/THINK]Four.": "[/THINK]",
}
TALK = (
    "Models write `<think>` first.",
    "The tag `</think>` ends it.",
    "Write <think>Hm.</think> into the prompt.",
    "```xml\n<a>Hm.\n</think>\n```",
    "It ends with </think> always",
    "Spring is here.",
    "",
)


@batched("text", list(CLOSED))
def test_a_text_that_begins_with_its_reasoning(text):
    assert opens_thought(text) == CLOSED[text]


@batched("text", list(LOST))
def test_a_text_whose_opening_tag_stood_in_the_prompt(text):
    assert (opens_thought(text), ends_thought(text)) == (None, LOST[text])


@batched("text", TALK)
def test_talk_about_tags_is_none(text):
    assert (opens_thought(text), ends_thought(text)) == (None, None)


@batched("tag", OPENING)
def test_every_opening_is_known(tag):
    assert opens_thought(f"{tag} Hm.") == tag
    assert tags_around(f"{tag}Hm.")


def _said(exchange):
    return {one.rule: one.severity for one in analyze(exchange).findings if one.severity is not Severity.INFO}


@pytest.mark.parametrize("text", [*CLOSED, *LOST])
def test_every_api_says_so(text):
    chat = streams.exchange(streams.sse(streams.chat_text(text[:3], text[3:])))
    assert _said(chat) == {"reasoning-field-variants": Severity.WARNING}
    assert _said(responses.exchange(responses.text(text))) == {"reasoning-field-variants": Severity.WARNING}
    mine = messages.exchange(messages.sse(messages.text(text[:3], text[3:])))
    assert _said(mine) == {"messages-think-tags-in-text": Severity.WARNING}


@pytest.mark.parametrize("text", TALK[:-1])
def test_no_api_cries_wolf(text):
    assert _said(streams.exchange(streams.sse(streams.chat_text(text[:3], text[3:])))) == {}
    assert _said(responses.exchange(responses.text(text))) == {}
    assert _said(messages.exchange(messages.sse(messages.text(text[:3], text[3:])))) == {}


def test_reasoning_apart_and_its_closing_tag_in_the_text():
    """The parser took the reasoning out and left the tag that ends it."""
    apart = [
        streams.chunk({"role": "assistant", "content": ""}),
        streams.chunk({"reasoning_content": "Hm."}),
        streams.chunk({"content": "</think>\n\n"}),
        streams.chunk({"content": "Four."}),
        streams.chunk({}, "stop"),
    ]
    assert _said(streams.exchange(streams.sse(apart))) == {"reasoning-field-variants": Severity.WARNING}


@pytest.mark.parametrize("token", ["<|im_end|>", "<|im_start|>", "<pad><pad>", "<｜end▁of▁sentence｜>", "[e~["])
def test_a_token_that_ends_a_turn_is_told_of_every_api(token):
    text = f"Spring is here.{token}"
    assert "model-markup-in-answer" in _said(streams.exchange(streams.sse(streams.chat_text(text))))
    assert _said(responses.exchange(responses.text(text))) == {"model-markup-in-answer": Severity.ERROR}
    mine = messages.exchange(messages.sse(messages.text(text)))
    assert _said(mine) == {"messages-markup-in-text": Severity.WARNING}


def test_markup_in_the_arguments_of_a_response():
    broken = responses.stream(responses.call(arguments='{"city":"Oslo<|\\"|>"}'))
    assert "model-markup-in-answer" in _said(responses.exchange(broken))
