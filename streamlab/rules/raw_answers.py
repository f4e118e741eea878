"""An answer that a server sends once more, as raw text, after its beginning went out as chunks, as GLM-4's does."""

from __future__ import annotations

from streamlab.rules.state import RuleState
from streamlab.wire.events import StreamEvent, Undecodable


def is_answer_again(ctx: RuleState, event: StreamEvent) -> bool:
    """Whether an event that is no JSON begins with all of the answer so far: it holds the rest, and the end."""
    if not isinstance(event, Undecodable) or event.sse.data is None:
        return False
    choice = getattr(ctx.accumulator, "choices", {}).get(0)
    said = str(choice.content).strip() if choice is not None else ""
    text = event.sse.data.decode("utf-8", "replace").strip()
    # A line end in the answer may have torn it into several events.
    return bool(said and text) and (text.startswith(said) or said.startswith(text))
