"""What a hop changed in the request: members it added, left out or gave another value, the model's name aside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from streamlab.apis import parted_path
from streamlab.comparing.comparison import Difference, Kind, severity_of
from streamlab.comparing.conversations import prompt_of, strings_of
from streamlab.comparing.parity import request_body
from streamlab.comparing.wording import shown
from streamlab.exchange import Exchange
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object, request_tools
from streamlab.wire.visible import visible

#: Where the conversation stands; requests with the same of these are in one protocol.
_PROMPTS = frozenset({"messages", "contents", "input", "prompt"})
#: Members that are compared as what they hold, or are every hop's to choose.
_TOLD_APART = _PROMPTS | {"model", "tools", "functions"}
#: Objects in which protocols keep what others have at the top.
_INNER = frozenset({"generation_config", "options", "inference_config"})
#: What every protocol has under some name, and changes the answer.
_SETTINGS = {
    **{name: name for name in ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")},
    **dict.fromkeys(
        ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "num_predict"), "max_tokens"
    ),
    **dict.fromkeys(("stop", "stop_sequences"), "stop"),
}
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def request_differences(a: Exchange, b: Exchange) -> Iterator[Difference]:
    """What b's request, which the client sent, and a's, which the hop made of it, differ in; nothing where one of them
    is unknown, or they are no two forms of one question. Of a request in another protocol only the settings count that
    all of them have."""
    came, went = request_body(b), request_body(a)
    if not came or not went or prompt_of(came) not in {*strings_of(went), ""}:
        return
    if _PROMPTS & came.keys() == _PROMPTS & went.keys() and _place(a) == _place(b):
        names = dict.fromkeys((*came, *went))
        pairs = [(one, came.get(one), went.get(one)) for one in names if one not in _TOLD_APART]
        yield from _conversation(came, went)
    else:
        first, second = _settings(came), _settings(went)
        pairs = [(one, first.get(one), second.get(one)) for one in dict.fromkeys((*first, *second))]
        if "stream_options" in went.keys() - came.keys():
            pairs.append(("stream_options", None, went["stream_options"]))
    for name, was, now in pairs:
        if _plain(was) != _plain(now):
            yield _told(name, was, now)
    tools = request_tools(came), request_tools(went)
    if tools[0] != tools[1]:
        gone, new = sorted(tools[0] - tools[1]), sorted(tools[1] - tools[0])
        parts = [f"without {shown(', '.join(gone))}"] if gone else []
        parts += [f"with {shown(', '.join(new))} of its own"] if new else []
        yield _difference("tools", f"offered the tools {' and '.join(parts)}", sorted(tools[0]), sorted(tools[1]))


def _place(exchange: Exchange) -> str:
    """The last word of the path, which is the same wherever an API is mounted."""
    path = parted_path(exchange.request.url)[0] if exchange.request is not None else ""
    return path.rstrip("/").rpartition("/")[2].rpartition(":")[2]


def _conversation(came: JsonObject, went: JsonObject) -> Iterator[Difference]:
    for name in _PROMPTS & came.keys():
        first, second = _turns(came[name]), _turns(went[name])
        if first != second:
            words = f"changed the conversation in `{name}`"
            if len(first) != len(second):
                words += f" ({len(first)} turns became {len(second)})"
            yield _difference(name, words, len(first), len(second))


def _turns(value: Any) -> list[tuple[Any, str]]:
    """Role and text of each turn, whichever way its text is put."""
    turns = value if isinstance(value, list) else [value]
    return [(as_object(turn).get("role"), "".join(_texts(turn))) for turn in turns]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name in ("content", "parts", "text"):
            yield from _texts(value.get(name))


def _settings(body: JsonObject) -> dict[str, Any]:
    found = {}
    for one in (body, *(as_object(body[name]) for name in body if _snake(name) in _INNER)):
        for name, value in one.items():
            if known := _SETTINGS.get(_snake(name)):
                found[known] = value
    return found


def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


def _plain(value: Any) -> Any:
    """A value as it counts: null is absent, one word in a list is the word, 1.0 is 1."""
    if isinstance(value, list) and len(value) == 1:
        value = as_list(value)[0]
    return float(value) if type(value) is int else value


def _told(name: str, was: Any, now: Any) -> Difference:
    shape = f"`{visible(name, 40)}: {{}}`"
    if was is None:
        words = f"asked with {shape.format(shown(now))} of its own"
    elif now is None:
        words = f"left out {shape.format(shown(was))}"
    else:
        words = f"asked with {shape.format(shown(now))} in place of {shown(was)}"
    return _difference(name, words, was, now)


def _difference(name: str, words: str, was: Any, now: Any) -> Difference:
    return Difference(
        Kind.REQUEST_CHANGED, severity_of(Kind.REQUEST_CHANGED), words, path=name, a_value=now, b_value=was
    )
