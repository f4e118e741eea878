"""A finding names who breaks on the form of the deviation at hand, and nobody who breaks on another form alone."""

from __future__ import annotations

import json
import sys
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from streamlab.apis.registry import all_rules, by_name
from streamlab.clients.table import asked, breaks, hurts, rule_names
from streamlab.exchange import Exchange, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.report.json import finding_json
from streamlab.report.promises import promise_of
from streamlab.report.text import breaking_lines
from streamlab.rules.finding import Finding, Severity
from tests import messages, responses
from tests.batches import batched
from tests.streams import USAGE, chat_text, chat_tools, chat_usage, chunk, exchange, request_for, sse
from tests.variants import FORMS, Form

RULES = [rule for rule in all_rules() if rule.variants]
CHAT = "chat.completions"
KINDS = {
    "chat.completions": exchange(sse(chat_text())),
    "responses": responses.exchange(responses.text()),
    "anthropic.messages": messages.exchange(messages.sse(messages.text())),
}
TOOL = Path(__file__).parents[2] / "tools" / "clients"
RESULTS = TOOL / "results"
sys.path.insert(0, str(TOOL))
from streams import sends_usage  # noqa: E402

sys.path.remove(str(TOOL))
_CASES = tomllib.loads((TOOL / "cases.toml").read_text(encoding="utf-8"))


def _number(path: Path) -> int:
    return int(path.stem[11:] or 1)


@cache
def _measured(*, strict: bool) -> dict[str, dict[str, str]]:
    """What each client that minded did on a stream, when it was asked last; where a tool is strict, or none is."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("20*.json"), key=_number)]
    did: dict[str, dict[str, str]] = {}
    for run in sorted(runs, key=lambda run: (str(run["measured"]), not run.get("strict", True))):
        if strict and not run.get("strict", True):
            continue
        for stream, told in run["streams"].items():
            before = did.get(stream, {})
            again = {name: said for name, said in before.items() if name not in run["clients"]}
            did[stream] = again | told["outcomes"]
    return did


def _finding(rule: str, made: Exchange) -> Finding:
    [found] = {one.path: one for one in analyze(made).findings if one.rule == rule}.values()
    return found


@batched("form", FORMS)
def test_a_finding_says_which_form_it_is(form: Form) -> None:
    found = [one for one in analyze(form.exchange).findings if one.rule == form.rule]
    assert found
    assert {variant for one in found for variant in one.variants} == {form.variant}


@batched("form", FORMS)
def test_a_form_names_the_clients_that_broke_on_it(form: Form) -> None:
    _names_who_broke(form, strict=True)
    _names_who_broke(form, strict=False)


def _names_who_broke(form: Form, *, strict: bool) -> None:
    told = _measured(strict=strict)[form.measured]
    right = {client for client, said in told.items() if said == "wrong:u" and not sends_usage(form.measured)}
    right |= {one for case in _CASES[form.rule] if form.measured in case["streams"] for one in case.get("right", ())}
    told_of = [case.get("harms") for case in _CASES[form.rule] if form.measured in case["streams"]]
    if told_of == [["silent-loss"]]:  # who raises where an answer was cut says what is true
        right |= {client for client, said in told.items() if "[silent]" not in said}
    measured = {client: said for client, said in told.items() if client not in right}
    named = {
        one.client
        for one in breaks(form.rule, (form.variant,), CHAT, strict)
        if one.client.startswith(("py-", "js-", "rs-"))
    }
    assert named == set(measured)
    for one in breaks(form.rule, (form.variant,), CHAT, strict):
        if one.client in measured:
            assert (one.harm == "raises") is measured[one.client].startswith("error"), one


@batched("rule", RULES)
def test_table_and_rule_use_the_same_words(rule) -> None:
    told = {condition for one in breaks(rule.name) if one.measured for condition in one.conditions}
    assert told <= set(rule.variants)
    assert len(set(rule.variants)) == len(rule.variants) > 1


@batched("rule", RULES)
def test_every_form_that_the_table_tells_of_is_shown(rule) -> None:
    told = {condition for one in breaks(rule.name) if one.measured for condition in one.conditions}
    shown = {form.variant for form in FORMS if form.rule == rule.name}
    made = (*messages.CASES.values(), *responses.CASES.values(), *responses.LATER.values())
    cases = [case for case in made if case.rule == rule.name]
    shown |= {one for case in cases for found in analyze(case.exchange).findings for one in found.variants}
    shown |= {case.get("form", "") for case in _CASES.get(rule.name, ())}  # test_tool.py looks at each
    assert sorted(told - shown) == []


def test_a_condition_that_is_met_goes_without_saying():
    [met] = {one.how for one in breaks("chunk-id-missing-or-empty", ("it is a number",)) if "litellm" in one.client}
    [told] = {one.how for one in breaks("chunk-id-missing-or-empty") if "litellm" in one.client}
    assert (met, told) == ("raises APIError", "raises APIError when it is a number")


def test_forms_that_mix_name_everybody_and_keep_the_condition():
    payloads = chat_text()
    payloads[-1]["choices"][0]["delta"] = payloads[2]["choices"][0]["delta"] = None
    found = _finding("choice-delta-missing", exchange(sse(payloads)))
    assert sorted(found.variants) == ["it is the finish chunk's", "the answer goes on"]
    named = {one.client: one.how for one in breaks(found.rule, found.variants)}
    assert named["py-smolagents"] == "raises ValueError when the answer goes on"
    assert named["js-langchain"] == "ends with another finish_reason when it is the finish chunk's"
    assert named["py-openai-raw"] == "raises AttributeError in the documented loop"


STRICT = {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": {}}}
LOOSE = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}


def _asking(*tools):
    asked = request_for()
    return replace(asked, body=json.dumps({**json.loads(asked.body or b""), "tools": list(tools)}).encode())


@pytest.mark.parametrize(
    ("tools", "severity", "named"),
    [
        ([LOOSE], "warning", []),
        ([{**LOOSE, "function": {**LOOSE["function"], "strict": False}}], "warning", []),
        (None, "warning", []),
        ([LOOSE, STRICT], "error", ["raises OpenAIError"]),
        ("not known", "error", ["raises OpenAIError where a tool is strict"]),
    ],
)
def test_who_breaks_on_strict_tools_alone_is_named_where_one_is(tools, severity, named):
    payloads = chat_tools()
    for payload in payloads[2:4]:
        payload["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = ""
    request = _asking(*tools or ())
    made = replace(exchange(sse(payloads)), request=None if tools == "not known" else request)
    found = _finding("tool-call-name-empty-continuation", made)
    told = [*named, "ends with broken calls (reported: lmstudio-ai/lmstudio-bug-tracker#649)"]
    helper = [one.how for one in breaks(found.rule, found.variants, CHAT, found.strict)]
    assert (str(found.severity), helper) == (severity, told)
    assert [one["how"] for one in finding_json(found)["breaks"]] == told
    assert len(breaking_lines(found.rule, found.variants, found.api, found.strict)) == len(told)
    assert hurts(found.rule, "openai-node", found.variants, CHAT, found.strict) is bool(named)


def test_a_helper_that_breaks_either_way_is_named_for_what_it_does():
    helper = {
        strict: [one.how for one in breaks("tool-call-arguments-not-json", ("they are no JSON",), CHAT, strict)
                 if one.client == "py-openai-stream"]
        for strict in (True, False, None)
    }  # fmt: skip
    assert helper == {
        True: ["raises JSONDecodeError"],
        False: ["ends with other arguments"],
        None: ["raises JSONDecodeError where a tool is strict", "ends with other arguments where no tool is strict"],
    }


def _begun_by(*contents):
    first, *others = contents
    payloads = [chunk({"role": "assistant", "content": first}), *(chunk({"content": one}) for one in others)]
    return _finding("content-array-parts", exchange(sse([*payloads, chunk({}, "stop")])))


def test_lists_of_parts_name_who_breaks_where_they_begin_the_answer():
    reasoning, said = [{"type": "reasoning", "text": "Hm."}], [{"type": "text", "text": "Spring is here."}]
    alone, mixed, later = _begun_by(reasoning, "Spring"), _begun_by(reasoning, said), _begun_by("", reasoning, said)
    assert [one.count for one in (alone, mixed, later)] == [1, 2, 2]
    assert [one.event for one in (alone, mixed, later)] == [0, 0, 1]
    assert mixed.span is not None
    told = [
        {one.client: one.how for one in breaks(found.rule, found.variants, CHAT) if one.client == "py-openai-stream"}
        for found in (alone, mixed)
    ]
    assert told == [
        {"py-openai-stream": "ends with other text and other reasoning"},
        {"py-openai-stream": "raises RuntimeError"},
    ]
    litellm = [[one.how for one in breaks(found.rule, found.variants, CHAT) if one.client == "py-litellm"]
               for found in (alone, mixed, later)]  # fmt: skip
    assert litellm == [
        ["raises TypeError in the documented loop"],
        ["raises TypeError in the documented loop"],
        ["ends with other text when they hold text", "ends with other reasoning when they hold reasoning"],
    ]


def test_a_cost_that_is_no_number_names_who_adds_it_up():
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    for cost in (0.5, None):
        made = exchange(sse([*chat_text(), {**chunk(choices=[]), "usage": {**usage, "cost": cost}}]))
        assert "usage.cost" not in {one.path for one in analyze(made).findings}
    made = exchange(sse([*chat_text(), {**chunk(choices=[]), "usage": {**usage, "cost": {"total_cost": 0.5}}}]))
    [found] = [one for one in analyze(made).findings if one.path == "usage.cost"]
    assert (found.rule, str(found.severity)) == ("unknown-extension-fields", "warning")
    assert [one.client for one in breaks(found.rule, found.variants, CHAT)] == ["py-agno"]


def test_a_second_call_without_an_index_adds_its_form():
    payloads = chat_tools()
    for payload in payloads:
        for fragment in payload["choices"][0]["delta"].get("tool_calls") or ():
            del fragment["index"]
    found = _finding("tool-call-index-missing", exchange(sse(payloads)))
    assert found.variants == ("there is one call", "there are several calls")
    assert hurts(found.rule, "litellm", found.variants)


def test_one_call_without_an_index_does_not_name_who_needs_several():
    [form] = [form for form in FORMS if form.measured == "tool1.index-missing"]
    found = _finding(form.rule, form.exchange)
    assert not hurts(found.rule, "litellm", found.variants)
    assert hurts(found.rule, "litellm")
    assert "LiteLLM completion()" not in {one["client"] for one in finding_json(found)["breaks"]}


def test_a_reason_after_each_call_names_who_broke_on_just_that():
    payloads = chat_tools()
    payloads.insert(4, payloads[-1])
    found = _finding("tool-call-finish-per-call", exchange(sse(payloads)))
    assert found.variants == ("it ends each call",)
    for strict in (True, False):
        named = {one.client for one in breaks(found.rule, found.variants, CHAT, strict)}
        assert named == set(_measured(strict=strict)["tools.finish-between"])
        assert {"py-langchain", "js-langchain"} < named
        assert ("py-openai-stream" in named) is strict


def test_a_form_that_nobody_was_asked_about_names_nobody():
    payloads = [{**payload, "id": ["chatcmpl"]} for payload in chat_text()]
    found = _finding("chunk-id-missing-or-empty", exchange(sse(payloads)))
    assert found.variants == ()
    assert breaking_lines(found.rule, found.variants) == finding_json(found)["breaks"] == []
    assert any("when it is a number" in line for line in breaking_lines(found.rule))


def test_a_form_beside_another_is_named_where_one_of_them_was_asked():
    payloads = chat_tools()
    for at, members in ((2, {"id": ""}), (3, {})):  # nobody was asked about the first
        fragment = payloads[at]["choices"][0]["delta"]["tool_calls"][0]
        fragment.update(members)
        fragment["function"]["name"] = None
    found = _finding("tool-call-name-empty-continuation", exchange(sse(payloads), request=_asking(STRICT)))
    assert (found.count, found.severity, found.variants) == (2, Severity.ERROR, ("the name alone is null",))


def test_a_sum_of_usage_names_nobody_who_breaks_on_other_types():
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 9}
    found = _finding("usage-inconsistent", exchange(sse([*chat_text(), chunk(choices=[], usage=usage)])))
    assert (found.variants, finding_json(found)["breaks"]) == ((), [])


def _legacy_named(*choices):
    """Who is named for an answer of legacy completions that has these choices, and the form of the finding."""
    payloads = [{**chunk(object="text_completion"), "choices": [{"index": 0, **one}]} for one in choices]
    made = exchange(sse(payloads), request=request_for(path="/v1/completions"))
    found = _finding("completions-chat-shape", made)
    return found.variants, {one.client for one in breaks(found.rule, found.variants, found.api)}


def test_a_delta_that_only_ends_legacy_completions_does_not_name_who_reads_it_right():
    end, text = {"delta": {}, "finish_reason": "stop"}, {"text": "Hi", "finish_reason": None}
    form, named = _legacy_named(text, end)
    assert form == ("the finish chunk alone has a delta",)
    assert ("py-openai-raw" in named, "py-langchain-completions" in named) == (True, False)
    for key in ("delta", "message"):
        said = {key: {"content": "Hi"}, "finish_reason": None}
        form, named = _legacy_named(said, {key: {}, "finish_reason": "stop"})
        assert form == ("every chunk has a delta or a message",)
        assert {"py-openai-raw", "py-langchain-completions"} <= named
    mixed = {"delta": {"content": "Hi"}, "finish_reason": None}
    assert _legacy_named(text, mixed) == ((), set())  # nobody was asked about a part of the text in a delta


def test_people_are_told_of_nobody_where_nobody_breaks():
    found = _finding("created-wrong-type", exchange(sse([{**one, "created": None} for one in chat_text()])))
    assert breaking_lines(found.rule, found.variants) == []
    assert not hurts(found.rule, "ai-sdk", found.variants)


def test_a_finding_names_nobody_who_was_asked_in_another_api():
    """A client that breaks on a chat stream may read the same fault in Messages or Responses otherwise."""
    page = (b"<!DOCTYPE html><html><body>502</body></html>", (("content-type", "text/html"),))
    made = {
        name: replace(one, segments=(Segment(1, page[0]),), head=ResponseHead(200, page[1]))
        for name, one in KINDS.items()
    }
    for name, one in made.items():
        [found] = [one for one in analyze(one).findings if one.rule == "html-body-200"]
        assert found.api == name
        assert {one.api for one in breaks(found.rule, found.variants, found.api)} <= {name}
        named = {one["api"] for one in finding_json(found)["breaks"]}
        assert named <= {name}
    assert {one.api for one in breaks("html-body-200")} >= {"chat.completions"}


def test_where_nobody_was_asked_the_promise_is_that_of_the_api():
    assert promise_of("html-body-200", "anthropic.messages").startswith("Anthropic documentation")
    assert promise_of("http-status-200-on-error", "anthropic.messages").startswith("Anthropic documentation, Errors")
    assert promise_of("html-body-200", "responses").startswith("OpenAI API reference, Responses")
    assert promise_of("html-body-200", "chat.completions").startswith("OpenAI API reference, Create chat")
    assert promise_of("json-malformed", "anthropic.messages").startswith("RFC 8259")


def test_what_betrays_no_api_is_held_to_chat_and_names_its_clients():
    page = Exchange(head=ResponseHead(200, ()), segments=(Segment(1, b"<!DOCTYPE html><p>502"),))
    found = next(one for one in analyze(page).findings if one.rule == "html-body-200")
    assert found.api == "chat.completions"
    assert {one.api for one in breaks(found.rule, found.variants, found.api)} == {"chat.completions"}


def test_a_finding_that_was_kept_without_an_api_names_whom_it_named():
    found = Finding("html-body-200", Severity.ERROR, "a page")
    assert {one["id"] for one in finding_json(found)["breaks"]} == {one.client for one in breaks("html-body-200")}


def test_only_rules_that_can_tell_the_forms_apart_are_asked_to():
    conditional = {rule: [one.measured for one in breaks(rule) if one.conditions] for rule in rule_names()}
    apart = {
        rule for rule in rule_names() if any(one.apart for one in asked(rule))
    }  # from forms nobody was asked about
    assert {rule.name for rule in RULES} <= apart.union(rule for rule, measured in conditional.items() if measured)
    assert {rule for rule, measured in conditional.items() if any(measured)} <= set(by_name())


@pytest.mark.parametrize(
    ("block", "variant"),
    [(b"event: ping\n\n", "it names an event"), (b"id: 1\n\n", "it has an id or a retry alone")],
)
def test_a_block_without_data_says_what_it_has(block: bytes, variant: str) -> None:
    first, rest = sse(chat_text()).split(b"\n\n", 1)
    found = _finding("sse-event-without-data", exchange(first + b"\n\n" + block + rest))
    assert found.variants == (variant,)


CUT = "the answer is text, and [DONE] never comes"


def test_who_raises_is_named_where_the_answer_was_whole_and_not_where_it_was_cut():
    raising = {"py-litellm", "js-openai-stream", "js-openai-v4-stream", "js-ai-sdk-compat"}
    whole = _named("finish-reason-missing", exchange(sse(chat_text()[:-1])))
    cut = _named("finish-reason-missing", exchange(sse(chat_text()[:-1], done=False)))
    assert raising <= whole
    # Who shows no finish_reason, or makes one up, holds the same of both: of the one alone it could have known better.
    unaware = {"py-openai-agents", "py-smolagents", "py-agno", "js-fetch-event-source", "js-openai-agents", "rs-baml"}
    inventing = {"py-pydantic-ai", "py-pydantic-ai-direct", "js-pi-ai"}
    telling = {"js-ai-sdk-openai"}  # its finish reason is "interrupted", of both
    assert telling <= whole
    assert cut == (whole - raising - telling) | unaware | inventing
    assert {one.what for one in breaks("finish-reason-missing", (CUT,), CHAT) if one.client in unaware} == {
        "says nothing, takes it for a whole answer"
    }
    half = chunk({"content": "again"}, index=1)
    both = _finding("finish-reason-missing", exchange(sse([*chat_text(), half], done=False)))
    assert not breaks(both.rule, both.variants, CHAT)
    assert not breaks("truncated-chunked-body")


def _named(rule: str, made: Exchange) -> set[str]:
    found = _finding(rule, made)
    return {one.client for one in breaks(found.rule, found.variants, CHAT)}


def test_agno_is_not_told_to_add_up_usage_whose_cost_it_cannot_read():
    priced = {**USAGE, "cost": {"total_cost": 0.005}}
    each = [{**payload, "usage": USAGE} for payload in chat_text()]
    for usage, named in ((USAGE, True), ({**USAGE, "cost": 0.005}, True), (priced, False)):
        found = _named("usage-on-every-chunk", exchange(sse([*each[:-1], {**each[-1], "usage": usage}])))
        assert "py-langchain" in found
        assert ("py-agno" in found) is named
    twice = exchange(sse([*chat_usage()[:-1], {**chat_usage()[-1], "usage": priced}, chat_usage()[-1]]))
    falling = exchange(sse([*each[:-1], {**each[-1], "usage": {**priced, "prompt_tokens": 1}}]))
    for made in (twice, falling):
        found = _named("usage-on-every-chunk", made)
        assert "py-langchain" in found
        assert "py-agno" not in found
    nobody = exchange(sse([*chat_usage()[:-1], {**chat_usage()[-1], "usage": {**priced, "completion_tokens": None}}]))
    assert not _named("usage-inconsistent", nobody)


@pytest.mark.parametrize(
    ("name", "named", "spared"),
    [
        ("", (), ("py-anthropic-raw", "anthropic-ts-1.14.0")),
        ("data", ("py-anthropic-raw", "anthropic-py-2.14.0"), ("llama-index-anthropic-0.12.3",)),
        ("message", ("py-anthropic-raw", "llama-index-anthropic-0.12.3"), ("anthropic-py-0.75.0",)),
        ("message_stop", ("py-anthropic-raw", "anthropic-py-0.75.0"), ("claude-code-2.1.332",)),
        ("completion", ("py-anthropic-raw", "anthropic-py-0.75.0"), ("claude-code-2.1.332",)),
        ("ping", (), ("py-anthropic-raw",)),
    ],
)
def test_the_name_of_a_done_marker_says_who_breaks_on_it(name: str, named: tuple[str, ...], spared: tuple[str, ...]):
    end = f"event: {name}\ndata: [DONE]\n\n" if name else "data: [DONE]\n\n"
    made = messages.exchange(messages.sse(messages.text()) + end.encode())
    found = _finding("messages-done-marker", made)
    broken = {one.client: one.how for one in breaks(found.rule, found.variants, "anthropic.messages")}
    assert set(named) <= set(broken)
    assert not set(spared) & set(broken)
    assert {broken[one] for one in named} <= {"raises JSONDecodeError"}


def test_what_comes_of_null_counts_is_told_of_those_alone():
    null = {"smolagents", "baml"}
    each = breaks("usage-on-every-chunk", ("some of its numbers are null until the end",))
    other = breaks("usage-inconsistent", ("completion_tokens is null before the finish",))
    assert not null & {one.client.split("-", 1)[1] for one in each}
    assert null <= {one.client.split("-", 1)[1] for one in other}
