"""``streamlab probe`` as a user runs it, against stand-ins: a conforming one, faulty ones, and ones that give up."""

from __future__ import annotations

import contextlib
import json
import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from rich.cells import cell_len

from streamlab.apis.anthropic.questions import QUESTIONS as MESSAGES
from streamlab.apis.chat.questions import QUESTIONS
from streamlab.apis.responses.questions import QUESTIONS as RESPONSES
from streamlab.standins import in_thread, serve_standin, standin_in_thread
from streamlab.storage.capture_db import CaptureDB
from tests import commands, streams


class Ran(NamedTuple):
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    def feature(self, name: str) -> dict[str, Any]:
        return next(one for one in self.json["features"] if one["name"] == name)

    def rules(self, name: str) -> set[str]:
        one = self.feature(name)
        found = [
            *one["streamed"]["findings"],
            *one["whole"]["findings"],
            *(one["parity"] or {"findings": []})["findings"],
        ]
        return {finding["rule"] for finding in found}


@pytest.fixture
def probe(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    def run(*words: str, key: str | None = None) -> Ran:
        if key:
            monkeypatch.setenv("OPENAI_API_KEY", key)
        return Ran(*commands.run(capsys, "probe", *words, "--db", str(tmp_path / "probe.db")))

    return run


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    with standin_in_thread("faulty", gap_ms=0.5) as server:
        yield server.base_url


def test_a_conforming_server_passes_everything_in_both_modes(probe, tmp_path):
    with standin_in_thread("openai", gap_ms=0.2) as server:
        ran = probe(server.base_url, "--json", "--junit", "probe.xml", key="sk-not-to-be-found-0123456789")
    assert ran.code == 0, ran.out
    assert [one["name"] for one in ran.json["features"]] == [one.name for one in QUESTIONS]
    assert {one["state"] for one in ran.json["features"]} == {"pass"}
    assert ran.json["summary"] == {"pass": len(QUESTIONS), "deviates": 0, "unsupported": 0, "not tested": 0}
    assert ran.json["model"] == "gpt-4.1"  # the first that the server lists
    suite = ElementTree.fromstring((tmp_path / "probe.xml").read_text())[0]
    assert (suite.get("tests"), suite.get("failures")) == (str(len(QUESTIONS)), "0")
    assert b"not-to-be-found" not in (tmp_path / "probe.db").read_bytes()
    with CaptureDB(tmp_path / "probe.db") as database:
        assert {row.label for row in database.overview()} == {"probe"}


@pytest.mark.parametrize(
    ("standin", "options", "model", "question", "rules"),
    [
        ("glm4", {"version": "abe93e0"}, "glm-4", "newlines", {"plain-text-in-data", "done-missing"}),
        ("glm4", {"version": "abe93e0"}, "glm-4", "short", {"empty-200"}),
        ("glm4", {"version": "ef015f8"}, "glm-4", "tool-call", {"tool-call-id-unstable"}),
        ("glm4", {"version": "ef015f8"}, "glm-4", "tools-unused", {"empty-200"}),
        ("glm4", {"version": "b475ebe"}, "glm-4", "newlines", {"truncated-chunked-body"}),
        ("chatglm3", {}, "chatglm3-6b", "short", {"empty-200"}),
        ("tgi", {"version": "2.0.4"}, "tgi", "plain", {"object-wrong", "finish-reason-unknown-value", "done-missing"}),
    ],
)
def test_the_fault_of_a_system_is_found(probe, standin, options, model, question, rules):
    with standin_in_thread(standin, gap_ms=0.2, **options) as server:
        ran = probe(server.base_url, "--model", model, "--json")
    assert ran.code == 1
    assert ran.feature(question)["state"] == "deviates"
    assert rules <= ran.rules(question), ran.rules(question)


def test_a_follow_up_that_fails_deviates(probe):
    with standin_in_thread("glm4", gap_ms=0.2, version="ef015f8") as server:
        ran = probe(server.base_url, "--model", "glm-4", "--json")
    assert "HTTP 500" in ran.feature("follow-up")["streamed"]["reason"] or ran.rules("follow-up")
    assert ran.feature("follow-up")["state"] in ("deviates", "unsupported")


def test_answers_of_both_modes_are_compared(probe):
    with standin_in_thread("glm4", gap_ms=0.2, version="abe93e0") as server:
        ran = probe(server.base_url, "--model", "glm-4", "--json")
    assert {"parity-tool-calls", "parity-finish-reason"} <= ran.rules("tool-call")
    assert "parity-content" in ran.rules("newlines")
    plain = ran.feature("plain")["parity"]
    # Only the white space that begins the streamed answer differs: that is information, and no deviation.
    assert [(one["rule"], one["severity"]) for one in plain["findings"]] == [("parity-content", "info")]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("html-200", "html-body-200"),
        ("error-500", "HTTP 500"),
        ("reset-mid-stream", "truncated-chunked-body"),
        ("json-instead", "nonstream-json-for-stream"),
        ("only-done", "only-done"),
    ],
)
def test_a_broken_server_gives_a_table_and_no_traceback(probe, faulty, model, words):
    ran = probe(faulty, "--model", model, "--timeout", "60")
    assert ran.code == 1
    assert "a plain answer" in ran.out
    assert words in ran.out
    assert "30" in ran.err.splitlines()[-1]  # progress was told to the end
    assert max(map(cell_len, ran.out.splitlines()[:-1])) <= 100


def test_what_nearly_every_answer_has_stands_once_and_the_rest_with_its_feature(probe):
    with standin_in_thread("glm4", gap_ms=0.2, version="abe93e0") as server:
        ran = probe(server.base_url, "--model", "glm-4")
    table = ran.out.partition("\n0 pass")[0]
    assert "  nearly every (13 of 15) streamed answer: chunk-id-missing-or-empty\n" in table
    assert table.count("chunk-id-missing-or-empty") == 1
    assert "\na short answer           ✗ deviates     ✓ pass         –\n    streamed: empty-200\n" in table
    assert max(map(cell_len, ran.out.splitlines()[:-1])) <= 100


def test_what_a_gateway_says_to_nearly_every_question_stands_once(probe):
    with (
        standin_in_thread("tgi", gap_ms=0.2) as server,
        standin_in_thread("oneapi", upstream=server.base_url) as gateway,
    ):
        ran = probe(gateway.base_url, "--model", "tgi")
    (line,) = (one for one in ran.out.splitlines() if "bad response status code 422" in one)
    assert line.startswith("  nearly every feature (13 of 15), whole: HTTP 422: bad response")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("never-answers", "no answer within 0.5 s"),
        ("stall", "no end within 0.5 s"),
        ("close-before-head", "no answer: upstream-cut"),
        ("reset-before-head", "no answer: upstream-cut"),
    ],
)
def test_a_server_that_hangs_or_crashes_is_given_up_on(probe, faulty, model, words):
    # Only what hangs is waited for; whoever closes the connection has all the time that a busy machine takes.
    ran = probe(faulty, "--model", model, "--timeout", "0.5" if "within" in words else "60")
    assert ran.code == 1
    assert words in ran.out
    assert "stopped: none of 3 answers in a row" in ran.out
    assert "not tested" in ran.out


def test_nobody_listening_is_exit_code_3(probe):
    ran = probe("http://127.0.0.1:9/v1", "--model", "x")
    assert (ran.code, ran.out) == (3, "")
    assert "cannot be reached: connection refused" in ran.err


def test_wrong_usage_is_exit_code_2(probe, faulty):
    assert probe("nonsense").code == 2
    ran = probe(faulty)
    assert ran.code == 2
    assert "--model" in ran.err


class Picky(BaseHTTPRequestHandler):
    """Answers like a reasoning model: no temperature, and another name for the limit."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for name, hint in (("temperature", "Only the default is supported."), ("max_tokens", "")):
            if name in body:
                hint = hint or "Use 'max_completion_tokens' instead."
                self._answer(400, _error(f"Unsupported parameter: '{name}'. {hint}"), "application/json")
                return
        if not isinstance(body["messages"], list) or body["model"] != "o9":
            self._answer(400, _error("no"), "application/json")
        elif body.get("stream"):
            self._answer(200, streams.sse(streams.chat_text("Yes", "\n", "No")), "text/event-stream")
        else:
            message = {"role": "assistant", "content": "Yes\nNo", "refusal": None}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            whole = streams.chunk(object="chat.completion", choices=[choice], usage=streams.USAGE)
            self._answer(200, streams.dump(whole), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def _error(message: str) -> bytes:
    return streams.dump({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}})


class Plain(BaseHTTPRequestHandler):
    """Answers everything with the same text, conformingly; refuses what is no list of messages."""

    text = "Yes\nNo"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if not isinstance(body["messages"], list) or body["model"] != "o9":
            self._answer(400, _error("no"), "application/json")
        elif body.get("stream"):
            payloads = streams.chat_text(*self.text.partition("\n"))
            self._answer(200, streams.sse(payloads), "text/event-stream")
        else:
            message = {"role": "assistant", "content": self.text, "refusal": None}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            whole = streams.chunk(object="chat.completion", choices=[choice], usage=streams.USAGE)
            self._answer(200, streams.dump(whole), "application/json")

    _answer = Picky._answer
    log_message = Picky.log_message


class Censoring(Plain):
    """The same behind a gateway that replaces words."""

    text = "Yes\nMaybe"


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def test_a_gateway_that_changes_the_text_is_named(probe):
    with serving(Plain) as model, serving(Censoring) as gateway:
        same = probe(model, "--model", "o9", "--direct", model, "--json")
        ran = probe(gateway, "--model", "o9", "--direct", model, "--json")
    assert ran.code == 1
    assert ran.feature("plain")["state"] == "deviates"
    assert ran.feature("plain")["blame"] == "the gateway changes the answer (streamed): “Yes␊No” becomes “Yes␊Maybe”"
    assert same.feature("plain")["blame"] is None
    assert same.feature("plain")["state"] == "pass"


def test_what_a_server_refuses_of_the_questions_is_left_out_and_said(probe):
    with serving(Picky) as server:
        ran = probe(server, "--model", "o9", "--json")
    assert [note.split()[0] for note in ran.json["notes"]] == ["temperature", "max_tokens"]
    assert ran.feature("newlines")["state"] == "pass"
    assert ran.feature("newlines")["parity"]["deterministic"]  # there is a seed still
    assert ran.feature("n")["state"] == "unsupported"
    assert ran.feature("unknown-model")["state"] == "pass"


def test_asked_past_a_gateway_the_guilty_hop_is_named(probe):
    chain = _chain()
    with in_thread(chain) as (gateway, model):
        ran = probe(gateway, "--model", "gpt-4.1-mini", "--direct", model, "--json")
    assert ran.code == 1
    assert ran.json["direct"]["base_url"] == model
    assert {one["state"] for one in ran.json["direct"]["features"]} == {"pass"}
    assert ran.feature("plain")["blame"] == "introduced by the gateway: done-duplicate-or-early"
    assert ran.feature("bad-request")["blame"] is None


def _chain():
    import contextlib

    @contextlib.asynccontextmanager
    async def serve():
        async with (
            serve_standin("openai", gap_ms=0.2) as model,
            serve_standin("oneapi", gap_ms=0.2, version="v0.6.8-alpha.1", upstream=model.base_url) as gateway,
        ):
            yield gateway.base_url, model.base_url

    return serve()


def test_questions_have_names_and_bodies_of_their_own():
    bodies = [json.dumps(one.asked("m", stream=stream)) for one in QUESTIONS for stream in (True, False)]
    assert len({one.name for one in QUESTIONS}) == len(QUESTIONS)
    same = len(bodies) - len(set(bodies))
    assert same <= 1  # the whole mode of include_usage is the plain question: it cannot be asked for there


def test_the_documented_questions_are_those_that_are_asked():
    page = (Path(__file__).parents[2] / "docs" / "probe.md").read_text(encoding="utf-8")
    for question in QUESTIONS:
        assert f"| `{question.name}` |" in page


# -- Messages ----------------------------------------------------------------------------------------------------------


def test_a_conforming_server_of_messages_passes_its_own_questions(probe, tmp_path):
    with standin_in_thread("anthropic", gap_ms=0) as server:
        ran = probe(server.base_url, "--api", "anthropic", "--json")
    assert ran.code == 0, ran.out
    assert [one["name"] for one in ran.json["features"]] == [one.name for one in MESSAGES]
    assert {one["state"] for one in ran.json["features"]} == {"pass"}
    assert ran.json["model"] == "claude-sonnet-5"
    with CaptureDB(tmp_path / "probe.db") as database:
        asked = {database.get(row.id).request.url.rpartition("/v1")[2] for row in database.overview()}
    assert asked == {"/models", "/messages"}


def test_what_a_gateway_of_messages_breaks_is_named_by_its_rules(probe):
    with standin_in_thread("messages-gateway", gap_ms=0) as server:
        ran = probe(server.base_url, "--api", "anthropic", "--model", "second-stop", "--json")
    assert ran.code == 1
    assert ran.rules("plain") == {"messages-block-stop-repeated"}
    assert ran.feature("tool-call")["whole"]["state"] == "pass"
    assert ran.feature("unknown-model")["state"] == "unsupported"


def test_an_api_without_questions_is_a_mistake(probe):
    ran = probe("http://127.0.0.1:9/v1", "--api", "gemini")
    assert ran.code == 2
    assert "--api gemini" in ran.err


# -- Responses ---------------------------------------------------------------------------------------------------------


def test_a_conforming_server_of_responses_passes_its_own_questions(probe, tmp_path):
    with standin_in_thread("responses", gap_ms=0) as server:
        ran = probe(server.base_url, "--api", "responses", "--model", "gpt-5", "--json")
    assert ran.code == 0, ran.out
    assert [one["name"] for one in ran.json["features"]] == [one.name for one in RESPONSES]
    assert {one["state"] for one in ran.json["features"]} == {"pass"}
    assert {one["parity"]["deterministic"] for one in ran.json["features"] if one["name"] == "tool-call"} == {True}
    with CaptureDB(tmp_path / "probe.db") as database:
        asked = {database.get(row.id).request.url.rpartition("/v1")[2] for row in database.overview()}
    assert asked == {"/responses"}


def test_what_a_gateway_of_responses_breaks_is_named_and_both_modes_are_compared(probe):
    with standin_in_thread("responses-gateway", gap_ms=0) as server:
        ran = probe(server.base_url, "--api", "responses", "--model", "failure-as-completed", "--json")
    assert ran.code == 1
    assert {"responses-completed-output-empty", "parity-content"} <= ran.rules("long")
    assert {"responses-completed-output-empty", "parity-tool-calls"} <= ran.rules("tool-call")
    assert ran.feature("plain")["whole"]["state"] == "pass"
