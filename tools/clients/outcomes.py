"""Compares what a client made of a stream with what the same client made of the perfect one.

A client that never shows usage is not blamed for it: only what it showed of the perfect stream can differ.
"""

from __future__ import annotations

import json
from typing import Any

Result = dict[str, Any]


def outcome(result: Result, perfect: Result | None, broken: bool) -> str | None:
    """The result in a word, as results/ have it: None where the client was not asked or could not read even the
    perfect stream, "same", "hang", ``error(library): TYPE: MESSAGE`` or ``wrong:LETTERS``.

    ``broken``: a good client reports an error on this stream, so ending without one is silent.
    """
    if result.get("ok") is None or perfect is None or not perfect.get("ok"):
        return None
    if result.get("hung"):
        return "hang"
    if not result["ok"]:
        message = str(result.get("error") or "")[:120]
        return f"error({result.get('error_in') or 'library'}): {result.get('error_type')}: {message}"
    letters = difference(result, perfect)
    return f"wrong:{letters}" + " [silent]" * broken if letters else "same"


def difference(result: Result, perfect: Result) -> str:
    """A letter for each thing that differs.

    t text, r reasoning, k number of calls, n names, a arguments, i ids, o order of the calls alone, v call marked
    invalid, f finish_reason, u usage.
    """
    found = [letter for letter, field in (("t", "text"), ("r", "reasoning")) if result[field] != perfect[field]]
    found += _calls(result.get("tool_calls") or [], perfect.get("tool_calls") or [])
    found += ["f"] * (result.get("finish_reason") != perfect.get("finish_reason"))
    found += ["u"] * (perfect.get("usage") is not None and result.get("usage") != perfect["usage"])
    return "".join(found)


def _calls(calls: list[Result], perfect: list[Result]) -> list[str]:
    if calls != perfect and sorted(map(_whole, calls)) == sorted(map(_whole, perfect)):
        return ["o"] if [one.get("id") for one in calls] != [one.get("id") for one in perfect] else []
    if len(calls) != len(perfect):
        return ["k"]
    views = {
        "n": lambda call: call.get("name"),
        "a": lambda call: _arguments(call.get("arguments")),
        "i": lambda call: call.get("id"),
        "v": lambda call: bool(call.get("invalid")),
    }
    return [letter for letter, view in views.items() if list(map(view, calls)) != list(map(view, perfect))]


def _whole(call: Result) -> str:
    return json.dumps([call.get("name"), _arguments(call.get("arguments")), call.get("id"), bool(call.get("invalid"))])


def _arguments(text: Any) -> list[Any]:
    """Arguments as JSON where they are, so that spaces and the order of keys make no difference."""
    if not isinstance(text, str) or not text:
        return ["", text or ""]
    try:
        return ["json", json.dumps(json.loads(text), sort_keys=True)]
    except ValueError:
        return ["text", text]
