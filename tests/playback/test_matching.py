"""Which request is answered by which recording: each rung of the ladder, over pairs of requests."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from streamlab.errors import UsageError
from streamlab.exchange import Request
from streamlab.playback.matching import Found, Ignored, Match, Matcher, Miss, Rung, candidate

URL = "http://127.0.0.1:8000/v1/chat/completions"
PATH = "/v1/chat/completions"
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("add", "sub")]
ASKED: dict[str, Any] = {
    "model": "gpt-4o",
    "stream": True,
    "temperature": 1,
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": "a"}]},
        {"role": "assistant", "id": "msg_1", "content": "A cat."},
    ],
    "tools": TOOLS,
    "metadata": {"run": "1"},
    "user": "alice",
}
Change = Callable[[Any], object]


def _asked(change: Change = lambda value: None) -> bytes:
    value = copy.deepcopy(ASKED)
    changed = change(value)
    return json.dumps(value if changed is None or not isinstance(changed, dict) else changed).encode()


def _recorded(body: bytes | None, url: str = URL, name: str = "first") -> Any:
    return candidate([name], Request("POST", url, (), body))


#: Not another question: found on every rung.
SAME: dict[str, Change] = {
    "byte for byte": lambda _: None,
    "keys in another order": lambda value: dict(reversed(value.items())),
    "keys of a message in another order": lambda value: value["messages"].__setitem__(
        0, {"content": "Be brief.", "role": "system"}
    ),
    "a number spelt otherwise": lambda value: value.update(temperature=1.0),
}
#: Another label on the same question: found where that is allowed.
LABELLED: dict[str, tuple[Change, str]] = {
    "metadata": (lambda value: value["metadata"].update(run="2"), "metadata.run"),
    "no metadata": (lambda value: value.__delitem__("metadata"), "metadata"),
    "user": (lambda value: value.update(user="bob"), "user"),
    "an id of a message": (lambda value: value["messages"][2].update(id="msg_9"), "messages[*].id"),
    "usage wanted": (lambda value: value.update(stream_options={"include_usage": True}), "stream_options"),
    "stored": (lambda value: value.update(store=True), "store"),
    "service tier": (lambda value: value.update(service_tier="flex"), "service_tier"),
    "cache key": (lambda value: value.update(prompt_cache_key="k"), "prompt_cache_key"),
}
#: Another question: never found but by `Match.ANY`.
OTHER: dict[str, Change] = {
    "model": lambda value: value.update(model="gpt-4o-mini"),
    "no stream": lambda value: value.update(stream=False),
    "a number for true": lambda value: value.update(stream=1),
    "temperature": lambda value: value.update(temperature=0.2),
    "a number as text": lambda value: value.update(temperature="1"),
    "a seed": lambda value: value.update(seed=7),
    "the prompt": lambda value: value["messages"][0].update(content="Be long."),
    "a blank more": lambda value: value["messages"][0].update(content="Be brief. "),
    "a role": lambda value: value["messages"][0].update(role="developer"),
    "another image": lambda value: value["messages"][1]["content"][1].update(image_url="b"),
    "parts in another order": lambda value: value["messages"][1]["content"].reverse(),
    "messages in another order": lambda value: value["messages"].reverse(),
    "a message less": lambda value: value["messages"].__delitem__(1),
    "a message more": lambda value: value["messages"].append({"role": "user", "content": "And?"}),
    "tools in another order": lambda value: value["tools"].reverse(),
    "a tool less": lambda value: value["tools"].__delitem__(1),
    "no tools": lambda value: value.__delitem__("tools"),
    "a tool's name": lambda value: value["tools"][0]["function"].update(name="mul"),
    "null for nothing": lambda value: value.update(stop=None),
}


def _match(sent: bytes, mode: Match, ignore: tuple[str, ...] = (), *recorded: Any) -> Found | Miss:
    return Matcher(recorded or [_recorded(_asked())], mode, ignore).match("POST", PATH, sent)


@pytest.mark.parametrize("mode", list(Match))
@pytest.mark.parametrize("change", SAME)
def test_the_same_question_is_answered_on_every_rung(change, mode):
    found = _match(_asked(SAME[change]), mode)
    assert isinstance(found, Found)
    assert found.rung is (Rung.EXACT if change == "byte for byte" else Rung.TOLERATED)


@pytest.mark.parametrize("label", LABELLED)
def test_another_label_is_tolerated_where_that_is_allowed_or_declared(label):
    change, path = LABELLED[label]
    missed = _match(_asked(change), Match.STRICT)
    assert isinstance(missed, Miss)
    assert missed.ignore == (path,)
    for mode, ignore in ((Match.LADDER, ()), (Match.STRICT, (path,))):
        found = _match(_asked(change), mode, ignore)
        assert isinstance(found, Found)
        assert found.rung is Rung.TOLERATED
        assert len(found.tolerated) == 1


@pytest.mark.parametrize("change", OTHER)
def test_another_question_is_never_answered_and_what_differs_is_said(change):
    for mode in (Match.STRICT, Match.LADDER):
        missed = _match(_asked(OTHER[change]), mode)
        assert isinstance(missed, Miss)
        assert missed.nearest == "first"
        assert missed.differences
    found = _match(_asked(OTHER[change]), Match.ANY)
    assert isinstance(found, Found)
    assert found.rung is Rung.ANY


#: The same of the other APIs: what was recorded, the path, and changes that are the same question, another label on it,
#: another question.
RESPONSES: dict[str, Any] = {
    "model": "gpt-5",
    "stream": True,
    "instructions": "Be brief.",
    "input": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is it?"},
                                                         {"type": "input_image", "image_url": "a"}]},
        {"type": "function_call_output", "call_id": "call_1", "output": "12"},
    ],
    "tools": [{"type": "function", "name": name} for name in ("add", "sub")],
    "metadata": {"run": "1"},
}  # fmt: skip
MESSAGES: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "stream": True,
    "max_tokens": 1024,
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "a"}},
                                     {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "12"}]},
    ],
    "tools": [{"name": name, "input_schema": {"type": "object"}} for name in ("add", "sub")],
    "metadata": {"user_id": "alice"},
}  # fmt: skip
_REORDERED = {"keys in another order": lambda value: dict(reversed(value.items()))}
FURTHER: dict[str, tuple[dict[str, Any], str, dict[str, Change], dict[str, Change], dict[str, Change]]] = {
    "responses": (
        RESPONSES, "/v1/responses",
        {**_REORDERED, "keys of an item": lambda value: value["input"].__setitem__(
            1, dict(reversed(value["input"][1].items())))},
        {"metadata": lambda value: value["metadata"].update(run="2"), "stored": lambda value: value.update(store=True)},
        {
            "model": lambda value: value.update(model="gpt-5-mini"),
            "instructions": lambda value: value.update(instructions="Be long."),
            "text": lambda value: value["input"][0]["content"][0].update(text="What was it?"),
            "another image": lambda value: value["input"][0]["content"][1].update(image_url="b"),
            "a tool's output": lambda value: value["input"][1].update(output="13"),
            "tools in another order": lambda value: value["tools"].reverse(),
            "items in another order": lambda value: value["input"].reverse(),
            "a text for the list": lambda value: value.update(input="What is it?"),
            "an effort": lambda value: value.update(reasoning={"effort": "high"}),
            "no stream": lambda value: value.update(stream=False),
        },
    ),
    "messages": (
        MESSAGES, "/v1/messages",
        {**_REORDERED, "keys of a tool": lambda value: value["tools"].__setitem__(
            0, dict(reversed(value["tools"][0].items())))},
        {"metadata": lambda value: value["metadata"].update(user_id="bob")},
        {
            "model": lambda value: value.update(model="claude-opus-5"),
            "system": lambda value: value.update(system="Be long."),
            "system as a list": lambda value: value.update(system=[{"type": "text", "text": "Be brief."}]),
            "text": lambda value: value["messages"][0]["content"][1].update(text="What was it?"),
            "another image": lambda value: value["messages"][0]["content"][0]["source"].update(data="b"),
            "parts in another order": lambda value: value["messages"][0]["content"].reverse(),
            "a call's input": lambda value: value["messages"][1]["content"][0].update(input={"a": 2}),
            "a tool's result": lambda value: value["messages"][2]["content"][0].update(content="13"),
            "tools in another order": lambda value: value["tools"].reverse(),
            "a longer answer": lambda value: value.update(max_tokens=2048),
            "thinking": lambda value: value.update(thinking={"type": "enabled", "budget_tokens": 1024}),
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("api", FURTHER)
def test_the_ladder_is_the_same_for_every_api(api):
    asked, path, same, labelled, other = FURTHER[api]
    recorded = _recorded(json.dumps(asked).encode(), f"http://127.0.0.1:8000{path}")

    def rung(change: Change, mode: Match) -> Rung | None:
        value = copy.deepcopy(asked)
        changed = change(value)
        body = json.dumps(value if changed is None or not isinstance(changed, dict) else changed).encode()
        found = Matcher([recorded], mode).match("POST", path, body)
        return found.rung if isinstance(found, Found) else None

    assert {rung(one, mode) for one in same.values() for mode in Match} == {Rung.TOLERATED}
    for name, one in labelled.items():
        assert (rung(one, Match.STRICT), rung(one, Match.LADDER)) == (None, Rung.TOLERATED), name
    for name, one in other.items():
        assert [rung(one, mode) for mode in Match] == [None, None, Rung.ANY], name


def test_there_are_sixty_pairs_of_requests():
    further = sum(len(pairs) for _, _, *kinds in FURTHER.values() for pairs in kinds)
    assert len(SAME) + len(LABELLED) + len(OTHER) + further >= 59  # and what was masked, below


def test_what_the_recorder_masked_matches_whatever_was_sent():
    asked = _asked(lambda value: value.update(api_key="sk-secret-secret"))
    masked = _asked(lambda value: value.update(api_key="REDACTED"))
    found = _match(asked, Match.STRICT, (), _recorded(masked))
    assert found == Found(0, Rung.TOLERATED, ("api_key was masked in the recording",))


def test_a_path_or_method_that_differs_is_no_member_to_ignore():
    matcher = Matcher([_recorded(_asked())])
    missed = matcher.match("POST", "/v1/responses", _asked())
    assert isinstance(missed, Miss)
    assert missed.differences == ("path recorded /v1/chat/completions, sent /v1/responses",)
    assert missed.ignore == ()
    assert isinstance(matcher.match("GET", PATH, _asked()), Miss)


def test_equal_requests_are_answered_in_recorded_order_and_the_last_one_again():
    recorded = [_recorded(_asked(), name=name) for name in ("first", "second")]
    matcher = Matcher(recorded, ignore=("metadata",))
    labelled = _asked(lambda value: value["metadata"].update(run="2"))
    asked = [_asked(), labelled, labelled, _asked()]
    answers = [matcher.match("POST", PATH, body) for body in asked]
    assert [one.index for one in answers if isinstance(one, Found)] == [0, 1, 1, 1]


def test_what_is_exact_is_preferred_to_what_is_tolerated():
    recorded = [_recorded(_asked(lambda value: value.update(user="bob")), name="bob"), _recorded(_asked())]
    found = _match(_asked(), Match.LADDER, (), *recorded)
    assert isinstance(found, Found)
    assert (found.index, found.rung) == (1, Rung.EXACT)


def test_a_recording_of_unknown_request_answers_what_nothing_else_does():
    recorded = [candidate(["unknown"], None), _recorded(_asked())]
    assert _match(_asked(), Match.STRICT, (), *recorded) == Found(1, Rung.EXACT)
    assert _match(b'{"other": 1}', Match.STRICT, (), *recorded) == Found(0, Rung.EXACT)


def test_a_name_is_taken_whatever_is_asked():
    found = Matcher([_recorded(_asked(), name="a b")]).match("GET", "/@a%20b/v1/models", b"")
    assert found == Found(0, Rung.NAMED)


@pytest.mark.parametrize(
    ("pattern", "path", "allowed"),
    [
        ("metadata", "metadata", True),
        ("metadata", "metadata.run.deep", True),
        ("metadata", "metadata2", False),
        ("metadata.*", "metadata.run", True),
        ("metadata.*", "metadata", False),
        ("messages[*].id", "messages[12].id", True),
        ("messages[*].id", "messages[12].content", False),
        ("messages[0]", "messages[0].content", True),
        ("messages[0]", "messages[10].content", False),
        ("*.id", "thing.id", True),
        ("a.c", "axc", False),
    ],
)
def test_a_declared_path_is_itself_and_what_is_below(pattern, path, allowed):
    assert Ignored([pattern]).allows(path) is allowed


@pytest.mark.parametrize("pattern", ["", "a..b", "messages[x].id", "messages[", "$.a["])
def test_what_is_no_path_is_refused(pattern):
    with pytest.raises(UsageError, match="no path to ignore"):
        Ignored([pattern])


def test_bodies_nested_without_end_are_compared_without_harm():
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    recorded = _recorded(deep)
    assert isinstance(_match(deep, Match.STRICT, (), recorded), Found)
    assert isinstance(_match(deep.replace(b"1", b"2"), Match.STRICT, (), recorded), Miss)
