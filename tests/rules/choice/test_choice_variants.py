"""Alternatives, token counters and repeated messages that look alike."""

from __future__ import annotations

import copy
import itertools

import pytest

from streamlab.apis import api_named
from streamlab.exchange import Ending, Request
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Severity
from tests.streams import chat_text, chat_tool, chunk, dump, exchange, request_for, sse

OPENING = {"role": "assistant", "content": "", "refusal": None}
MINE = {
    "choice-index-missing",
    "choice-index-is-token-counter",
    "choice-delta-missing",
    "choice-message-instead-of-delta",
    "full-message-repeated",
    "n-greater-1-interleaving",
    "completions-chat-shape",
}
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def judged(payloads, **options):
    options.setdefault("request", request_for())
    report = analyze(exchange(sse(payloads), **options))
    return {finding.rule: finding.severity for finding in report.findings if finding.rule in MINE}


def bent(change):
    payloads = copy.deepcopy(chat_text())
    for at, payload in enumerate(payloads):
        change(at, payload["choices"][0])
    return payloads


def alternatives(count, order=None, finished=None):
    indexes = order or range(count)
    return [
        *(chunk(OPENING, index=index) for index in indexes),
        *(chunk({"content": "ABCDEFGH"[index]}, index=index) for index in indexes),
        *(chunk({}, "stop", index=index) for index in (indexes if finished is None else finished)),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda at, choice: choice.update(index=None), {"choice-index-missing": ERROR}),
        (lambda at, choice: choice.update(index="0"), {"choice-index-missing": ERROR}),
        (lambda at, choice: choice.update(index=1), {"choice-index-is-token-counter": ERROR}),
        (lambda at, choice: choice.update(index=197 + at), {"choice-index-is-token-counter": ERROR}),
        (lambda at, choice: at == 2 and choice.update(delta=None), {"choice-delta-missing": ERROR}),
        (
            lambda at, choice: choice.pop("delta") and choice.update(text="x"),
            {"choice-message-instead-of-delta": ERROR},
        ),
        (lambda at, choice: choice.update(message={"role": "assistant"}), {"full-message-repeated": ERROR}),
        (lambda at, choice: choice.update(message=None), {}),
    ],
)
def test_variant(change, expected):
    found = judged(bent(change))
    assert {rule: found.get(rule) for rule in expected} == expected
    assert expected or not found


@pytest.mark.parametrize("ask", [request_for(n=3), Request("POST", "/v1/chat/completions")])
def test_alternatives_are_no_token_counter_even_when_they_are_cut(ask):
    assert judged(alternatives(3), request=ask) == {}
    assert judged(alternatives(3, finished=()), request=ask, ending=Ending.UPSTREAM_CUT) == {}


@pytest.mark.parametrize(
    ("payloads", "n", "severity"),
    [
        (alternatives(2), 1, WARNING),
        (alternatives(2, order=[1, 0]), 2, ERROR),
        (
            [
                {**first, "choices": first["choices"] + second["choices"]}
                for first, second in zip(chat_text(), bent(lambda at, choice: choice.update(index=1)), strict=True)
            ],
            2,
            INFO,
        ),
    ],
)
def test_interleaving(payloads, n, severity):
    assert judged(payloads, request=request_for(n=n))["n-greater-1-interleaving"] is severity


def test_a_choice_without_an_end_has_one_name():
    told = analyze(exchange(sse(alternatives(2, finished=[0])), request=request_for(n=2))).findings
    assert [one.rule for one in told if one.severity is not INFO] == ["finish-reason-missing"]


THREE_PROMPTS = Request("POST", "/v1/completions", (), dump({"model": "m", "stream": True, "prompt": ["1", "2", "3"]}))


def of_three_prompts(finished: tuple[int, ...]) -> list[dict[str, object]]:
    """Three texts, and the finishes of some."""
    said = [(at, "a", None) for at in range(3)] + [(at, "", "stop") for at in finished]
    return [
        {**chunk(), "object": "text_completion", "choices": [{"index": at, "text": text, "finish_reason": finish}]}
        for at, text, finish in said
    ]


def test_each_prompt_of_legacy_completions_has_its_choice():
    assert judged(of_three_prompts((0, 1, 2)), request=THREE_PROMPTS) == {}


def test_each_prompt_of_legacy_completions_has_its_finish():
    told = analyze(exchange(sse(of_three_prompts((2,))), request=THREE_PROMPTS)).findings
    assert [one.message for one in told if one.rule == "finish-reason-missing"] == [
        "choices 0, 1 have no finish_reason before [DONE]"
    ]


REPEATED = "Spring is here, and so are we."


@pytest.mark.parametrize(
    "payloads",
    [
        [*chat_text("Spring is here,", " and so are we.")[:-1], chunk({"content": REPEATED}, "stop")],
        [*chat_text("Spring is here,", " and so are we."), chunk({"content": REPEATED})],
        [
            *chat_text("Spring is here,", " and so are we."),
            {
                **chunk(object="chat.completion"),
                "choices": [
                    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPEATED}}
                ],
            },
        ],
    ],
)
def test_the_whole_text_comes_again_in_many_ways(payloads):
    assert judged(payloads)["full-message-repeated"] is ERROR
    assert "choice-message-instead-of-delta" not in judged(payloads)


def _beside(*messages):
    """The text of chat_text, a message beside each delta, what it says of text and form, and how bad that is."""
    payloads = chat_text("Spring", " is here.")
    for payload, message in zip(payloads, messages, strict=True):
        if message is not None:
            payload["choices"][0]["message"] = {"role": "assistant", **message}
    [found] = [one for one in analyze(exchange(sse(payloads))).findings if one.rule == "full-message-repeated"]
    return found.message, found.variants, found.severity, found.count, found.event


ALL = "a choice has all text so far as a message beside its delta"


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (
            [None, None, None, {"content": "Spring is here."}],
            (ALL, ("a message has all text and its delta none",), WARNING, 1, 3),
        ),
        (
            [{"content": ""}, {"content": "Spring"}, {"content": "Spring is here."}, {"content": "Spring is here."}],
            (ALL, ("a message has all text and its delta none",), WARNING, 4, 0),
        ),
        (
            [{"content": ""}, {"content": "Spring"}, {"content": "Spring is here."}, None],
            (ALL, ("the last message has all text and its delta some",), ERROR, 3, 0),
        ),
        (
            [{"content": None}, {"content": "Spring"}, {"content": " is here."}, {"content": None}],
            (
                "a choice has the same piece in a message beside its delta",
                ("a message has the same piece as its delta",),
                ERROR,
                4,
                0,
            ),
        ),
        ([None, None, {}, None], ("a choice has a message beside its delta", (), ERROR, 1, 2)),
    ],
)
def test_the_last_message_beside_a_delta_says_how_a_client_ends(messages, expected):
    assert _beside(*messages) == expected


def test_a_message_that_lost_the_calls_is_not_the_whole_answer():
    payloads = chat_tool()
    payloads[-1]["choices"][0]["message"] = {"role": "assistant", "content": None}
    [found] = [one for one in analyze(exchange(sse(payloads))).findings if one.rule == "full-message-repeated"]
    assert (found.message, found.severity) == ("a choice has a message beside its delta", ERROR)
    assert found.variants == ()


@pytest.mark.parametrize("said", [("Row, row", " your boat."), ("Bye ", "bye, ", "Spring!")])
def test_a_sentence_said_twice_before_the_finish_is_kept(said):
    twice = [*chat_text(*said)[:-1], chunk({"content": "".join(said)}), chunk({}, "stop")]
    assert judged(twice)["full-message-repeated"] is INFO
    stream = exchange(sse(twice))
    assert normalize(stream).exchange.body == stream.body
    assert "full-message-repeated" in normalize(stream, unsafe=True).changes


def test_the_path_of_a_placeholder_base_url_is_chat():
    ask = Request("POST", "<API_BASE>chat/completions", (), dump({"model": "m", "stream": True}))
    report = analyze(exchange(sse(chat_text()), request=ask))
    assert report.api is api_named("chat.completions")


def _second_alone(payloads):
    """Two answers, each chunk with one choice: the second, number 1, is that of ``payloads``."""
    first = chat_text()
    second = copy.deepcopy(payloads)
    for payload in second:
        payload["choices"][0]["index"] = 1
    return [one for pair in itertools.zip_longest(first, second) for one in pair if one is not None]


UNTIDY = {
    "finish-reason-missing": chat_text()[:-1],
    "role-missing": chat_text()[1:],
    "model-markup-in-answer": chat_text("Spring is here.", "<|im_end|>"),
    "only-reasoning-no-answer": [chunk({"role": "assistant", "reasoning": "Hm."}), chunk({}, "stop")],
    "tool-call-content-mixed": [*chat_tool()[:-1], chunk({"content": "And now?"}), chat_tool()[-1]],
    "tool-call-leaked-as-text": chat_text('<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>'),
}


@pytest.mark.parametrize("rule", UNTIDY)
def test_a_path_names_the_place_in_the_list_of_the_event_and_not_the_number_of_the_choice(rule):
    made = exchange(sse(_second_alone(UNTIDY[rule])), request=request_for(n=2, tools=True))
    [found] = [one for one in analyze(made).findings if one.rule == rule]
    assert found.path.startswith("choices[0]"), found
    assert "1" in found.message or rule not in ("finish-reason-missing", "role-missing")


def test_choices_that_stand_at_one_place_are_told_together():
    told = analyze(exchange(sse(alternatives(4, finished=[1, 3])), request=request_for(n=4))).findings
    [found] = [one for one in told if one.rule == "finish-reason-missing"]
    assert found.message == "choices 0, 2 have no finish_reason before [DONE]"
    assert (found.path, found.variants) == ("choices[0].finish_reason", ("the answer is text",))
    first, *rest = alternatives(4, finished=[1, 3])
    first["choices"] += [rest.pop(0)["choices"][0] for _ in range(3)]
    told = analyze(exchange(sse([first, *rest]), request=request_for(n=4))).findings
    assert [(one.path, one.message) for one in told if one.rule == "finish-reason-missing"] == [
        ("choices[0].finish_reason", "choice 0 has no finish_reason before [DONE]"),
        ("choices[2].finish_reason", "choice 2 has no finish_reason before [DONE]"),
    ]
