"""How choices finish and streams end: sibling forms of each deviation, and the legal streams that resemble them."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from streamlab.apis.registry import all_rules, family_of
from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability, Severity
from tests.streams import CREATED, MODEL, chat_text, chat_tool, chat_usage, chunk, exchange, frame, request_for, sse

MINE = [rule for rule in all_rules() if family_of(rule) in ("tool_call", "lifecycle")]
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
ROLE = {"role": "assistant", "content": "", "refusal": None}
FAILED = {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}}
DONE = b"data: [DONE]\n\n"


def judged(given: Exchange) -> dict[str, Severity]:
    """The worst severity of each rule that speaks."""
    worst: dict[str, Severity] = {}
    for one in analyze(given, rules=MINE).findings:
        worst[one.rule] = min(one.severity, worst.get(one.rule, one.severity), key=lambda severity: severity.rank)
    return worst


def finished(*reasons: Any, texts: tuple[str, ...] = ("Spring", " is", " here")) -> list[Any]:
    """A role chunk and one chunk a text, with these reasons from the first chunk on; null where they run out."""
    deltas = [ROLE, *({"content": text} for text in texts), *({} for _ in reasons[len(texts) + 1 :])]
    padded = [*reasons, *[None] * len(deltas)]
    return [chunk(delta, reason) for delta, reason in zip(deltas, padded, strict=False)]


BODY: dict[str, tuple[bytes, dict[str, Severity]]] = {
    "perfect": (sse(chat_text()), {}),
    "perfect with usage": (sse(chat_usage()), {}),
    "no finish": (sse(chat_text()[:-1]), {"finish-reason-missing": ERROR}),
    "no finish, no [DONE]": (
        sse(chat_text()[:-1], done=False),
        {"finish-reason-missing": ERROR, "done-missing": INFO},
    ),
    "last chunk with null": (sse([*chat_text()[:-1], chunk({})]), {"finish-reason-missing": ERROR}),
    "an error, then [DONE]": (sse([*chat_text()[:-1], FAILED]), {}),
    "an error and nothing more": (
        sse([*chat_text()[:-1], FAILED], done=False),
        {"finish-reason-missing": INFO, "done-missing": INFO},
    ),
    "an error as plain text": (
        sse([*chat_text()[:-1], b"Internal Server Error"], done=False),
        {"finish-reason-missing": INFO, "done-missing": INFO},
    ),
    "audio has no finish": (
        sse([chunk({"role": "assistant", "refusal": None}), chunk({"audio": {"id": "audio_1", "transcript": "Hi"}})]),
        {},
    ),
    "finish and [DONE] in an event that is no JSON": (
        sse(chat_text()[:-1], done=False) + frame(chat_text()[-1])[:-1] + DONE,
        {},
    ),
    "stop everywhere": (
        sse(finished(*["stop"] * 5)),
        {"finish-reason-every-chunk": ERROR, "finish-reason-on-content-chunk": INFO},
    ),
    "stop on every text": (
        sse(finished(None, "stop", "stop", "stop")),
        {"finish-reason-every-chunk": ERROR, "finish-reason-on-content-chunk": INFO},
    ),
    "the finish chunk twice": (
        sse([*chat_text(), chunk({}, "stop")]),
        {"finish-reason-repeated": ERROR, "finish-reason-every-chunk": INFO},
    ),
    "the reason changes": (
        sse([*chat_text(), chunk({}, "length")]),
        {"finish-reason-repeated": ERROR, "content-after-finish": INFO},
    ),
    "the reason again on a usage chunk": (
        sse([*chat_text(), {**chunk({"content": ""}, "stop"), "usage": {"total_tokens": 3}}]),
        {"finish-reason-repeated": ERROR},
    ),
    "text after the finish": (sse([*chat_text(), chunk({"content": "!"})]), {"content-after-finish": ERROR}),
    "text after the finish, then another": (
        sse([*chat_text(), chunk({"content": "!"}), chunk({}, "stop")]),
        {"content-after-finish": ERROR},
    ),
    "an empty delta after the finish": (sse([*chat_text(), chunk({"content": ""})]), {}),
    "finish on the last text": (
        sse([*chat_text()[:-1], chunk({"content": "!"}, "stop")]),
        {"finish-reason-on-content-chunk": INFO},
    ),
    "finish empty at the end": (  # two facts: a repair takes the first away, and the second is left
        sse([*chat_text()[:-1], chunk({}, "")]),
        {"finish-reason-empty-string": ERROR, "finish-reason-missing": ERROR},
    ),
    "finish empty until the end": (
        sse(finished("", "", "", "", "stop")),
        {"finish-reason-empty-string": ERROR},
    ),
    "finish 'null' and never another": (
        sse(finished("null", "null", "null", "null")),
        {"finish-reason-empty-string": ERROR, "finish-reason-missing": ERROR},
    ),
    "finish STOP": (sse(chat_text(finish="STOP")), {"finish-reason-unknown-value": ERROR}),
    "finish error": (sse(chat_text(finish="error")), {"finish-reason-unknown-value": ERROR}),
    "finish a number": (sse([*chat_text()[:-1], chunk({}, 1)]), {"finish-reason-unknown-value": ERROR}),
    "finish max_tokens on text": (
        sse([*chat_text()[:-1], chunk({"content": "!"}, "MAX_TOKENS")]),
        {"finish-reason-unknown-value": ERROR, "finish-reason-on-content-chunk": INFO},
    ),
    "[DONE] twice": (sse(chat_text()) + DONE, {"done-duplicate-or-early": WARNING}),
    "text after [DONE]": (sse(chat_text()) + frame(chunk({"content": "!"})), {"done-duplicate-or-early": ERROR}),
    "usage after [DONE]": (
        sse(chat_text()) + frame(chunk(choices=[], usage={"total_tokens": 3})),
        {"done-duplicate-or-early": WARNING},
    ),
    "a comment after [DONE]": (sse(chat_text()) + b": bye\n\n", {}),
    "only [DONE]": (DONE, {"only-done": ERROR}),
    "comments and [DONE]": (b": PROCESSING\n\n" + DONE, {"only-done": ERROR}),
    "a misspelt field and [DONE]": (b'Data: {"choices":[]}\n\n' + DONE, {}),
    "an error and [DONE]": (sse([FAILED]), {}),
    "nothing, politely": (sse([chunk(ROLE), chunk({}, "stop")]), {"silent-empty-success": WARNING}),
    "nothing, and tokens for it": (
        sse([chunk(ROLE), chunk({}, "stop"), chunk(choices=[], usage={"completion_tokens": 1})]),
        {},
    ),
    "nothing but an image": (sse([chunk({**ROLE, "images": [{"type": "image_url"}]}), chunk({}, "stop")]), {}),
    "nothing, cut by length": (sse([chunk(ROLE), chunk({}, "length")]), {}),
    "a refusal without its words": (
        sse([chunk({"role": "assistant", "refusal": ""}), chunk({}, "stop")]),
        {"silent-empty-success": WARNING},
    ),
    "a refusal": (sse([chunk({**ROLE, "content": None}), chunk({"refusal": "No."}), chunk({}, "stop")]), {}),
    "reasoning alone": (
        sse([chunk(ROLE), chunk({"reasoning_content": "Hm."}), chunk({}, "stop")]),
        {"only-reasoning-no-answer": WARNING},
    ),
    "reasoning, then an answer": (
        sse([chunk(ROLE), chunk({"reasoning": "Hm."}), chunk({"content": "Yes."}), chunk({}, "stop")]),
        {},
    ),
}


@pytest.mark.parametrize("case", BODY)
def test_body(case):
    body, expected = BODY[case]
    assert judged(exchange(body)) == expected


def test_every_choice_needs_its_own_finish():
    payloads = [chunk(ROLE), chunk(ROLE, index=1), chunk({"content": "A"}), chunk({"content": "B"}, index=1)]
    one, both = [*payloads, chunk({}, "stop")], [*payloads, chunk({}, "stop"), chunk({}, "stop", index=1)]
    assert judged(exchange(sse(one), request=request_for(n=2))) == {"finish-reason-missing": ERROR}
    assert judged(exchange(sse(both), request=request_for(n=2))) == {}


@pytest.mark.parametrize("ending", [Ending.UPSTREAM_CUT, Ending.CLIENT_LEFT, Ending.TIMED_OUT, Ending.INTERRUPTED])
def test_a_stream_that_was_cut_has_no_end_to_judge(ending):
    assert judged(exchange(sse(chat_text()[:-1], done=False), ending=ending)) == {}


def test_openai_s_own_legacy_completions():
    """Text may stand beside the reason, and ``length`` comes again with an empty text."""

    def piece(text: str, reason: str | None = None) -> Any:
        choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}
        return {"id": "cmpl-1", "object": "text_completion", "created": CREATED, "choices": [choice], "model": MODEL}

    body = sse([piece("The"), piece(" chicken", "length"), piece("", "length")])
    given = exchange(body, request=request_for(path="/v1/completions"))
    assert judged(given) == {}
    late = exchange(sse([piece("The", "stop"), piece(" end")]), request=request_for(path="/v1/completions"))
    assert judged(late) == {"content-after-finish": ERROR}


@pytest.mark.parametrize(("size", "tools", "speaks"), [(300, True, True), (100, True, False), (300, False, False)])
def test_long_answers_in_one_piece(size, tools, speaks):
    payloads = [chunk({**ROLE, "content": "x" * size}), chunk({}, "stop")]
    given = exchange(sse(payloads), request=request_for(tools=tools))
    assert ("buffered-not-streamed-tools" in judged(given)) is speaks
    assert judged(replace(given, request=None)) == {}


def test_a_held_back_finding_keeps_its_place_and_time():
    given = exchange(sse([*chat_tool(), chunk({}, "stop")]), request=request_for(tools=True))
    found = next(one for one in analyze(given, rules=MINE).findings if one.rule == "finish-reason-repeated")
    start, end = found.span
    assert given.body[start:end] == b'"finish_reason":"stop"'
    assert found.offset_us == given.segments[found.event].offset_us


def _finish_in_one_event(body):
    """The last chunk stands in the event of the one before, for want of a blank line."""
    head, _, tail = body.rpartition(b"\n\ndata: ")
    return head + b"\ndata: " + tail


def _counted(body):
    """The index of a choice counts the tokens."""
    at = count()
    return re.sub(rb'"index":0', lambda _: b'"index":%d' % next(at), body)


@pytest.mark.parametrize("hide", [_finish_in_one_event, _counted])
def test_done_is_missing_where_another_repair_brings_the_finish_to_light(hide):
    body = hide(sse(chat_text("One", " two", " three"), done=False))
    (hit,) = (one for one in analyze(exchange(body)).findings if one.rule == "done-missing")
    assert (hit.severity, hit.repairability) == (Severity.WARNING, Repairability.SAFE)
    assert normalize(exchange(body)).exchange.body.endswith(b"data: [DONE]\n\n")


NAMED = {"type": "function", "function": {"name": "get_weather"}}


@pytest.mark.parametrize(("choice", "named", "mended"), [(NAMED, True, "stop"), ("required", False, "tool_calls")])
@pytest.mark.parametrize("first", [["tool_calls"], ["tool_calls", "tool_calls"]])
def test_stop_is_right_where_the_request_names_the_tool(choice, named, mended, first):
    payloads = [*chat_tool()[:-1], *(chunk({}, reason) for reason in [*first, "stop"])]
    given = exchange(sse(payloads), request=request_for(tools=True, tool_choice=choice))
    found = [one for one in analyze(given).findings if one.rule == "finish-reason-repeated"]
    variant = f"stop comes after tool_calls{', and the request names the tool' * named}"
    assert found[-1].variants[-1] == variant
    repaired = normalize(given).exchange
    assert re.findall(r'"finish_reason":"(\w+)"', repaired.body.decode()) == [mended]
    assert "finish-reason-repeated" not in judged(repaired)
