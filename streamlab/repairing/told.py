"""What repairs are told of chunks that go out: what they add, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Iterable

from streamlab.judging.stream_reader import UNLIKE
from streamlab.rules.repair import Added, Draft, Repair, RepairState
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.learnt import text_at
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run


def remember(state: RepairState, draft: Draft) -> None:
    """Note a chunk that goes out."""
    state.chunks += 1
    if draft.json.get("id") or state.api.names_events:  # Azure's asides have none
        state.went = draft.json
    for choice in reading.choices(draft.json):
        text = reading.content(reading.delta(choice))
        if text:
            state.texts.add(reading.choice_index(choice), text)
    state.api.went_out(draft.json, state)


def added_of(state: RepairState, event: Chunk, facts: int) -> Added | None:
    """What a chunk adds, when it does nothing else. Of what shape it is, repairs have been asked."""
    varying = None if facts & UNLIKE & ~Fact.SHAPE else state.api.varying(event.json)
    return None if varying is None else Added(varying, event.json, [text_at(event.json, varying)])


def added_by(run: Run) -> Added:
    return Added(run.template.varying, run.template.chunk, run.texts)


def shape_matters(chunk: JsonObject, repairs: Iterable[Repair]) -> bool:
    """Whether a repair waits for chunks of this shape."""
    return any(one.shape(chunk) for one in repairs if type(one).shape is not Repair.shape)
