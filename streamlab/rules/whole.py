"""What an exchange shows once it is over, in bits beside those of events (`Fact`): for `Rule.ends_after` alone."""

from __future__ import annotations

from typing import Final

from streamlab.exchange import Ending
from streamlab.rules.state import RuleState
from streamlab.wire.bodies import BodyKind
from streamlab.wire.reading import distinct_bits


@distinct_bits
class Whole:
    """Bits that no fact of an event has; combine with ``|``, and with facts."""

    HEADERS: Final = 1 << 32  # a response with headers, other than the one that says that it is an event stream
    NO_STREAM: Final = 1 << 33  # the body is no event stream, or begins as the parts of one message do
    CODED: Final = 1 << 34  # it came coded, or in binary frames
    CUT: Final = 1 << 35  # it did not end properly
    FOREIGN: Final = 1 << 36  # it is an answer in another protocol than the path promised
    NO_CHUNK: Final = 1 << 37  # no chunk came
    HOLLOW: Final = 1 << 38  # no event says anything, but that it is done
    NO_DONE: Final = 1 << 39  # no [DONE] came
    TRACKED: Final = 1 << 40  # a tracker read its events: it is another API's than chat's
    CALLS: Final = 1 << 41  # the answer holds calls, as far as that is known without a tracker
    TAGS: Final = 1 << 42  # its text or reasoning holds what tags begin with


_EVENT_STREAM: Final = (("content-type", "text/event-stream"),)
_TAGS: Final = ("<", "[", "◁")


def facts_of_whole(ctx: RuleState, wanted: int) -> int:
    """What of ``wanted`` is true of an exchange that is over, as far as that takes looking for."""
    seen, received = ctx.seen, ctx.received
    facts = 0
    if ctx.head is not None and ctx.head.headers and ctx.head.headers != _EVENT_STREAM:
        facts |= Whole.HEADERS
    if received.kind is not BodyKind.SSE or received.prefix.lstrip().startswith(b"--"):
        facts |= Whole.NO_STREAM
    if received.coding_fault is not None or received.coded_parts or received.framed:
        facts |= Whole.CODED
    if ctx.ending is not Ending.COMPLETE:
        facts |= Whole.CUT
    if received.foreign is not None:
        facts |= Whole.FOREIGN
    if not seen.chunks:
        facts |= Whole.NO_CHUNK
    if seen.data_events <= seen.hollow + (seen.done_at is not None):
        facts |= Whole.HOLLOW
    if seen.done_at is None:
        facts |= Whole.NO_DONE
    if ctx.tracker is not None:
        facts |= Whole.TRACKED
    if wanted & Whole.CALLS and _holds_calls(ctx):
        facts |= Whole.CALLS
    if wanted & Whole.TAGS and _holds_tags(ctx):
        facts |= Whole.TAGS
    return facts


def _holds_calls(ctx: RuleState) -> bool:
    if ctx.calls.calls:
        return True
    return any(one.calls or one.function_call is not None for one in ctx.accumulator.choices.values())


def _holds_tags(ctx: RuleState) -> bool:
    return any(tag in text for _, _, *texts in ctx.said() for text in texts for tag in _TAGS)
