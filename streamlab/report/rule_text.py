"""What a rule's docstring says, with the figures it asks for."""

from __future__ import annotations

import inspect

from streamlab.clients.figures import filled_in
from streamlab.rules.base import Rule


def title(rule: type[Rule]) -> str:
    """The first line: what is wrong, in a sentence."""
    return explanation(rule).partition("\n")[0]


def explanation(rule: type[Rule]) -> str:
    """All of it: what OpenAI does, why the deviation matters, how it is mended."""
    text = filled_in(inspect.cleandoc(rule.__doc__ or ""), rule.name)
    if ".rules.sse." in rule.__module__:
        return text + _READERS
    return text + _SERVERS if rule.name in _WITHOUT_AN_END else text


_READERS = """

## Readers
What readers of event streams make of lawful streams in many forms is measured: docs/sse-readers.md.
"""

#: What an answer lacks that its server ended in the middle.
_WITHOUT_AN_END = {
    "done-missing", "finish-reason-missing", "gemini-finish-missing", "messages-stop-missing", "messages-truncated",
    "ollama-done-missing", "responses-terminal-missing",
}  # fmt: skip

_SERVERS = """

## Servers
Some servers end an answer whose handler failed as if it were whole, which ones is measured: docs/sse-readers.md.
"""
