"""By which written promise something is an error, where no client is named."""

from __future__ import annotations

from streamlab.apis.registry import rule_named
from streamlab.rules.sources import OF_CHAT, OF_ERRORS, Source


def promise_of(rule: str, api: str = "") -> str | None:
    """The document and the place in it; None where it is written nowhere, or where there is no such rule any more.

    ``api`` is that of the finding: what OpenAI writes of chat binds nobody who answers by another API, whose own
    document says the like.
    """
    found = rule_named(rule)
    source = _of_api(found.source, api) if found is not None else None
    return str(source) if source is not None and source.is_written else None


def _of_api(source: Source, name: str) -> Source:
    if source not in OF_CHAT and source not in OF_ERRORS:
        return source
    from streamlab.apis import api_named

    api = api_named(name) if name else None
    own = None
    if api is not None and source in OF_CHAT:
        own = api.streaming
    elif api is not None and source in OF_ERRORS:
        own = api.errors
    return own or source
