"""A whole response becomes the events that it would have been as a stream."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.responses.repairs.events import begun, item_events
from streamlab.rules.repair import Change, Chunk, Draft, RepairState
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list

_RULE = "nonstream-json-for-stream"


def streamed(response: JsonObject, state: RepairState) -> Iterator[Draft]:
    """The two events that open it, those of each item, and the one that ends it."""
    status = response.get("status")
    ended = status if status in ("completed", "incomplete", "failed") else "completed"
    values = [*begun(response)]
    for index, item in enumerate(as_list(response.get("output"))):
        if type(item) is dict:
            values += item_events(item, index)
    values.append({"type": f"response.{ended}", "response": response})
    for value in values:
        yield Draft(Chunk(None, value), (state.at,), [Change(_RULE, "")])
