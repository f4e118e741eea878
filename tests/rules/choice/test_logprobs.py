"""Logprobs of another shape: which form it is, how grave, and that every chunk that has it counts."""

from __future__ import annotations

from typing import Any

import pytest

from streamlab.apis.chat.rules.choice.logprobs_shape import LogprobsShape
from streamlab.judging.analyzer import analyze
from streamlab.rules.finding import Finding
from tests.streams import Payload, chat_text, completions_text, exchange, request_for, sse

_LACKS = "an entry lacks a member, or its token is no text"
_ENTRY = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": []}
_LEGACY = {"tokens": ["Hi"], "token_logprobs": [-0.1], "top_logprobs": [{}], "text_offset": [0]}


def _but(**members: Any) -> Payload:
    return {key: value for key, value in (_ENTRY | members).items() if value is not ...}


def _listed(*entries: Any) -> Payload:
    return {"content": list(entries), "refusal": None}


def _found(logprobs: Any, *, legacy: bool = False) -> list[Finding]:
    payloads = completions_text() if legacy else chat_text()
    for payload in payloads:
        payload["choices"][0]["logprobs"] = logprobs
    request = request_for(path="/v1/completions") if legacy else request_for()
    found = analyze(exchange(sse(payloads), request=request)).findings
    told = [one for one in found if one.rule == "logprobs-shape"]
    assert sum(one.count for one in told) in (0, len(payloads))  # each chunk counts
    return told


@pytest.mark.parametrize(
    ("logprobs", "severity", "form"),
    [
        ([_ENTRY], "error", "it is a list"),
        ([], "error", "it is no object, and no list of anything"),
        ("much", "error", "it is no object, and no list of anything"),
        (_listed() | {"content": "Hi"}, "error", "content is text"),
        (_listed() | {"content": _ENTRY}, "error", "content is an object or a number"),
        (_listed() | {"content": {}}, "error", "content is an empty object"),
        (_listed() | {"content": ""}, "error", "content is empty text"),
        (_listed(_ENTRY) | {"refusal": "no"}, "error", "refusal is text"),
        (_listed(_ENTRY) | {"refusal": _ENTRY}, "error", "refusal is an object"),
        (_listed(None), "error", "an entry is no object"),
        (_listed(_but(token=...)), "error", _LACKS),
        (_listed(_but(token=1)), "error", _LACKS),
        (_listed(_but(logprob=None)), "error", _LACKS),
        (_listed(_but(top_logprobs=...)), "error", _LACKS),
        (_listed(_but(bytes=...), _but(top_logprobs=...)), "error", _LACKS),
        (_listed(_but(logprob="-0.1")), "error", "logprob or top_logprobs of an entry is of another type"),
        (_listed(_but(bytes=...)), "warning", "an entry has no bytes"),
        (_LEGACY, "warning", "it has no content"),
        ({}, "warning", "it has no content"),
        ({"refusal": None}, "warning", "it has no content"),
    ],
)
def test_the_form_says_how_grave_it_is(logprobs, severity, form):
    assert form in LogprobsShape.variants
    assert {(str(one.severity), one.variants) for one in _found(logprobs)} == {(severity, (form,))}


@pytest.mark.parametrize("logprobs", [None, {"content": None}, {"content": None, "refusal": None}, _listed(_ENTRY)])
def test_what_openai_sends_is_not_told(logprobs):
    assert not _found(logprobs)


@pytest.mark.parametrize(("logprobs", "form"), [([_ENTRY], "it is a list"), (_listed(_ENTRY), "it lacks a list")])
def test_legacy_completions_harm_nobody(logprobs, form):
    assert {(str(one.severity), one.variants) for one in _found(logprobs, legacy=True)} == {("warning", (form,))}
    assert not _found(_LEGACY, legacy=True)


@pytest.mark.parametrize("logprobs", [True, _listed() | {"content": 0}, _listed() | {"refusal": ["no"]}])
def test_what_nobody_was_asked_about_names_nobody(logprobs):
    assert {(str(one.severity), one.variants) for one in _found(logprobs)} == {("warning", ())}
