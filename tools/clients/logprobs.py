"""Perfect texts with logprobs, and with logprobs of another shape: what logprobs-shape tells of."""

from __future__ import annotations

from typing import Any

from as_completions import as_completions
from bends import TEXT

from streamlab.exchange import Exchange
from tests.streams import Payload, exchange, sse


def _entry(token: str) -> Payload:
    return {"token": token, "logprob": -0.1, "bytes": list(token.encode()), "top_logprobs": []}


def _legacy(token: str) -> Payload:
    return {"tokens": [token], "token_logprobs": [-0.1], "top_logprobs": [{token: -0.1}], "text_offset": [0]}


def _having(shape: Any) -> Exchange:
    """The perfect text, each of its pieces with what ``shape`` makes of the token."""
    payloads = []
    for payload in TEXT:
        choice = payload["choices"][0]
        told = {"logprobs": shape(choice["delta"]["content"])} if choice["delta"].get("content") else {}
        payloads.append({**payload, "choices": [{**choice, **told}]})
    return exchange(sse(payloads))


def _content(change: Any) -> Exchange:
    """Logprobs of OpenAI's shape, but for what ``change`` makes of each entry."""
    return _having(lambda token: {"content": [change(_entry(token))], "refusal": None})


def _but(**members: Any) -> Any:
    return lambda entry: {**entry, **members}


def _without(key: str) -> Any:
    return lambda entry: {name: value for name, value in entry.items() if name != key}


def _always(value: Any) -> Any:
    return lambda token: value


_OF_NO_API = {
    "list": lambda token: [_entry(token)],
    "list-empty": _always([]),
    "text": lambda token: token,
    "text-empty": _always(""),
    "number": _always(-0.1),
    "empty": _always({}),
    "foreign": lambda token: {"values": [-0.1]},
}
_OF_CHAT = {
    **{name: _having(shape) for name, shape in _OF_NO_API.items()},
    "content-object": _having(lambda token: {"content": _entry(token), "refusal": None}),
    "content-text": _having(lambda token: {"content": token, "refusal": None}),
    "content-number": _having(lambda token: {"content": 1, "refusal": None}),
    "content-object-empty": _having(lambda token: {"content": {}, "refusal": None}),
    "content-text-empty": _having(lambda token: {"content": "", "refusal": None}),
    "refusal-object": _having(lambda token: {"content": [_entry(token)], "refusal": _entry(token)}),
    "refusal-text": _having(lambda token: {"content": [_entry(token)], "refusal": "no"}),
    "refusal-alone": _having(_always({"refusal": None})),
    "content-alone": _having(_always({"content": None})),
    "entry-text": _having(lambda token: {"content": [token], "refusal": None}),
    "entry-null": _having(lambda token: {"content": [None], "refusal": None}),
    "no-token": _content(_without("token")),
    "token-null": _content(_but(token=None)),
    "token-number": _content(_but(token=1)),
    "no-logprob": _content(_without("logprob")),
    "logprob-null": _content(_but(logprob=None)),
    "logprob-text": _content(_but(logprob="-0.1")),
    "no-top": _content(_without("top_logprobs")),
    "top-null": _content(_but(top_logprobs=None)),
    "top-object": _content(_but(top_logprobs={})),
    "top-text": _content(_but(top_logprobs="")),
    "bare": _content(lambda entry: {key: entry[key] for key in ("token", "logprob")}),
    "no-bytes": _content(_without("bytes")),
    "legacy": _having(_legacy),
}
_OF_COMPLETIONS = {
    **{name: as_completions(_having(shape)) for name, shape in _OF_NO_API.items()},
    "chat": as_completions(_content(dict)),
    **{
        f"no-{key}": as_completions(_having(lambda token, key=key: _without(key)(_legacy(token))))
        for key in _legacy("")
    },
}
LOGPROBS = {f"text.logprobs-{name}": made for name, made in _OF_CHAT.items()}
LOGPROBS_OF_COMPLETIONS = {f"completions.logprobs-{name}": made for name, made in _OF_COMPLETIONS.items()}
#: Beside which they are read.
LOGPROBS_PERFECT = dict.fromkeys(LOGPROBS, _content(dict)) | dict.fromkeys(
    LOGPROBS_OF_COMPLETIONS, as_completions(_having(_legacy))
)
