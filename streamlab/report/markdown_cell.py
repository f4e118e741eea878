"""Text of others in Markdown: in a cell of a table, and with tags that are text."""

from __future__ import annotations

from streamlab.lazy_pattern import lazy_pattern
from streamlab.wire.visible import visible

#: What is as it should be: blocks and spans of code, comments, addresses. And what begins a tag.
_TAG = lazy_pattern(r"(?ms)^```.*?^```|(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)|<!--.*?-->|<https?:|<(?=[a-zA-Z/])")


def cell(text: str, longest: int) -> str:
    """Text of anybody's that neither ends the cell nor begins a tag."""
    return visible(text, longest).replace("|", "\\|").replace("<", "&lt;")


def without_tags(page: str) -> str:
    """The Markdown, in which a tag outside code is text to read, and swallowed by nobody."""
    return _TAG.sub(lambda match: "&lt;" if match.group() == "<" else match.group(), page)
