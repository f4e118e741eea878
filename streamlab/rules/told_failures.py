"""Events that report a failure in any clothes. Where one came, what is missing of the answer is its consequence."""

from __future__ import annotations

from streamlab.wire import error_objects, reading
from streamlab.wire.events import Chunk, StreamEvent, Undecodable


def tells_a_failure(event: StreamEvent) -> bool:
    """Whether an event reports a failure: a flat object, an error inside a choice, or what is no JSON object and reads
    like one, a comment included. An ``error`` member is known to everybody, and is not asked for here."""
    if not isinstance(event, Chunk):
        return event.sse is not None and error_objects.tells_of_failure(event.sse.raw)
    name = event.sse.event if event.sse is not None else None
    if error_objects.failed_event(name, event.json) is not None:
        return True
    return any(choice.get("error") or reading.delta(choice).get("error") for choice in reading.choices(event.json))


def failed_by_name(event: StreamEvent) -> bool:
    """Whether what is no JSON object reports a failure and is a finding by itself: a comment is none."""
    sse = event.sse
    if sse is None or isinstance(event, Chunk):
        return False
    return error_objects.failed_without_data(sse) or (type(event) is Undecodable and tells_a_failure(event))
