"""Each dialect is recognised in a small stream of its shape, and nothing is recognised by too little."""

from __future__ import annotations

import dataclasses
from itertools import product
from typing import Any
from urllib.parse import urlsplit

import pytest

from streamlab.apis.registry import by_name
from streamlab.dialects import registry
from streamlab.dialects.base import CERTAIN, LEAD, Hints, Kind, Trait
from streamlab.dialects.hints import _host
from streamlab.dialects.registry import all_dialects, detect, known_deviations
from streamlab.exchange import Request
from streamlab.judging import analyzer
from streamlab.judging.analyzer import analyze, analyzer_of, report_by
from streamlab.record import changed
from streamlab.workflows.regression.findings import summaries, summary
from tests import corpus
from tests.batches import batched
from tests.streams import Payload, chat_text, dump, exchange, frame, sse

DIALECTS = all_dialects()
HEX32, UUID = "0af1b2c3d4e5f60718293a4b5c6d7e8f", "3f1c2a44-5b6d-4e7f-8a9b-0c1d2e3f4a5b"
LOCAL = Request("POST", "http://127.0.0.1:8000/v1/chat/completions", (), None)


def stream(
    *,
    order: str = "id,object,created,model,choices",
    top: Payload | None = None,
    choice: Payload | None = None,
    delta: Payload | None = None,
    ids: tuple[Any, ...] = ("x-1",),
    ending: str = "\n",
    prefix: bytes = b"",
    headers: tuple[tuple[str, str], ...] = (),
    space: str = " ",
) -> Any:
    """Three text chunks with these keys in this order; an exchange from a local address."""
    body = prefix
    for at, text in enumerate(("A", "B", "C")):
        whole: Payload = {
            "id": ids[at % len(ids)],
            "object": "chat.completion.chunk",
            "created": 1741570283,
            "model": "m",
            **(top or {}),
        }
        inner = {"role": "assistant", "content": text, **(delta or {})}
        whole["choices"] = [{"index": 0, "delta": inner, "finish_reason": None, **(choice or {})}]
        keys = [key for key in order.split(",") if key in whole]
        ordered = {key: whole[key] for key in keys} | {key: whole[key] for key in top or {}}
        line = f"data:{space}".encode() + dump(ordered)
        body += line + (ending * 2).encode()
    typed = (("content-type", "text/event-stream"), *headers)
    return exchange(body, request=LOCAL, headers=typed)


def usage(**members: int) -> Payload:
    return {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, **members}}


CASES: dict[str, Any] = {
    "openai": lambda: exchange(sse(chat_text()), request=LOCAL),
    "azure": lambda: stream(
        order="choices,created,id,model,object",
        top={"prompt_filter_results": []},
        choice={"content_filter_results": {}},
    ),
    "github-models": lambda: stream(headers=(("server", "github.com"), ("x-ms-region", "East US"))),
    "github-copilot": lambda: stream(top={"copilot_usage": {}, "prompt_filter_results": []}),
    "glm4": lambda: stream(
        order="model,id,object,choices,created",
        top={"model": "glm-4", "id": ""},
        delta={"function_call": None},
        ending="\r\n",
    ),
    "chatglm3": lambda: stream(
        order="model,id,object,choices,created",
        top={"model": "chatglm3-6b", "id": ""},
        delta={"function_call": None},
        ending="\r\n",
    ),
    "one-api": lambda: stream(top={"model": "gemini"}, ids=("chatcmpl-" + HEX32, "b", "c")),
    "one-hub": lambda: stream(
        top={"model": "gemini-1.5-flash"}, ids=tuple(f"chatcmpl-{at}{HEX32[1:]}" for at in "abc")
    ),
    "tgi": lambda: stream(top={"id": "", "system_fingerprint": "3.0.1-sha-bb9095a"}),
    "vllm": lambda: stream(ids=("chatcmpl-" + HEX32,), choice={"stop_reason": None}),
    "sglang": lambda: stream(ids=(HEX32,), choice={"matched_stop": None}),
    "llama.cpp": lambda: stream(top={"system_fingerprint": "b6700-3df2244d"}),
    "gpustack": lambda: stream(top=usage(time_per_output_token_ms=3)),
    "ollama": lambda: stream(ids=("chatcmpl-577",), top={"system_fingerprint": "fp_ollama"}),
    "mistral.rs": lambda: stream(top=usage(avg_tok_per_sec=9, total_completion_time_sec=1)),
    "lm-studio": lambda: stream(
        ids=("chatcmpl-k3j9x2m4n5p6q7r8s9t0uv",), top={"model": "qwen2.5-7b", "system_fingerprint": "qwen2.5-7b"}
    ),
    "transformers-serve": lambda: stream(ids=("req_0",), top={"model": "Qwen/Qwen2.5-0.5B-Instruct@main"}),
    "llama-cpp-python": lambda: stream(
        order="id,model,created,object,choices", ids=(f"chatcmpl-{UUID}",), ending="\r\n"
    ),
    "fastchat": lambda: stream(order="id,model,choices", ids=("chatcmpl-3kJ9xM2n4p5Q6r7S8t9UvW",)),
    "litellm": lambda: stream(headers=(("x-litellm-call-id", "1"),), top={"system_fingerprint": "fp_ollama"}),
    "openrouter": lambda: stream(prefix=b": OPENROUTER PROCESSING\n\n", top={"provider": "DeepSeek"}),
    "vercel": lambda: stream(top={"generationId": "gen_1"}, delta={"provider_metadata": {}}),
    "groq": lambda: stream(ids=("chatcmpl-" + UUID,), top={"x_groq": {"id": "req_1"}}),
    "deepseek": lambda: stream(
        ids=(UUID,),
        top={"system_fingerprint": "fp_ffc7281d48_prod0820_fp8_kvcache", **usage(prompt_cache_hit_tokens=0)},
    ),
    "mistral": lambda: stream(ids=(HEX32,), top={"model": "mistral-small-latest", "p": "abc"}),
    "gemini-compat": lambda: stream(
        order="choices,created,model,object", top={"model": "gemini-2.0-flash", **usage()}, ids=(None,)
    ),
    "moonshot": lambda: stream(
        top={"model": "kimi-k2", "system_fingerprint": "fpv0_f1fe3381"}, choice={"usage": {"prompt_tokens": 1}}
    ),
    "dashscope": lambda: stream(
        order="choices,object,usage,created,system_fingerprint,model,id",
        top={"usage": None, "system_fingerprint": None},
    ),
    "minimax": lambda: stream(ids=(HEX32,), top={"base_resp": {"status_code": 0}, **usage(total_characters=0)}),
    "together": lambda: stream(
        order="id,object,created,choices,model", choice={"text": "A"}, delta={"token_id": 319}
    ),
    "fireworks": lambda: stream(top={"model": "accounts/fireworks/models/kimi-k2"}),
    "xai": lambda: stream(ids=(UUID,), top={"model": "grok-4", **usage(num_sources_used=0)}),
    "perplexity": lambda: stream(top={"model": "sonar", "citations": [], "search_results": []}),
    "cerebras": lambda: stream(
        order="id,choices,created,model,system_fingerprint,object", top={"time_info": {"total_time": 0.1}}
    ),
    "zhipu": lambda: stream(ids=("202511030120514dd22ce62bd54920",), order="id,created,model,choices", top={
        "model": "glm-4.6"
    }),
    "huggingface": lambda: stream(headers=(("x-inference-provider", "cerebras"),), top={"time_info": {}}),
    "databricks": lambda: stream(headers=(("server", "databricks"),), ids=("msg_bdrk_01NH",)),
    "cloudflare": lambda: stream(ids=("id-1767130855796",), top={"model": "@cf/meta/llama-3.3-70b"}),
    "aws-bedrock": lambda: stream(top={"model": "openai.gpt-oss-20b-1:0"}, choice={"obfuscation": "ab"}),
    "sambanova": lambda: stream(top={"system_fingerprint": "fastcoe"}),
    "cohere": lambda: stream(
        order="id,choices,created,model,object", ids=(UUID,), top={"model": "command-r7b-12-2024"}
    ),
    "writer": lambda: stream(delta={"llm_data": None, "graph_data": None}, top={"model": "palmyra-x4"}),
    "venice": lambda: stream(headers=(("x-venice-version", "1"),)),
    "nvidia": lambda: stream(headers=(("nvcf-reqid", "1"), ("nvcf-status", "fulfilled"))),
    "featherless": lambda: stream(prefix=b": FEATHERLESS PROCESSING\n"),
}  # fmt: skip


def test_every_dialect_has_a_stream():
    assert sorted(CASES) == [dialect.name for dialect in DIALECTS]


@batched("name", CASES)
def test_is_recognised_by_its_shape(name):
    report = analyze(CASES[name]())
    assert report.dialect == name
    assert report.dialect_reasons


@batched("dialect", DIALECTS)
def test_is_recognised_by_its_host(dialect):
    for sign in dialect.signs:
        if sign.kind is Kind.HOST:
            assert detect(Hints(host=sign.pattern))[0] == dialect.name
            assert detect(Hints(host="eu." + sign.pattern))[0] == dialect.name
            assert detect(Hints(host=sign.pattern + ".example"))[0] is None
            assert detect(Hints(host="not" + sign.pattern))[0] != dialect.name


def test_little_is_not_enough():
    assert detect(Hints()) == (None, ())
    assert detect(Hints(model="glm-4", headers=(("server", "uvicorn"),)))[0] is None
    assert detect(Hints(ids=(HEX32,), model="mistral-7b"))[0] is None
    assert analyze(stream()).dialect is None


def test_two_that_are_equally_likely_are_not_told_apart():
    shape = Hints(order=("model", "id", "object", "choices"), traits=frozenset({Trait.NULL_FUNCTION_CALL, Trait.CRLF}))
    assert detect(shape)[0] is None
    assert detect(changed(shape, model="glm-4"))[0] == "glm4"


def test_a_gateway_is_named_before_who_is_behind_it():
    report = analyze(stream(top={"x_groq": {}, "provider": "Groq"}, choice={"native_finish_reason": "stop"}))
    assert report.dialect == "openrouter"


def test_a_foreign_protocol_speaks_no_dialect_of_openai_s():
    body = frame({"candidates": [{"content": {"parts": [{"text": "A"}]}}]})
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.0-flash:streamGenerateContent"
    assert analyze(exchange(body, request=Request("POST", url, (), None))).dialect is None


def test_known_findings_are_marked():
    report = analyze(CASES["zhipu"]())
    known = {one.rule: one.known for one in report.findings}
    assert known["role-every-chunk"] is True
    assert all(one.known is (one.rule in known_deviations("zhipu")) for one in report.findings)
    assert any(not one.known for one in report.findings)


def test_nothing_is_known_of_nobody():
    assert known_deviations(None) == known_deviations("nobody") == frozenset()


@batched("dialect", DIALECTS)
def test_is_written_down_properly(dialect):
    rules = (*dialect.deviations, *dialect.reported)
    assert sorted(set(rules) - set(by_name())) == []
    assert len(rules) == len(set(rules))
    assert list(dialect.deviations) == sorted(dialect.deviations)
    assert list(dialect.reported) == sorted(dialect.reported)
    assert dialect.evidence
    assert dialect.witnessed or not dialect.deviations
    assert sum(sign.weight for sign in dialect.signs) >= CERTAIN


HOSTILE = [None, 5, 1.5, True, [], {}, "", "x" * 100_000, "\x1b]0;\ud800"]


@batched("key, value", product(("id", "object", "model", "system_fingerprint", "usage", "choices"), HOSTILE))
def test_no_value_makes_it_raise(key, value):
    analyze(stream(top={key: value}))
    analyze(stream(choice={key: value}, delta={"tool_calls": value, "function_call": value}))


def test_memory_is_bounded():
    many = stream(ids=tuple(str(at) for at in range(3)), top={str(at): at for at in range(5000)})
    assert analyze(many).dialect is None


#: Recorded streams of these are theirs and nobody else's, also when the host is not known.
OWN = {
    "azure-openai": "azure", "cerebras": "cerebras", "deepseek": "deepseek", "groq": "groq", "minimax": "minimax",
    "mistral": "mistral", "ollama": "ollama", "openai": "openai", "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together", "vercel-gateway": "vercel", "xai": "xai", "zhipu-zai": "zhipu", "llamacpp": "llama.cpp",
    "google-openai-compat": "gemini-compat", "github-models": "github-models", "cloudflare": "cloudflare",
}  # fmt: skip


@corpus.needs_recorded
@pytest.mark.parametrize("vendor", OWN)
def test_recorded_streams_without_their_host(vendor):
    named = []
    for directory in corpus.recorded("chat.completions", vendor):
        exchange = corpus.load(directory)
        if exchange.head is not None and exchange.head.status == 200:
            hostless = dataclasses.replace(exchange, request=LOCAL)
            named.append(analyze(hostless, rules=()).dialect)
    assert set(named) <= {OWN[vendor], None}
    assert named.count(OWN[vendor]) >= 0.9 * len(named)


def test_transformers_serve_of_today():
    """5.24 writes bare ids, an empty fingerprint, and the members in the order of openai's own types."""
    order = "id,choices,created,model,object,system_fingerprint"
    made = stream(order=order, ids=(UUID,), top={"system_fingerprint": ""})
    assert analyze(made).dialect == "transformers-serve"


def test_what_a_fixture_pins_down_hangs_on_no_dialect():
    """So none is looked for."""
    told = set()
    for directory in corpus.directories():
        loaded = corpus.load(directory)
        report = analyze(loaded)
        assert summaries(loaded) == [summary(one) for one in report.findings]
        told.add(report.dialect)
        assert report_by(analyzer_of(loaded, dialect=False), loaded).dialect is None
    assert told > {None}


def test_a_dialect_is_told_as_by_asking_each_for_all_its_signs(monkeypatch):
    """The table's way to ask few of them says what all of them say."""
    seen: list[Hints] = []
    monkeypatch.setattr(analyzer.dialects, "detect", lambda hints: (seen.append(hints), (None, ()))[1])
    for directory in [*corpus.directories(), *corpus.recorded("chat.completions")[::4]]:
        analyze(corpus.load(directory))
    odd = [
        Hints(ids=(name,), model=name, fingerprints=(name,))
        for name in ("", "fp_ollama", "gemini", "qwq", "o3", "local")
    ]
    monkeypatch.undo()
    for hints in {*seen, *odd}:
        worth = {
            one.name: sum(sign.weight for sign in one.signs if registry._is_shown(sign, hints)) for one in DIALECTS
        }
        certain = sorted(
            ((points, name) for name, points in worth.items() if points >= CERTAIN), key=lambda one: (-one[0], one[1])
        )
        outer = {one.name for one in DIALECTS if one.outer}
        certain = [one for one in certain if one[1] in outer] or certain
        clear = len(certain) == 1 or (len(certain) > 1 and certain[0][0] - certain[1][0] >= LEAD)
        assert detect(hints)[0] == (certain[0][1] if clear else None)


def test_what_a_value_begins_with_and_its_length_hold_of_all_that_a_form_fits():
    assert registry.FORMS["chatcmpl-[A-Za-z0-9]{29}"] == ("chatcmpl-", 38, 38)
    assert registry.FORMS["glm-.*"] == ("glm-", 4, 1000)
    assert registry.FORMS["(gpt-|o[134](-|$)|chatgpt-).*"][0] == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://API.Example.com/v1/chat/completions",
        "https://api.example.com:443?x=1",
        "https://api.example.com#a",
        "http://127.0.0.1:8000",
        "http://host:",
        "http://user:pass@host/v1",
        "http://[::1]:8000/v1",
        "http://[::1/v1",
        "http://ho\tst/v1",
        "http://host:8\t0/v1",
        "http://host:80/v1@other",
        "http://host:80@other/v1",
        "http://host:abc/v1",
        "http://bücher.example/v1",
        "HTTP://host/v1",
        " http://host/v1",
        "/v1/chat/completions",
        "",
    ],
)
def test_a_host_is_read_as_urllib_reads_it(url):
    try:
        expected = (urlsplit(url).hostname or "").lower()
    except ValueError:
        expected = ""
    assert _host(Request("POST", url)) == expected
