"""Each seed system, asked before and after what its makers changed: every change of shape is named, and nothing is
said where words, ids and times alone are others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamlab.apis.registry import all_rules, family_of
from streamlab.comparing.drift import Shape, shape_changes, shape_of
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.judging.analyzer import analyze
from streamlab.standins.base import WEATHER_TOOL, Scenario, chat
from tests.servers.test_standins import play

SALT, SLEEP, DESK = "Why is the sea salty?", "How can I sleep better?", "给两条整理书桌的建议。"
WEATHER: dict[str, Any] = {"tools": [WEATHER_TOOL]}
TIMING = frozenset(rule.name for rule in all_rules() if family_of(rule) == "timing")
#: What a system changed: the stand-in and its versions before and after, what is asked, behind whom, and what is told.
FIXES: dict[str, tuple[str, str, str, dict[str, Any], str, set[str]]] = {
    "TGI: the space after the colon, the object": (
        "tgi", "2.0.4", "2.1.0", chat("tgi", SALT), "",
        {"lost object-wrong (error)", "lost sse-no-space-after-colon (info)"},
    ),
    "TGI: [DONE]": (
        "tgi", "2.1.0", "2.2.0", chat("tgi", SALT), "", {"gained [DONE]", "lost done-missing (warning)"},
    ),
    "TGI: the finish": (
        "tgi", "2.2.0", "2.3.0", chat("tgi", SALT), "", {"lost finish-reason-unknown-value (error)"},
    ),
    "GLM-4: the newline": (
        "glm4", "abe93e0", "1de40b0", chat("glm-4", DESK), "",
        {
            "gained [DONE]", "lost text that is no JSON", "gained system_fingerprint (string)",
            "choices[].finish_reason: null before, null or string now",
            "lost chunk-id-missing-or-empty (warning)", "lost done-missing (warning)",
            "lost finish-reason-missing (error)", "lost plain-text-in-data (error)",
        },
    ),
    "GLM-4: an id for each fragment": (
        "glm4", "ef015f8", "1de40b0", chat("glm-4", "What is the weather in Lisbon?", **WEATHER), "",
        {"gained tool-call-id-empty-continuation (info)", "lost tool-call-id-unstable (error)"},
    ),
    "GLM-4: the crash at a second line": (
        "glm4", "b475ebe", "1de40b0", chat("glm-4", SLEEP), "",
        {
            "upstream-cut before, complete now", "gained [DONE]",
            "choices[].finish_reason: null before, null or string now", "lost truncated-chunked-body (error)",
        },
    ),
    "one-api: lines without a space": (
        "oneapi", "v0.6.7", "pr-2114", chat("tgi", SALT), "tgi",
        {
            "gained [DONE]", "gained event", "gained chunk-id-missing-or-empty (warning)",
            "gained finish-reason-unknown-value (error)", "gained object-wrong (error)",
            "gained role-every-chunk (info)", "lost empty-200 (error)",
        },
    ),
    "one-api before Gemini: a finish everywhere": (
        "oneapi-gemini", "v0.6.6", "v0.6.7", chat("gemini-pro", SALT), "gemini",
        {
            "lost choices[].finish_reason (string)", "gained chunk-id-changes (error)",
            "gained finish-reason-key-absent (info)", "gained finish-reason-missing (error)",
            "lost chunk-id-missing-or-empty (warning)", "lost created-wrong-type (info)",
            "lost finish-reason-every-chunk (error)", "lost finish-reason-on-content-chunk (info)",
        },
    ),
    "one-hub before Gemini: two finishes": (
        "onehub", "22ce9b95", "d1d6c432",
        chat("gemini-1.5-flash", "What is the weather in Lima?", **WEATHER), "gemini",
        {"gained finish-reason-repeated (error)", "gained content-after-finish (info)"},
    ),
}  # fmt: skip


def _seen(system: str, version: str, asked: dict[str, Any], behind: str, **options: Any) -> Shape:
    scenario = Scenario(
        "asked", "", "", asked, options={"version": version}, **({"behind": (behind, {})} if behind else {})
    )
    wire = play(system, scenario, **options)
    exchange = Exchange(
        request=Request("POST", f"http://localhost{scenario.path}", (), json.dumps(asked).encode()),
        head=ResponseHead(wire.status, tuple(wire.headers)),
        segments=(Segment(None, wire.body),),
        ending=Ending.COMPLETE if wire.ended else Ending.UPSTREAM_CUT,
    )
    return shape_of(exchange, analyze(exchange), TIMING)


@pytest.fixture(scope="module")
def seen() -> Any:
    """The shape of each answer, asked once."""
    kept: dict[str, Shape] = {}

    def ask(system: str, version: str, asked: dict[str, Any], behind: str) -> Shape:
        key = json.dumps([system, version, asked, behind])
        if key not in kept:
            kept[key] = _seen(system, version, asked, behind)
        return kept[key]

    return ask


@pytest.mark.parametrize("fix", FIXES)
def test_what_a_system_changed_is_told_and_no_more(fix, seen):
    system, before, after, asked, behind, told = FIXES[fix]
    shapes = [seen(system, version, asked, behind) for version in (before, after)]
    assert {one.text for one in shape_changes(*shapes)} == told
    assert {one.text for one in shape_changes(*reversed(shapes))} != told


@pytest.mark.parametrize("fix", FIXES)
def test_other_ids_are_no_change(fix, seen):
    system, before, _, asked, behind, _ = FIXES[fix]
    again = _seen(system, before, asked, behind, seed=77)
    assert list(shape_changes(seen(system, before, asked, behind), again)) == []


@pytest.mark.parametrize(
    ("system", "version", "one", "other"),
    [
        ("tgi", "2.0.4", chat("tgi", SALT), chat("tgi", SLEEP)),
        ("glm4", "1de40b0", chat("glm-4", SALT), chat("glm-4", SLEEP)),
        ("chatglm3", "c6fe1af", chat("chatglm3-6b", SALT), chat("chatglm3-6b", SLEEP)),
    ],
)
def test_other_words_are_no_change(system, version, one, other, seen):
    assert list(shape_changes(seen(system, version, one, ""), seen(system, version, other, ""))) == []


def test_chatglm3_that_answers_in_short_is_told(seen):
    """Nobody has mended it: what its next server, GLM-4's, does with the same question."""
    asked = chat("glm-4", "Is 7 a prime number? One word.")
    before, after = seen("chatglm3", "c6fe1af", asked, ""), seen("glm4", "1de40b0", asked, "")
    assert {one.text for one in shape_changes(before, after)} == {
        "gained event",
        "gained [DONE]",
        "lost empty-200 (error)",
        "gained empty-tool-calls-array (info)",
        "gained role-every-chunk (info)",
        "gained sse-line-endings (info)",
    }
