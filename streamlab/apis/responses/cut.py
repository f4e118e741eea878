"""Whether a finished response was cut."""

from __future__ import annotations

from streamlab.rules.base import quote
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object


def cut(response: JsonObject) -> str:
    """What shows that a finished response was cut; "" where nothing does."""
    reason = as_object(response.get("incomplete_details")).get("reason")
    if reason:
        return f"incomplete because of {quote(reason)}"
    for item in as_list(response.get("output")):
        if as_object(item).get("status") == "incomplete":
            return f"its {as_object(item).get('type')} is incomplete"
    return ""
