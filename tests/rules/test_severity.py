"""Severity is true: where the evidence of an error names openai-python, the installed client really comes to harm.

Each stream is played over a loopback socket and read as openai-python's documentation reads streams: by iterating,
and with ``.stream()``. Harm is an exception (other than the error that was meant), a wait that does not end, or
another answer than the one meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streamlab.apis.registry import all_rules
from streamlab.clients.table import breaks, clients
from streamlab.exchange import Ending, Exchange
from streamlab.judging.analyzer import analyze
from streamlab.playback.matching import Match, candidate
from streamlab.playback.script import Finish, PlannedFault, script
from streamlab.rules.finding import Severity
from streamlab.servers.replay import Playable
from streamlab.workflows.replay import BackgroundReplay
from tests import corpus, rule_fixtures
from tests.batches import batched
from tests.responses import CASES, SAID, text, tool
from tests.responses import exchange as responses_exchange
from tests.streams import chat_text, chat_tool, chunk, exchange, sse
from tests.variants import FORMS as FORMS_OF_VARIANTS
from tests.variants import Form

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")

_PATIENCE_S = 1.0
_OURS = {key for key, client in clients().items() if "openai-python" in client.name}
#: Not shown here: who did not ask for a stream does not read one, as is done here.
_ARGUED = {"stream-unrequested"}
#: Errors whose evidence names openai-python, and those whose evidence names nobody.
RULES = [
    rule
    for rule in all_rules()
    if rule.severity is Severity.ERROR
    and rule.name not in _ARGUED
    and (not breaks(rule.name) or any(one.client in _OURS for one in breaks(rule.name)))
]

# -- what was meant: (text, tool calls as (id, name, arguments), finish_reason) ------------------------------------

Answer = tuple[str, list[tuple[Any, Any, Any]], Any]
OSLO = ("call_a1B2c3D4", "get_weather", '{"city":"Oslo"}')
ROME = ("call_e5F6g7H8", "get_weather", '{"city":"Rome"}')
SPRING: Answer = ("Spring is here.", [], "stop")
ONE_CALL: Answer = ("", [OSLO], "tool_calls")
TWO_CALLS: Answer = ("", [OSLO, ROME], "tool_calls")
#: The stream tells of a failure, so an APIError is what was meant.
FAILURE = "an APIError"
MEANT: dict[str, Answer | str] = {
    "error-field-line": FAILURE,
    "error-flat-object": FAILURE,
    "http-status-200-on-error": FAILURE,
    "tool-call-finish-per-call": TWO_CALLS,
    "tool-call-id-duplicate": TWO_CALLS,
    "tool-call-index-collision": TWO_CALLS,
    "tool-call-index-missing": TWO_CALLS,
    "finish-reason-repeated": ONE_CALL,
}


def meant(rule: str) -> Answer | str:
    return MEANT.get(rule, ONE_CALL if rule.startswith("tool-call-") else SPRING)


# -- the form the evidence is about, where it is not the fixture's -------------------------------------------------


def _ends_empty() -> Exchange:
    return exchange(sse([*chat_text()[:-1], chunk({}, "")]))


def _logprobs_in_a_list() -> Exchange:
    payloads = chat_text()
    payloads[1]["choices"][0]["logprobs"] = [{"token": "Spring", "logprob": -0.1}]
    return exchange(sse(payloads))


def _form(measured: str) -> Exchange:
    [form] = [form for form in FORMS_OF_VARIANTS if form.measured == measured]
    return form.exchange


#: "when there is no other at the end", "when the first event carries a tool call".
FORMS: dict[str, tuple[Exchange, Answer]] = {
    "finish-reason-empty-string": (_ends_empty(), SPRING),
    "logprobs-shape": (_logprobs_in_a_list(), SPRING),
    "sse-bom": (exchange([b"\xef\xbb\xbf" + sse(chat_tool())]), ONE_CALL),
    "tool-call-name-empty-continuation": (_form("tools.all-null-later"), TWO_CALLS),
    "tool-call-type-missing": (_form("tools.type-empty-later"), TWO_CALLS),
    "responses-events-after-terminal": (CASES["second-life-after-terminal"].exchange, SPRING),
    "responses-item-done-missing": (CASES["item-done-missing"].exchange, (SAID, [OSLO], "stop")),
    "responses-keepalive-event": (CASES["keepalive-empty-data"].exchange, SPRING),
    "responses-usage-missing": (CASES["usage-total-missing"].exchange, SPRING),
}
#: Clients wait for ever "when [DONE] never comes": the server stops after the finish chunk and holds on.
HELD_OPEN = "connection-held-open-after-done"
#: Forms with one call of the perfect stream's two; those of `CONSTANT` without arguments.
CONSTANT = {"tools.args-null-only", "tools.args-empty"}
SINGLE = {"tools.args-object-later", "tools.args-dup-final", "tools.args-cumulative"}


# -- how openai-python is used -------------------------------------------------------------------------------------


def _calls(held: dict[int, list[Any]]) -> list[tuple[Any, Any, Any]]:
    return [(one[0], one[1], one[2]) for one in held.values()]


def iterate(client: Any, *, until_finish: bool = False) -> Answer:
    """The documented loop; ``until_finish``: the loop of an agent, which acts when finish_reason says so."""
    text, calls, finish = "", {}, None
    for part in client.chat.completions.create(model="m", messages=[], stream=True):
        if not part.choices:
            continue
        choice = part.choices[0]
        text += choice.delta.content or ""
        for fragment in choice.delta.tool_calls or []:
            held = calls.setdefault(fragment.index, [fragment.id, fragment.function.name, ""])
            held[2] += fragment.function.arguments or ""
        finish = choice.finish_reason or finish
        if finish and until_finish:
            break
    return text, _calls(calls), finish


def act_at_finish(client: Any) -> Answer:
    return iterate(client, until_finish=True)


def use_stream(client: Any, **options: Any) -> Answer:
    with client.chat.completions.stream(model="m", messages=[], **options) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    calls = [(one.id, one.function.name, one.function.arguments) for one in choice.message.tool_calls or []]
    return choice.message.content or "", calls, choice.finish_reason


def iterate_legacy(client: Any) -> Answer:
    text, finish = "", None
    for part in client.completions.create(model="m", prompt="", stream=True):
        text += part.choices[0].text
        finish = part.choices[0].finish_reason or finish
    return text, [], finish


def _end(response: Any) -> str | None:
    """How a response ended: "stop" where it is completed and its tokens are counted, without which no bill is right."""
    counted = response.usage is not None and isinstance(response.usage.total_tokens, int)
    return "stop" if response.status == "completed" and counted else None


def _called(items: list[Any]) -> list[tuple[Any, Any, Any]]:
    return [(one.call_id, one.name, one.arguments) for one in items if one.type == "function_call"]


def iterate_responses(client: Any) -> Answer:
    """The documented loop: text from its deltas, calls from the items that are done."""
    said, items, end = "", [], None
    for event in client.responses.create(model="m", input="", stream=True):
        said += event.delta if event.type == "response.output_text.delta" else ""
        items += [event.item] if event.type == "response.output_item.done" else []
        end = _end(event.response) if event.type == "response.completed" else None
    return said, _called(items), end


def use_responses_stream(client: Any) -> Answer:
    with client.responses.stream(model="m", input="") as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    return final.output_text, _called(final.output), _end(final)


def ways(made: Exchange) -> tuple[Callable[[Any], Answer], ...]:
    """How this exchange's API is used."""
    url = made.request.url if made.request is not None else ""
    if url.endswith("/responses"):
        return iterate_responses, use_responses_stream
    return (iterate, act_at_finish, use_stream) if "/chat/" in url else (iterate_legacy,)


# -- the playing ---------------------------------------------------------------------------------------------------


def playable(made: Exchange, fault: PlannedFault | None = None) -> Playable:
    @contextmanager
    def opened() -> Iterator[Any]:
        yield script(made, fault=fault)

    return Playable(candidate(["bad"], made.request), "bad", opened)


@pytest.fixture(scope="module")
def replay() -> Iterator[BackgroundReplay]:
    with BackgroundReplay([], match=Match.ANY) as running:
        yield running


@pytest.fixture(scope="module")
def client(replay: BackgroundReplay) -> Iterator[Any]:
    with openai.OpenAI(api_key="none", base_url=replay.base_url, max_retries=0, timeout=_PATIENCE_S) as running:
        yield running


def outcome(way: Callable[[Any], Answer], client: Any) -> Any:
    """What a way of using the client comes to: an answer, FAILURE, or the exception."""
    try:
        return way(client)
    except (openai.APIConnectionError, openai.APITimeoutError) as error:
        return f"raises {type(error).__name__}"
    except openai.APIError:
        return FAILURE
    except Exception as error:
        return f"raises {type(error).__name__}"


@batched("rule", [rule.name for rule in RULES], parts=2)
def test_openai_python_comes_to_harm(rule, replay, client):
    made, wanted = FORMS.get(rule) or (corpus.load(rule_fixtures.folder(rule) / "bad"), meant(rule))
    fault = PlannedFault(Finish.HOLD, 6, True) if rule == HELD_OPEN else None
    replay.load([playable(made, fault)])
    came = {way.__name__: outcome(way, client) for way in ways(made)}
    assert any(one != wanted for one in came.values()), f"openai-python reads this as it was meant: {came}"


@pytest.mark.parametrize(
    ("payloads", "wanted"), [(chat_text(), SPRING), (chat_tool(), ONE_CALL)], ids=["text", "tool call"]
)
def test_openai_python_reads_a_perfect_stream_as_it_was_meant(payloads, wanted, replay, client):
    made = exchange(sse(payloads))
    replay.load([playable(made)])
    assert [outcome(way, client) for way in ways(made)] == [wanted] * 3


@pytest.mark.parametrize(
    ("events", "wanted"), [(text(), SPRING), (tool(), ("", [OSLO], "stop"))], ids=["text", "tool call"]
)
def test_openai_python_reads_a_perfect_response_as_it_was_meant(events, wanted, replay, client):
    made = responses_exchange(events)
    replay.load([playable(made)])
    assert [outcome(way, client) for way in ways(made)] == [wanted] * 2


# -- who is named on which form of a deviation (tests/variants.py) ---------------------------------------------------


def loop(client: Any) -> Answer:
    """The documented loop without any caution about what a fragment holds."""
    text, calls, finish = "", {}, None
    for part in client.chat.completions.create(model="m", messages=[], stream=True):
        for choice in part.choices[:1]:
            text += choice.delta.content or ""
            for fragment in choice.delta.tool_calls or []:
                if fragment.index not in calls:
                    calls[fragment.index] = [fragment.id, fragment.function.name, fragment.function.arguments]
                else:
                    calls[fragment.index][2] += fragment.function.arguments
            finish = choice.finish_reason or finish
    for _, _, arguments in calls.values():
        json.loads(arguments)
    return text, _calls(calls), finish


def use_stream_with_tool(client: Any) -> Answer:
    """With a strict tool on offer, whose arguments the helper reads by itself."""
    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    function = {"name": OSLO[1], "strict": True, "parameters": {**city, "additionalProperties": False}}
    return use_stream(client, tools=[{"type": "function", "function": function}])


#: Neither a server that holds on (`HELD_OPEN` is played above) nor lost usage, which is no part of an `Answer`, nor
#: the words of an error.
READ = [
    form
    for form in FORMS_OF_VARIANTS
    if form.exchange.ending is Ending.COMPLETE
    and form.measured != "usage.after-done"
    and form.rule not in ("usage-inconsistent", "usage-in-choice", "http-error-body-shape")
]


def perfect(form: Form) -> Answer:
    """What the stream of a form says when it is read with good will."""
    text_and_call = ("it numbers text and calls", "it numbers thoughts, text and calls")
    if form.variant in text_and_call or form.measured.startswith("text.role-missing-"):
        return SPRING[0], *ONE_CALL[1:]
    if form.measured.startswith("reasoning.role-missing-call"):
        return ONE_CALL
    if form.measured in CONSTANT:
        return "", [(OSLO[0], OSLO[1], "{}")], "tool_calls"
    if form.measured.endswith("-length"):
        return *SPRING[:2], "length"
    if form.measured.startswith(("text.", "usage.", "reasoning.", "d-")):
        return SPRING
    if form.measured == "tool1.finish-twice-named":
        return *ONE_CALL[:2], "stop"  # what OpenAI says where the request names the tool
    return TWO_CALLS if form.measured.startswith("tools.") and form.measured not in SINGLE else ONE_CALL


@batched("form", READ)
def test_openai_python_breaks_on_the_forms_for_which_it_is_named(form, replay, client):
    replay.load([playable(form.exchange)])
    named = {one.client for one in breaks(form.rule, (form.variant,), analyze(form.exchange).api.name, True)}
    came = {"py-openai-raw": outcome(loop, client)}
    if perfect(form)[2] != "length":  # the helper raises for each answer that was cut there, where a tool is strict
        came["py-openai-stream"] = outcome(use_stream_with_tool, client)
    broke = {name for name, one in came.items() if one != perfect(form)}
    assert broke == named & set(came), came


def test_most_errors_are_shown():
    assert len(RULES) > 60
