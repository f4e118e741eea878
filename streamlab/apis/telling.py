"""Which API a path, a head or the first bytes betray. Chat, which most streams are, is told without loading the others.

The shortcuts say what `known` would: no other API has a path that ends so, or is asked first about such an object.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from streamlab.apis.chat.api import API as _CHAT
from streamlab.apis.unknown import API as _UNKNOWN
from streamlab.exchange import ResponseHead
from streamlab.rules.api import Api

__all__ = ["DEFAULT", "UNKNOWN", "api_of_bytes", "api_of_head", "api_of_json", "api_of_path"]

#: The API of a stream that betrays none, or none yet, and what one is taken for that betrays nothing.
UNKNOWN: Api = _UNKNOWN
DEFAULT: Api = _CHAT
#: By one of these in a header, a response may be another API's.
_IN_HEADS = ("x-vercel-ai-", "amazon.eventstream")
#: What bodies begin with that are text.
_TEXT = frozenset(b'{[:\r\n \t"') | frozenset(range(ord("a"), ord("z") + 1))


@lru_cache(64)
def api_of_path(url: str) -> Api:
    """The API a URL or bare path names; UNKNOWN when it names none."""
    if _plain_path(url).endswith(DEFAULT.path_ends):
        return DEFAULT
    from streamlab.apis import known

    return known.api_of_path(url)


def _plain_path(url: str) -> str:
    """The path of a URL, or a bare path, where it has no query and is plain to see; else ""."""
    if not url.isascii() or not url.isprintable() or set(url) & set("?#[]"):
        return ""
    if url.startswith(("http://", "https://")):
        return "/" + url.partition("://")[2].partition("/")[2]
    return url if url.startswith("/") and not url.startswith("//") else ""


def api_of_json(value: Any) -> Api:
    """The API whose stream (or whole answer) this object belongs to; UNKNOWN when it betrays none."""
    if not isinstance(value, dict):
        return UNKNOWN
    if _is_chunk(value):
        return DEFAULT
    from streamlab.apis import known

    return known.api_of_json(value)


def _is_chunk(value: dict[str, Any]) -> bool:
    """Whether it is a chunk of chat and has nothing by which an API could claim it that is asked before."""
    choices = value.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict) or "delta" not in choices[0]:
        return False
    return value.get("object") == "chat.completion.chunk" and "type" not in value and "jsonrpc" not in value


def api_of_head(head: ResponseHead | None) -> Api:
    """The API whose answer a response's headers announce; UNKNOWN when they announce none."""
    if head is None:
        return UNKNOWN
    told = "\n".join([one for pair in head.headers for one in pair]).lower()
    if not any(mark in told for mark in _IN_HEADS):
        return UNKNOWN
    from streamlab.apis import known

    return known.api_of_head(head)


def api_of_bytes(start: bytes) -> Api:
    """The API of a binary body; UNKNOWN when it is of none."""
    if not start or start[0] in _TEXT:
        return UNKNOWN
    from streamlab.apis import known

    return known.api_of_bytes(start)
