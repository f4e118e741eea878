"""What a rule promises of chat completions it promises of legacy completions, or says that it does not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from streamlab.apis import api_names
from streamlab.apis.registry import all_rules, apis_of
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import normalize
from streamlab.rules.finding import Repairability
from streamlab.storage.exchange_dir import read_exchange_dir
from tests import rule_fixtures
from tests.batches import batched
from tests.streams import completions_text, exchange, request_for, sse

SAFE, UNSAFE, NONE = Repairability.SAFE, Repairability.UNSAFE, Repairability.NONE
BOTH = {api_names.CHAT, api_names.COMPLETIONS}
RULES = [
    one.name for one in all_rules() if {api.name for api in apis_of(one)} >= BOTH and one.repairability is not NONE
]
_PAYLOAD = re.compile(rb"(?m)^(data: ?)(\{.*\})(\r?)$")


def asked(body: bytes):
    return exchange(body, request=request_for(path="/v1/completions"))


def _as_text(found: re.Match[bytes]) -> bytes:
    """A chunk of chat completions as legacy completions would have it, with the same fault."""
    try:
        chunk = json.loads(found[2])
    except ValueError:
        return found[0]
    if chunk.get("object") == "chat.completion.chunk":
        chunk["object"] = "text_completion"
    listed = chunk.get("choices")
    for choice in listed if isinstance(listed, list) else []:
        delta: Any = choice.pop("delta", None) or {}
        choice["text"] = delta.get("content") or ""
    return found[1] + json.dumps(chunk, separators=(",", ":")).encode() + found[3]


@batched("rule", RULES, parts=3)
def test_a_promise_is_kept(rule):
    chat = read_exchange_dir(rule_fixtures.folder(rule) / "bad")
    legacy = replace(chat.request, url=chat.request.url.replace("/chat/completions", "/completions"))
    said = replace(exchange([_PAYLOAD.sub(_as_text, chat.body)], request=legacy), head=chat.head, ending=chat.ending)
    report = analyze(said)
    if report.api != api_names.COMPLETIONS:
        return  # the fault hides whose stream it is
    for unsafe, promised in ((False, {SAFE}), (True, {SAFE, UNSAFE})):
        repaired = normalize(said, unsafe=unsafe)
        told = {one.rule for one in repaired.unrepaired}
        left = {one.rule for one in analyze(repaired.exchange).findings}
        assert not {one.rule for one in report.findings if one.repairability in promised} & left - told


@pytest.mark.parametrize("behind", [(), ("\n",), (" ", "\n")])
def test_the_marker_as_text_is_taken_out_and_blanks_behind_it_stay(behind):
    exchange = asked(sse(completions_text("Spring", "[DONE]", *behind)))
    [found] = [one for one in analyze(exchange).findings if one.rule == "content-holds-done-marker"]
    assert (found.path, found.event) == ("choices[0].text", 1)
    repaired = normalize(exchange, unsafe=True).exchange.body
    assert b"[DONE]" not in repaired.removesuffix(b"data: [DONE]\n\n")
    texts = [json.loads(one)["choices"][0]["text"] for one in re.findall(rb"^data: (\{.*)", repaired, re.MULTILINE)]
    assert texts == ["Spring", *behind, ""]


def test_text_that_grows_is_cut_down_to_what_is_new():
    exchange = asked(sse(completions_text("Spring", "Spring is", "Spring is here", "Spring is here.")))
    repaired = normalize(exchange).exchange.body
    texts = [json.loads(one)["choices"][0]["text"] for one in re.findall(rb"^data: (\{.*)", repaired, re.MULTILINE)]
    assert texts == ["Spring", " is", " here", ".", ""]
