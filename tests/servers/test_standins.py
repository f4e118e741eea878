"""The stand-ins, over real sockets: the bytes have the structure of the recordings of the systems they stand for."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import re
import socket
import threading
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Severity
from streamlab.standins import (
    NAMES,
    Scenario,
    Standin,
    scenarios,
    serve_scenario,
    serve_standin,
    standin_in_thread,
)
from streamlab.standins.answers import tokens
from streamlab.standins.base import WEATHER_TOOL, chat
from streamlab.standins.faulty import FAULTS
from streamlab.standins.openai_api import MODELS
from tests.corpus import CORPUS
from tests.examples import examples

ALL = [(name, scenario) for name in NAMES for scenario in scenarios(name)]


def named(name: str, scenario: str) -> Scenario:
    return next(one for one in scenarios(name) if one.name == scenario)


@dataclass(frozen=True)
class Wire:
    """One answer as it was on the socket."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    chunks: list[bytes]  # the HTTP chunks; empty when the body was not chunked
    ended: bool  # whether the message ended properly

    @property
    def payloads(self) -> list[str]:
        """The data of each event, lines joined as the specification says."""
        text = self.body.decode().replace("\r\n", "\n")
        found = []
        for raw in text.split("\n\n"):
            values = [line[5:].removeprefix(" ") for line in raw.split("\n") if line.startswith("data:")]
            if values:
                found.append("\n".join(values))
        return found

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.payloads if payload.startswith("{")]

    @property
    def choices(self) -> list[dict[str, Any]]:
        return [choice for chunk in self.objects for choice in chunk.get("choices") or ()]

    @property
    def content(self) -> str:
        return "".join(choice["delta"].get("content") or "" for choice in self.choices)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


async def ask(origin: str, target: str, body: bytes, method: str = "POST") -> Wire:
    host, _, port = origin.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Content-Type: application/json\r\n\r\n".encode() + body)
    try:
        raw = b""
        while piece := await reader.read(65536):
            raw += piece
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return parse(raw)


def parse(raw: bytes) -> Wire:
    head, _, rest = raw.partition(b"\r\n\r\n")
    if not head:
        return Wire(0, [], b"", [], ended=False)
    start, *lines = head.decode("latin-1").split("\r\n")
    headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    names = {name.lower(): value for name, value in headers}
    status = int(start.split(" ")[1])
    if names.get("transfer-encoding") != "chunked":
        ended = "content-length" not in names or len(rest) == int(names["content-length"])
        return Wire(status, headers, rest, [], ended)
    chunks = []
    while match := re.match(rb"([0-9a-f]+)\r\n", rest):
        size, at = int(match[1], 16), match.end()
        if not size:
            return Wire(status, headers, b"".join(chunks), chunks, ended=True)
        if len(rest) < at + size + 2:
            break
        chunks.append(rest[at : at + size])
        rest = rest[at + size + 2 :]
    return Wire(status, headers, b"".join(chunks), chunks, ended=False)


def play(name: str, scenario: Scenario, **options: Any) -> Wire:
    """Starts what the scenario needs, sends its request, and returns what came back."""

    async def run() -> Wire:
        async with serve_scenario(name, scenario, **{"gap_ms": 0, **options}) as standin:
            return await ask_standin(standin, scenario)

    return asyncio.run(run())


async def ask_standin(standin: Standin, scenario: Scenario) -> Wire:
    path = standin.base_url.removeprefix(standin.origin) + scenario.path
    return await ask(standin.origin, path, json.dumps(scenario.body).encode())


def post(name: str, body: dict[str, Any], **options: Any) -> Wire:
    return play(name, Scenario("free", "", "", body, options=options))


# --- every stand-in -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "scenario"), ALL, ids=[f"{name}-{scenario.name}" for name, scenario in ALL])
def test_every_scenario_is_the_same_in_every_run(name: str, scenario: Scenario) -> None:
    assert play(name, scenario) == play(name, scenario)


def test_another_seed_gives_other_ids_and_the_same_text() -> None:
    plain = named("openai", "plain")
    one, other = play("openai", plain), play("openai", plain, seed=7)
    assert one.objects[0]["id"] != other.objects[0]["id"]
    assert one.content == other.content


def test_scenarios_have_unique_names_and_say_something() -> None:
    for name in NAMES:
        listed = scenarios(name)
        assert len({scenario.name for scenario in listed}) == len(listed) > 0
        assert all(scenario.shows.endswith((".", "]")) for scenario in listed), name


def test_two_requests_go_over_one_connection() -> None:
    with standin_in_thread("openai", gap_ms=0) as standin, httpx.Client() as client:
        for _ in range(2):
            answer = client.post(f"{standin.base_url}/chat/completions", json=named("openai", "plain").body)
            assert answer.text.endswith("data: [DONE]\n\n")


def test_it_listens_on_ipv6_as_well() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with standin_in_thread("openai", host="::1", gap_ms=0) as standin:
        assert standin.base_url == f"http://[::1]:{standin.port}/v1"
        assert httpx.get(f"{standin.base_url}/models").status_code == 200


def test_a_client_that_leaves_disturbs_nobody() -> None:
    with standin_in_thread("faulty", gap_ms=0) as standin:
        body = json.dumps(chat("stall", "Why is the sea salty?")).encode()
        with socket.create_connection((standin.host, standin.port)) as client:
            client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        answer = httpx.post(f"{standin.base_url}/chat/completions", json=chat("plain", "Count to six."))
        assert answer.status_code == 200


def test_what_is_not_http_is_hung_up_on() -> None:
    with standin_in_thread("openai") as standin, socket.create_connection((standin.host, standin.port)) as client:
        client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert client.recv(100) == b""


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "role": st.sampled_from(["user", "assistant", "tool", "system", 7]),
        "content": st.sampled_from(["the weather in Oslo", "三加四", [{"type": "text", "text": "hi"}], None]) | _JSON,
        "tool_calls": _JSON | st.just([{"id": "call_1"}]),
        "tool_call_id": st.just("call_1") | _JSON,
    },
)
_BODIES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([*MODELS, "gemini-stop-every", "gemini-thinking", "glm-4@5c4bf62", "nope"]) | _JSON,
        "stream": st.booleans() | _JSON,
        "messages": st.lists(_MESSAGE, max_size=3) | _JSON,
        "contents": _JSON,
        "tools": st.just([WEATHER_TOOL]) | _JSON | st.lists(st.fixed_dictionaries({"function": _JSON}), max_size=2),
        "tool_choice": st.sampled_from(["required", "none"]) | _JSON,
        "response_format": st.just({"type": "json_object"}) | _JSON,
        "stream_options": st.just({"include_usage": True}) | _JSON,
        "n": st.integers(1, 3) | _JSON,
        "stop": st.just("a") | _JSON,
        "max_tokens": _JSON,
        "logprobs": _JSON,
        "top_logprobs": _JSON,
        "top_p": _JSON,
    },
)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=examples(60), deadline=None)
@given(body=_BODIES | _JSON)
def test_any_body_gets_an_answer(name: str, body: Any) -> None:
    """Wrong requests are part of a server's life: none may make a stand-in fall over."""

    async def run() -> Wire:
        async with serve_standin(name, gap_ms=0) as standin:
            path = "/models/gemini-pro:streamGenerateContent?alt=sse" if name == "gemini" else "/chat/completions"
            target = standin.base_url.removeprefix(standin.origin) + path
            return await ask(standin.origin, target, json.dumps(body).encode())

    wire = asyncio.run(run())
    assert wire.status
    assert wire.ended


def test_unknown_names_versions_and_options_are_refused() -> None:
    with pytest.raises(UsageError, match="no stand-in is called 'gpt'"), standin_in_thread("gpt"):
        pass
    with pytest.raises(UsageError, match="no version '9'"), standin_in_thread("tgi", version="9"):
        pass
    with pytest.raises(UsageError, match="does not know"), standin_in_thread("tgi", colour="red"):
        pass


def test_a_taken_port_is_told_and_the_thread_ends() -> None:
    before = threading.active_count()
    with standin_in_thread("openai") as first:
        taken = standin_in_thread("openai", port=first.port)
        with pytest.raises(CouldNotRunError, match=f"cannot listen on 127.0.0.1:{first.port}"), taken:
            pass
    assert threading.active_count() == before


def test_the_pace_is_kept() -> None:
    async def run() -> float:
        async with serve_standin("openai", gap_ms=5) as standin:
            clock = asyncio.get_running_loop().time
            start = clock()
            await ask_standin(standin, named("openai", "plain"))
            return clock() - start

    chunks = len(play("openai", named("openai", "plain")).chunks)
    assert asyncio.run(run()) >= (chunks - 1) * 0.005


# --- GLM-4 ----------------------------------------------------------------------------------------------------------


def test_glm4_newline_ends_in_one_raw_event_of_several_lines() -> None:
    wire = play("glm4", named("glm4", "newline"))
    assert wire.status == 200
    assert wire.ended
    assert wire.header("content-type") == "text/event-stream; charset=utf-8"
    assert b"\n" not in wire.body.replace(b"\r\n", b"")
    *chunks, raw = wire.payloads
    content = "".join(json.loads(chunk)["choices"][0]["delta"]["content"] for chunk in chunks)
    assert raw.startswith(content)
    assert content.endswith("\n\n")
    assert wire.chunks[-1].startswith(b"data: \r\ndata: ")
    assert all(choice["finish_reason"] is None for choice in wire.choices)
    assert b"[DONE]" not in wire.body
    assert {chunk["id"] for chunk in wire.objects} == {""}


def test_glm4_newline_is_silent_while_it_goes_on_generating() -> None:
    async def run() -> list[float]:
        async with serve_scenario("glm4", named("glm4", "newline"), gap_ms=8) as standin:
            arrivals = []
            async with httpx.AsyncClient() as client:
                target = f"{standin.base_url}/chat/completions"
                async with client.stream("POST", target, json=named("glm4", "newline").body) as answer:
                    async for _ in answer.aiter_raw():
                        arrivals.append(asyncio.get_running_loop().time())
            return arrivals

    gaps = [after - before for before, after in itertools.pairwise(asyncio.run(run()))]
    assert gaps[-1] > 3 * max(gaps[:-1])


@pytest.mark.parametrize("scenario", ["newline-early", "short-empty", "tools-text-empty"])
def test_glm4_empty_200(scenario: str) -> None:
    wire = play("glm4", named("glm4", scenario))
    assert (wire.status, wire.body, wire.ended) == (200, b"", True)
    assert wire.header("content-type") == "text/event-stream; charset=utf-8"


def test_glm4_has_another_tool_id_in_every_delta() -> None:
    wire = play("glm4", named("glm4", "tool-ids"))
    calls = [call for choice in wire.choices for call in choice["delta"].get("tool_calls", ())]
    assert len(calls) > 5
    assert len({call["id"] for call in calls}) == len(calls)
    assert {call["index"] for call in calls} == {0}
    assert [call["function"]["name"] for call in calls] == ["look_up_weather", *[None] * (len(calls) - 1)]
    assert json.loads("".join(call["function"]["arguments"] for call in calls))["place"] == "Lisbon"
    assert wire.choices[-1]["finish_reason"] == "tool_calls"
    assert wire.payloads[-1] == "[DONE]"


def test_glm4_follow_up_is_a_500_in_plain_text() -> None:
    wire = play("glm4", named("glm4", "follow-up-500"))
    assert (wire.status, wire.body) == (500, b"Internal Server Error")
    assert [name for name, _ in wire.headers] == ["date", "server", "content-length", "content-type"]


def test_glm4_tool_call_without_done_has_a_finish() -> None:
    wire = play("glm4", named("glm4", "tool-no-done"))
    assert wire.choices[-1]["finish_reason"] == "tool_calls"
    assert b"[DONE]" not in wire.body
    assert wire.ended


def test_glm4_cut_closes_without_the_last_chunk() -> None:
    wire = play("glm4", named("glm4", "mid-stream-cut"))
    assert not wire.ended
    assert wire.content == "\nGood sleep starts in the evening.\n\n"
    assert wire.choices[-1]["finish_reason"] is None


def test_glm4_sends_a_chunk_inside_a_chunk() -> None:
    wire = play("glm4", named("glm4", "nested-chunk"))
    assert json.loads(wire.content)["object"] == "chat.completion.chunk"
    assert play("glm4", named("glm4", "content-done")).content == "[DONE]"


def test_glm4_bare_word_becomes_a_function_call() -> None:
    wire = play("glm4", named("glm4", "bare-word"))
    letters = [choice["delta"]["function_call"] for choice in wire.choices if "name" in str(choice["delta"])]
    assert {call["name"] for call in letters} == {"Certainly"}
    assert "".join(call["arguments"] for call in letters) == "ere is the rest."
    assert json.loads(wire.payloads[-1]) == {"text": "\nCertainly\nHere is the rest."}


def test_glm4_one_character_deltas_repeat_the_name_without_id() -> None:
    wire = play("glm4", named("glm4", "one-character-deltas"))
    calls = [call for choice in wire.choices for call in choice["delta"].get("tool_calls", ())]
    assert len(calls) > 20
    assert all(len(call["function"]["arguments"]) == 1 and "id" not in call for call in calls)
    assert {call["function"]["name"] for call in calls} == {"look_up_weather"}
    assert post("glm4", chat("glm-4", "三加四"), version="5c4bf62").status == 500


def test_glm4_version_may_be_asked_for_by_the_model_name() -> None:
    wire = post("glm4", chat("glm-4@1de40b0", "给两条整理书桌的建议。"))
    assert wire.payloads[-1] == "[DONE]"
    assert {chunk["model"] for chunk in wire.objects} == {"glm-4"}
    assert wire.choices[-1]["finish_reason"] == "stop"


@pytest.mark.parametrize("name", ["glm4", "chatglm3"])
def test_glm_servers_always_answer_when_not_streaming(name: str) -> None:
    wire = post(name, chat("m", "三加四等于几？只写数字。", stream=False))
    assert json.loads(wire.body)["choices"][0]["message"]["content"] == "7"


# --- ChatGLM3 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "empty"), [(1, True), (5, True), (6, False), (30, False)])
def test_chatglm3_is_empty_up_to_seven_characters_with_the_two_in_front(length: int, empty: bool) -> None:
    wire = post("chatglm3", chat("chatglm3-6b", f"Repeat exactly: {'好' * length}"))
    assert wire.status == 200
    assert wire.ended
    assert (wire.body == b"") is empty
    if not empty:
        assert wire.content == "\n " + "好" * length
        assert wire.payloads[-1] == "[DONE]"


def test_chatglm3_first_chunk_holds_what_was_held_back() -> None:
    wire = play("chatglm3", named("chatglm3", "plain"))
    assert len(wire.choices[0]["delta"]["content"]) > 7
    assert wire.choices[-1] == {
        "delta": {"role": "assistant", "content": "", "function_call": None},
        "finish_reason": "stop",
        "index": 0,
    }
    assert all(choice["delta"]["role"] == "assistant" for choice in wire.choices)


def test_chatglm3_get_in_the_text_ends_in_a_raw_event() -> None:
    wire = play("chatglm3", named("chatglm3", "get-in-text"))
    assert wire.payloads[-1].startswith(wire.content)
    assert "get_" in wire.payloads[-1]
    assert "get_" not in wire.content


def test_chatglm3_never_shows_a_tool_call() -> None:
    wire = play("chatglm3", named("chatglm3", "tool-never-shown"))
    assert "tool_calls" not in wire.body.decode()
    assert all("created" not in chunk for chunk in wire.objects)
    assert wire.choices[-1]["finish_reason"] == "stop"
    assert wire.payloads[-1] == "[DONE]"


def test_chatglm3_get_at_the_start_is_sent_in_one_chunk() -> None:
    wire = post("chatglm3", chat("chatglm3-6b", "Repeat exactly: get_user() says who."))
    assert [choice["delta"] for choice in wire.choices] == [
        {"role": "assistant", "content": "\n get_user() says who."},
        {},
    ]


# --- one-api --------------------------------------------------------------------------------------------------------

#: (version, upstream's model, what the client gets) for the `faulty` and `openai` upstreams behind one-api.
_OLD, _ALPHA, _NEW, _PR = "v0.6.7", "v0.6.8-alpha.1", "v0.6.10", "pr-2114"


def through(version: str, model: str, behind: str = "faulty", **more: Any) -> Wire:
    body = chat(model, "Why is the sea salty?", **more)
    return play("oneapi", Scenario("free", "", "", body, options={"version": version}, behind=(behind, {})))


@pytest.mark.parametrize(
    ("version", "behind", "model", "dones"),
    [
        (_OLD, "openai", "gpt-4.1", 1),
        (_ALPHA, "openai", "gpt-4.1", 2),
        (_NEW, "openai", "gpt-4.1", 1),
        (_PR, "openai", "gpt-4.1", 1),
        (_OLD, "faulty", "no-done", 0),
        (_ALPHA, "faulty", "no-done", 1),
        (_NEW, "faulty", "no-done", 1),
        (_OLD, "faulty", "cut-between-chunks", 0),
        (_NEW, "faulty", "cut-between-chunks", 1),
        (_NEW, "faulty", "reset-mid-stream", 1),
        (_OLD, "faulty", "empty-200", 0),
        (_NEW, "faulty", "empty-200", 1),
    ],
)
def test_oneapi_ends_properly_whatever_the_upstream_did(version: str, behind: str, model: str, dones: int) -> None:
    wire = through(version, model, behind)
    assert (wire.status, wire.ended) == (200, True)
    assert wire.payloads.count("[DONE]") == dones


@pytest.mark.parametrize(("version", "body"), [(_OLD, b""), (_ALPHA, b"data: [DONE]\n\n"), (_NEW, b"data: [DONE]\n\n")])
def test_oneapi_throws_lines_without_a_space_away(version: str, body: bytes) -> None:
    assert through(version, "tgi", "tgi").body == body


def test_oneapi_with_the_unmerged_patch_relays_lines_without_a_space() -> None:
    wire = through(_PR, "tgi", "tgi")
    assert wire.content.startswith("Rivers carry")
    assert wire.payloads[-1] == "[DONE]"


def test_oneapi_tears_a_multi_line_event_into_single_lines() -> None:
    wire = play("oneapi", named("oneapi", "glm4-newline"))
    assert b"data: \n\ndata: Good sleep starts in the evening.\n\ndata: \n\n" in wire.body
    assert b"\r" not in wire.body
    assert wire.header("x-oneapi-request-id")
    assert wire.header("content-type") == "text/event-stream"


def test_oneapi_relays_a_good_stream_byte_for_byte() -> None:
    scenario = named("openai", "plain")
    straight = play("openai", scenario)
    relayed = through(_NEW, "gpt-4.1-mini", "openai")
    assert relayed.content == straight.content
    assert [sorted(chunk) for chunk in relayed.objects] == [sorted(chunk) for chunk in straight.objects]
    assert relayed.chunks[0].endswith(b"}\n\n")
    assert len(relayed.chunks) == len(straight.chunks)


@pytest.mark.parametrize(("version", "kept"), [(_OLD, False), ("v0.6.8", False), (_NEW, True)])
def test_oneapi_swallows_the_usage_chunk_until_v0_6_9(version: str, kept: bool) -> None:
    wire = through(version, "gpt-4.1", "openai", stream_options={"include_usage": True})
    assert any(chunk.get("usage") for chunk in wire.objects) is kept


@pytest.mark.parametrize("version", [_OLD, _NEW])
def test_oneapi_swallows_error_events_and_comments(version: str) -> None:
    wire = through(version, "error-midstream")
    assert b"error" not in wire.body.replace(b"error-midstream", b"")
    assert wire.payloads[-1] == "[DONE]"
    assert b": hello" not in through(version, "crlf-comments").body


def test_oneapi_loses_what_follows_a_long_line() -> None:
    old, new = through(_OLD, "huge-line"), through(_NEW, "huge-line")
    assert len(old.choices) == len(new.choices) == 3
    assert b"[DONE]" not in old.body
    assert new.payloads[-1] == "[DONE]"


def test_oneapi_forwards_half_a_line_as_an_event() -> None:
    wire = through(_NEW, "cut-mid-chunk")
    assert wire.payloads[-1] == "[DONE]"
    with pytest.raises(json.JSONDecodeError):
        json.loads(wire.payloads[-2])


def test_oneapi_passes_a_json_error_on_with_status_200() -> None:
    wire = play("oneapi", named("oneapi", "error-200"))
    assert wire.status == 200
    error = json.loads(wire.body)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert re.search(r" \(request id: \d+\)$", error["message"])


def test_oneapi_says_what_is_wrong_with_its_upstream() -> None:
    assert json.loads(post("oneapi", chat("gpt-4.1", "Hello")).body)["error"]["type"] == "one_api_error"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    refused = post("oneapi", chat("gpt-4.1", "Hello"), upstream=f"http://127.0.0.1:{port}/v1")
    assert refused.status == 500
    assert json.loads(refused.body)["error"]["code"] == "do_request_failed"
    scenario = Scenario("free", "", "", named("glm4", "follow-up-500").body, behind=("glm4", {"version": "ef015f8"}))
    error = json.loads(play("oneapi", scenario).body)["error"]
    assert error["code"] == "bad_response_status_code"
    assert error["param"] == "500"


def test_oneapi_relays_answers_that_are_not_streamed() -> None:
    wire = through(_NEW, "gpt-4.1", "openai", stream=False)
    assert json.loads(wire.body)["object"] == "chat.completion"


# --- Gemini and its gateways ----------------------------------------------------------------------------------------


def test_gemini_native_is_crlf_without_done() -> None:
    wire = play("gemini", named("gemini", "native"))
    assert b"\n" not in wire.body.replace(b"\r\n", b"")
    assert b"[DONE]" not in wire.body
    finishes = [event["candidates"][0].get("finishReason") for event in wire.objects]
    assert finishes == [*[None] * (len(finishes) - 1), "STOP"]


def test_gemini_without_sse_is_one_array() -> None:
    asked = named("gemini", "native")
    wire = play("gemini", Scenario("free", "", "", asked.body, path=asked.path.removesuffix("?alt=sse")))
    assert isinstance(json.loads(wire.body), list)


@pytest.mark.parametrize("behind", [None, ("gemini", {})])
def test_oneapi_gemini_stops_everywhere_or_never(behind: tuple[str, dict[str, Any]] | None) -> None:
    body = chat("gemini-pro", "Why is the sea salty?")
    old = play("oneapi-gemini", Scenario("free", "", "", body, options={"version": "v0.6.6"}, behind=behind))
    assert [choice["finish_reason"] for choice in old.choices] == ["stop"] * len(old.choices)
    assert len(old.choices) > 1
    assert {(chunk["id"], chunk["created"], chunk["model"]) for chunk in old.objects} == {("", 0, "gemini")}
    new = play("oneapi-gemini", Scenario("free", "", "", body, options={"version": "v0.6.7"}, behind=behind))
    assert all("finish_reason" not in choice for choice in new.choices)
    assert all("role" not in choice["delta"] for choice in new.choices)
    assert len({chunk["id"] for chunk in new.objects}) == len(new.objects) > 1
    assert old.content == new.content
    assert old.payloads[-1] == new.payloads[-1] == "[DONE]"


def test_oneapi_gemini_loses_tool_calls_and_cuts() -> None:
    assert play("oneapi-gemini", named("oneapi-gemini", "tool-lost")).choices == [
        {"index": 0, "delta": {"content": ""}}
    ]
    cut = play("oneapi-gemini", named("oneapi-gemini", "cut-masked"))
    assert (cut.ended, cut.payloads[-1]) == (True, "[DONE]")


def test_go_escapes_what_html_would_mind() -> None:
    wire = post("oneapi-gemini", chat("gemini-pro", "Repeat exactly: <b>a & b</b>\u2028end"))
    assert rb"\u003cb\u003e" in wire.body
    assert rb"\u0026" in wire.body
    assert rb"\u2028" in wire.body
    assert wire.content == "<b>a & b</b>\u2028end"


def test_onehub_finishes_a_tool_call_twice() -> None:
    wire = play("onehub", named("onehub", "double-finish"))
    assert [choice["finish_reason"] for choice in wire.choices] == [None, None, "tool_calls", "stop"]
    calls = [choice["delta"]["tool_calls"][0] for choice in wire.choices[:2]]
    assert calls[0]["id"].startswith("call_")
    assert (calls[1]["id"], "name" in calls[1]["function"]) == ("", False)


def test_onehub_stops_on_the_last_content_chunk() -> None:
    wire = play("onehub", named("onehub", "stop-on-content"))
    assert wire.choices[-1]["finish_reason"] == "stop"
    assert wire.choices[-1]["delta"]["content"]
    assert len({chunk["id"] for chunk in wire.objects}) == len(wire.objects)


def test_onehub_takes_turns_and_panics() -> None:
    every = play("onehub", named("onehub", "stop-every"))
    assert [choice["finish_reason"] for choice in every.choices] == [None, "stop"] * 3
    panic = play("onehub", named("onehub", "safety-panic"))
    assert panic.choices[-1] == {"index": 0, "delta": {"role": "assistant"}, "finish_reason": "content_filter"}
    assert panic.objects[-1]["error"]["message"] == "stream processing panic"
    assert play("onehub", named("onehub", "upstream-cut")).payloads[-2:] == ["unexpected EOF", "[DONE]"]


@pytest.mark.parametrize("name", ["oneapi-gemini", "onehub"])
def test_gemini_gateways_answer_when_not_streaming(name: str) -> None:
    asked = chat("gemini-pro", "What is the weather in Lima?", tools=[WEATHER_TOOL], stream=False)
    scenario = Scenario("free", "", "", asked, behind=("gemini", {}))
    choice = json.loads(play(name, scenario).body)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])["place"] == "Lima"


# --- TGI ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "prefix", "kind", "finish", "done"),
    [
        ("2.0.4", b'data:{"id"', "text_completion", "eos_token", False),
        ("2.1.0", b'data: {"id"', "chat.completion.chunk", "eos_token", False),
        ("2.2.0", b'data: {"object"', "chat.completion.chunk", "eos_token", True),
        ("2.3.0", b'data: {"object"', "chat.completion.chunk", "stop", True),
    ],
)
def test_tgi_by_release(version: str, prefix: bytes, kind: str, finish: str, done: bool) -> None:
    wire = post("tgi", chat("tgi", "Why is the sea salty?"), version=version)
    assert wire.body.startswith(prefix)
    assert {(chunk["id"], chunk["object"]) for chunk in wire.objects} == {("", kind)}
    assert wire.choices[-1]["finish_reason"] == finish
    assert (wire.payloads[-1] == "[DONE]") is done
    assert all(choice["delta"]["role"] == "assistant" for choice in wire.choices)


def test_tgi_tool_call_is_an_object_until_3_2() -> None:
    old = play("tgi", named("tgi", "object-tool-call"))
    calls = [choice["delta"]["tool_calls"] for choice in old.choices]
    assert all(call["id"] == "" and call["function"]["name"] is None for call in calls)
    *arguments, last = [call["function"]["arguments"] for call in calls]
    assert last == "</s>"
    assert json.loads("".join(arguments))["function"]["_name"] == "look_up_weather"
    new = play("tgi", named("tgi", "tools-without-finish"))
    assert all(isinstance(choice["delta"]["tool_calls"], list) for choice in new.choices)
    assert {choice["finish_reason"] for choice in new.choices} == {None}
    assert new.payloads[-1] == "[DONE]"


def test_tgi_reports_errors_inside_a_200() -> None:
    wire = play("tgi", named("tgi", "error-200"))
    assert wire.status == 200
    assert list(json.loads(wire.payloads[0])) == ["error", "error_type"]
    assert post("tgi", chat("tgi", "Hello", top_p=2, stream=False)).status == 422


# --- OpenAI ---------------------------------------------------------------------------------------------------------

OPENAI = [scenario for scenario in scenarios("openai") if scenario.name != "model-not-found"]


@pytest.mark.parametrize("scenario", OPENAI, ids=lambda scenario: scenario.name)
def test_openai_streams_what_it_promises(scenario: Scenario) -> None:
    wire = play("openai", scenario)
    assert wire.payloads[-1] == "[DONE]"
    assert wire.ended
    assert wire.header("content-type") == "text/event-stream; charset=utf-8"
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in wire.objects}) == 1
    assert all(len(chunk["choices"]) == 1 or chunk["usage"] for chunk in wire.objects)
    for index in {choice["index"] for choice in wire.choices}:
        mine = [choice for choice in wire.choices if choice["index"] == index]
        assert [choice["delta"].get("role") for choice in mine] == ["assistant", *[None] * (len(mine) - 1)]
        assert mine[-1]["delta"] == {}
        assert [choice["finish_reason"] is None for choice in mine] == [True] * (len(mine) - 1) + [False]
        assert not mine[0]["delta"].get("content")


@pytest.mark.parametrize("scenario", OPENAI, ids=lambda scenario: scenario.name)
def test_openai_gives_the_same_answer_streamed_or_not(scenario: Scenario) -> None:
    """Ids are a request's own, so only the answers are compared."""
    whole = dict(scenario.body) | {"stream": False}
    asked_usage = whole.pop("stream_options", None)
    completion = json.loads(post("openai", whole).body)
    wire = play("openai", scenario)
    for choice in completion["choices"]:
        mine = [one for one in wire.choices if one["index"] == choice["index"]]
        assert "".join(one["delta"].get("content") or "" for one in mine) == (choice["message"]["content"] or "")
        assert mine[-1]["finish_reason"] == choice["finish_reason"]
        calls: dict[int, list[Any]] = {}
        for call in (call for one in mine for call in one["delta"].get("tool_calls", ())):
            calls.setdefault(call["index"], []).append(call)
        joined = [
            (parts[0]["function"]["name"], "".join(part["function"]["arguments"] for part in parts))
            for parts in calls.values()
        ]
        whole_calls = choice["message"].get("tool_calls", ())
        assert joined == [(call["function"]["name"], call["function"]["arguments"]) for call in whole_calls]
        logprobs = [entry for one in mine for entry in (one["logprobs"] or {"content": []})["content"]]
        assert logprobs == (choice["logprobs"] or {"content": []})["content"]
    if asked_usage:
        assert wire.objects[-1]["usage"] == completion["usage"]


def test_openai_usage_is_null_but_in_the_last_chunk_and_absent_when_not_asked() -> None:
    asked = play("openai", named("openai", "usage")).objects
    assert [chunk["usage"] is None for chunk in asked] == [True] * (len(asked) - 1) + [False]
    assert asked[-1]["choices"] == []
    assert all("usage" not in chunk for chunk in play("openai", named("openai", "plain")).objects)


def test_openai_tool_calls_open_once() -> None:
    single = play("openai", named("openai", "tool")).choices
    assert list(single[0]["delta"]) == ["role", "content", "tool_calls", "refusal"]
    parallel = play("openai", named("openai", "parallel-tools")).choices
    assert parallel[0]["delta"] == {"role": "assistant", "content": None}
    calls = [call for choice in parallel for call in choice["delta"].get("tool_calls", ())]
    assert [call["index"] for call in calls if "id" in call] == [0, 1]
    assert all(list(call) == ["index", "function"] for call in calls if "id" not in call)
    only_one = post("openai", named("openai", "parallel-tools").body | {"parallel_tool_calls": False}).choices
    assert {call["index"] for choice in only_one for call in choice["delta"].get("tool_calls", ())} == {0}


def test_openai_named_tool_choice_finishes_with_stop() -> None:
    named_tool = {"type": "function", "function": {"name": "look_up_weather"}}
    body = chat("gpt-4.1", "Hello", tools=[WEATHER_TOOL], tool_choice=named_tool)
    assert post("openai", body).choices[-1]["finish_reason"] == "stop"
    refused = post("openai", body | {"tool_choice": "none"})
    assert refused.choices[-1]["finish_reason"] == "stop"
    assert refused.content


def test_openai_limits_and_stops() -> None:
    cut = play("openai", named("openai", "length"))
    assert cut.choices[-1]["finish_reason"] == "length"
    assert cut.content == "".join(tokens("Rivers carry dissolved minerals to the sea")[:5])
    stopped = post("openai", chat("gpt-4.1", "Count to six.", stop=["four", "zzz"]))
    assert stopped.content == "One, two, three, "
    assert stopped.choices[-1]["finish_reason"] == "stop"


def test_openai_reasoning_models_have_no_logprobs_key_and_no_fingerprint() -> None:
    wire = post("openai", chat("gpt-5-mini", "Count to six."))
    assert all("logprobs" not in choice for choice in wire.choices)
    assert {chunk["system_fingerprint"] for chunk in wire.objects} == {None}
    assert {chunk["model"] for chunk in wire.objects} == {MODELS["gpt-5-mini"]}


def test_openai_structured_output_obeys_the_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "tags": {"type": "array"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "thing", "schema": schema}}
    assert json.loads(post("openai", chat("gpt-4.1", "Hello", response_format=wanted)).content) == {"n": 1}
    assert json.loads(post("openai", chat("gpt-4.1", "Hello", response_format={"type": "json_object"})).content)


def test_openai_obfuscation_can_be_declined() -> None:
    padded = play("openai", named("openai", "plain")).objects
    assert all(chunk["obfuscation"] for chunk in padded)
    bare = post("openai", chat("gpt-4.1", "Hello", stream_options={"include_obfuscation": False})).objects
    assert all("obfuscation" not in chunk for chunk in bare)


_ASSISTANT = {"role": "assistant", "content": None, "tool_calls": [{"id": "call_a", "type": "function"}]}


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        ({}, 400, None, None),
        ({"model": "nope", "messages": [{"role": "user"}]}, 404, None, "model_not_found"),
        ({"model": "gpt-4.1"}, 400, "messages", "missing_required_parameter"),
        ({"model": "gpt-4.1", "messages": []}, 400, "messages", "empty_array"),
        ({"model": "gpt-4.1", "messages": "hi"}, 400, "messages", "invalid_type"),
        ({"model": "gpt-4.1", "messages": [{"role": "robot"}]}, 400, "messages[0].role", "invalid_value"),
        (chat("gpt-4.1", "hi", temperature=2.5), 400, "temperature", "decimal_above_max_value"),
        (chat("gpt-4.1", "hi", n=0), 400, "n", "integer_below_min_value"),
        (chat("gpt-4.1", "hi", n="two"), 400, "n", "invalid_type"),
        (chat("gpt-4.1", "hi", stream=False, stream_options={}), 400, "stream_options", None),
        (
            {"model": "gpt-4.1", "messages": [_ASSISTANT, {"role": "tool", "tool_call_id": "call_b"}]},
            400,
            "messages.[1].role",
            None,
        ),
        ({"model": "gpt-4.1", "messages": [_ASSISTANT]}, 400, "messages.[1].role", None),
    ],
)
def test_openai_errors(body: dict[str, Any], status: int, param: str | None, code: str | None) -> None:
    wire = post("openai", body)
    error = json.loads(wire.body)["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert (wire.status, error["param"], error["code"]) == (status, param, code)
    assert error["type"] == "invalid_request_error"


def test_openai_refuses_other_paths_methods_and_bodies() -> None:
    async def run() -> list[Wire]:
        async with serve_standin("openai", gap_ms=0) as standin:
            return [
                await ask(standin.origin, "/v1/nothing", b"{}"),
                await ask(standin.origin, "/v1/chat/completions", b"", "GET"),
                await ask(standin.origin, "/v1/chat/completions", b"[1"),
                await ask(standin.origin, "/v1/models", b"", "GET"),
            ]

    answers = asyncio.run(run())
    assert [wire.status for wire in answers] == [404, 405, 400, 200]
    assert {model["id"] for model in json.loads(answers[-1].body)["data"]} == set(MODELS)


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "status", "ended"),
    [
        ("cut-mid-chunk", 200, False),
        ("cut-between-chunks", 200, False),
        ("reset-mid-stream", 200, False),
        ("close-after-head", 200, False),
        ("content-length-short", 200, False),
        ("bad-chunk-size", 200, False),
        ("reset-before-head", 0, False),
        ("close-before-head", 0, False),
        ("rate-limit-429", 429, True),
        ("error-500", 500, True),
        ("bad-gateway-502", 502, True),
        ("close-delimited", 200, True),
        ("content-length", 200, True),
        ("empty-200", 200, True),
    ],
)
def test_faults_end_as_they_say(model: str, status: int, ended: bool) -> None:
    wire = post("faulty", chat(model, "Why is the sea salty?"))
    assert (wire.status, wire.ended) == (status, ended)


def test_a_reset_is_a_reset_and_a_cut_is_not() -> None:
    async def ending(model: str) -> str:
        async with serve_standin("faulty", gap_ms=0) as standin:
            reader, writer = await asyncio.open_connection(standin.host, standin.port)
            body = json.dumps(chat(model, "Count to six.")).encode()
            writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            try:
                await reader.read(-1)
                return "FIN"
            except ConnectionResetError:
                return "RST"
            finally:
                writer.close()

    assert asyncio.run(ending("cut-mid-chunk")) == "FIN"
    assert asyncio.run(ending("reset-mid-stream")) == "RST"
    assert asyncio.run(ending("reset-before-head")) == "RST"


def test_faults_keep_to_the_letter() -> None:
    gzipped = post("faulty", chat("gzip-stream", "Count to six."))
    assert gzipped.header("content-encoding") == "gzip"
    assert gzip.decompress(gzipped.body).endswith(b"data: [DONE]\n\n")
    assert post("faulty", chat("rate-limit-429", "Hello")).header("retry-after") == "2"
    split = post("faulty", chat("split-utf8", "数到六。"))
    assert all(len(chunk) <= 7 for chunk in split.chunks)
    assert split.content == "一、二、三、四、五、六。"
    assert len(post("faulty", chat("burst", "Hello")).chunks) == 2003
    assert max(map(len, post("faulty", chat("huge-line", "Hello")).payloads)) > 65536
    mixed = post("faulty", chat("ping-event", "Hello")).body
    assert mixed.count(b"event: ping\r\n") == 1


def test_every_fault_is_described() -> None:
    assert all((fault.__doc__ or "").endswith(".") for fault in FAULTS.values())
    wire = post("faulty", chat("anything-else", "Count to six."))
    assert wire.payloads[-1] == "[DONE]"


# --- what is said about them ----------------------------------------------------------------------------------------


def judged(name: str, scenario: Scenario) -> dict[str, Severity]:
    """rule -> severity of what is found in the answer to a scenario."""
    wire = play(name, scenario)
    request = Request("POST", scenario.path, (), json.dumps(scenario.body).encode())
    head = ResponseHead(wire.status, tuple(wire.headers))
    pieces = wire.chunks or ([wire.body] if wire.body else [])
    segments = tuple(Segment(None, piece) for piece in pieces)
    ending = Ending.COMPLETE if wire.ended else Ending.UPSTREAM_CUT
    chunks = tuple(map(len, pieces)) if wire.chunks else None
    report = analyze(Exchange(request=request, head=head, segments=segments, http_chunks=chunks, ending=ending))
    return {finding.rule: finding.severity for finding in report.findings}


@pytest.mark.parametrize(("name", "scenario"), ALL, ids=[f"{name}-{scenario.name}" for name, scenario in ALL])
def test_every_scenario_shows_the_rules_it_names(name: str, scenario: Scenario) -> None:
    if play(name, scenario).status:
        assert set(scenario.rules) <= set(judged(name, scenario))


@pytest.mark.parametrize("scenario", scenarios("openai"), ids=lambda scenario: scenario.name)
def test_nothing_is_held_against_the_conforming_server(scenario: Scenario) -> None:
    worse = {rule for rule, severity in judged("openai", scenario).items() if severity is not Severity.INFO}
    assert worse == set()


# --- beside the recordings ------------------------------------------------------------------------------------------

#: recording of the real system -> the stand-in and the scenario, or request, that has the same structure.
RECORDINGS: dict[str, tuple[str, Scenario | str]] = {
    "glm4-abe93e0-newline-notools": ("glm4", "newline"),
    "glm4-abe93e0-newline-early-notools": ("glm4", "newline-early"),
    "glm4-abe93e0-short": ("glm4", "short-empty"),
    "glm4-ef015f8-tool": ("glm4", "tool-ids"),
    "glm4-ef015f8-plain-notools": ("glm4", "follow-up-500"),
    "glm4-ef015f8-plain-tools": ("glm4", "tools-text-empty"),
    "glm4-1de40b0-newline-notools": ("glm4", "mended"),
    "glm4-1de40b0-boom": ("glm4", "mid-stream-cut"),
    "glm4-1de40b0-tool": (
        "glm4",
        Scenario("tool", "", "", named("glm4", "tool-ids").body, options={"version": "1de40b0"}),
    ),
    "glm4-abe93e0-tool": (
        "glm4",
        Scenario("tool", "", "", named("glm4", "tool-ids").body, options={"version": "abe93e0"}),
    ),
    "chain-glm4_abe93e0-oneapi_v0.6.6-newline": ("oneapi", "glm4-newline"),
    "chatglm3-c6fe1af-short-empty": ("chatglm3", "short-empty"),
    "chatglm3-c6fe1af-exact7-empty": ("chatglm3", "exactly-7-empty"),
    "chatglm3-c6fe1af-sum-8chars": ("chatglm3", "eight-characters"),
    "chatglm3-c6fe1af-plain": ("chatglm3", "plain"),
    "chatglm3-c6fe1af-get-in-text-notools": ("chatglm3", "get-in-text"),
    "chatglm3-c6fe1af-tool": ("chatglm3", "tool-never-shown"),
    "chatglm3-c6fe1af-get-early-notools": (
        "chatglm3",
        Scenario("early", "", "", chat("chatglm3-6b", "Repeat exactly: get_user() says who.")),
    ),
    "oneapi-v0.6.7-tgi-2.0.4": ("oneapi", "tgi-no-space"),
    "oneapi-v0.6.7-error-200-json": ("oneapi", "error-200"),
    "oneapi-v0.6.7-gemini-stop-last": ("oneapi-gemini", "no-finish"),
    "oneapi-v0.6.7-gemini-tool": ("oneapi-gemini", "tool-lost"),
    "oneapi-v0.6.7-gemini-abort": ("oneapi-gemini", "cut-masked"),
    "oneapi-8df4a26-tgi-2.2.0": (
        "oneapi",
        Scenario(
            "tgi",
            "",
            "",
            chat("tgi", "Why is the sea salty?"),
            options={"version": "v0.6.10"},
            behind=("tgi", {"version": "2.2.0"}),
        ),
    ),
    "oneapi-v0.6.7-tgi-2.1.0": (
        "oneapi",
        Scenario("tgi", "", "", chat("tgi", "Why is the sea salty?"), behind=("tgi", {"version": "2.1.0"})),
    ),
    "onehub-22ce9b95-gemini-stop-last": ("onehub", "stop-on-content"),
    "onehub-22ce9b95-gemini-safety": ("onehub", "safety-panic"),
    "onehub-22ce9b95-gemini-stop-every": (
        "onehub",
        Scenario("every", "", "", chat("gemini-stop-every", "Why is the sea salty?"), options={"version": "22ce9b95"}),
    ),
    "onehub-22ce9b95-gemini-tool": (
        "onehub",
        Scenario("tool", "", "", named("onehub", "double-finish").body, options={"version": "22ce9b95"}),
    ),
    "onehub-22ce9b95-gemini-max-tokens": (
        "onehub",
        Scenario("max", "", "", chat("gemini-max-tokens", "Why is the sea salty?"), options={"version": "22ce9b95"}),
    ),
    "tgi-2.0.4-plain": ("tgi", "no-space"),
    "tgi-2.0.4-tool": ("tgi", "object-tool-call"),
    "tgi-2.0.4-error": ("tgi", "error-200"),
}
_LITERAL = ("object", "finish_reason", "role", "type", "index")


def shape(value: Any, key: str = "") -> Any:
    """A JSON value without its texts: keys in order, types, and the few strings that carry meaning."""
    if isinstance(value, dict):
        return {name: shape(inner, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if key in _LITERAL or value is None or value == "":
        return value
    return "number" if isinstance(value, (int, float)) else "text"


def told(data: str) -> str:
    """What the data of one line is."""
    if data in ("", "[DONE]"):
        return data
    try:
        value = json.loads(data)
    except ValueError:
        return "raw"
    return json.dumps(shape(value)) if "object" in value or "error" in value else "raw"


def skeleton(body: bytes) -> list[str]:
    """What each line of a body is, line ends and spaces included; equal events after each other are told once."""
    events = [""]
    for line in body.decode().splitlines(keepends=True):
        text = line.rstrip("\r\n")
        end = line[len(text) :].encode()
        if not text:
            events[-1] += f"{end!r}"
            events.append("")
            continue
        field, colon, rest = text.partition(":")
        space = " " if rest.startswith(" ") else ""
        events[-1] += f"{field}{colon}{space}{told(rest.removeprefix(' '))}{end!r}"
    return [event for event, _ in itertools.groupby(events)]


@pytest.mark.parametrize("recording", RECORDINGS)
def test_the_structure_is_the_recordings_own(recording: str) -> None:
    name, scenario = RECORDINGS[recording]
    wire = play(name, named(name, scenario) if isinstance(scenario, str) else scenario)
    directory = CORPUS / "seed-systems" / recording
    real = json.loads((directory / "exchange.json").read_text(encoding="utf-8"))
    assert wire.status == real["response"]["status"]
    if name != "tgi":  # TGI's recordings were derived by reading; their headers are incomplete
        assert [key for key, _ in wire.headers] == [key for key, _ in real["response"]["headers"]]
        assert wire.header("content-type") == dict(map(tuple, real["response"]["headers"])).get(
            "Content-Type", wire.header("content-type")
        )
    assert wire.ended == (real["ending"] == "complete")
    assert skeleton(wire.body) == skeleton((directory / "body.sse").read_bytes())
