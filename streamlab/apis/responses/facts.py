"""The facts of an event of a Responses stream, by which rules and repairs are asked."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from streamlab.wire.reading import distinct_bits


@distinct_bits
class ResponseFact:
    """Bits beside those that every API has (wire/reading.Fact)."""

    # what the event is
    LIFECYCLE: Final = 1 << 40  # carries the response
    TERMINAL: Final = 1 << 41  # ends it
    ITEM_ADDED: Final = 1 << 42
    ITEM_DONE: Final = 1 << 43
    PART: Final = 1 << 44  # opens or closes a part
    DELTA: Final = 1 << 45  # every one: expensive, wait for something more telling where you can
    DONE: Final = 1 << 46  # the whole of a text or of arguments
    ERROR: Final = 1 << 47
    KEEPALIVE: Final = 1 << 48  # OpenAI's own
    OTHER: Final = 1 << 49  # any other event of this API
    # what is odd about it; the reader says more in `odd`
    NAME: Final = 1 << 50  # event line missing, or not the type
    UNTYPED: Final = 1 << 51  # the type stands in the event line alone
    UNKNOWN: Final = 1 << 52  # a type of no event known here
    FOREIGN: Final = 1 << 53  # an object that is no event of this API
    NUMBER: Final = 1 << 54  # sequence_number absent, of another type, or not the next
    REPLAYED: Final = 1 << 55  # equal to an earlier event under the same number
    AFTER_END: Final = 1 << 56  # after the event that ends the response
    UNOPENED: Final = 1 << 57  # the first event, and not response.created
    AGAIN: Final = 1 << 58  # an item added or done a second time
    ORDER: Final = 1 << 59  # about something that was not opened, or is closed
    INDEX_GAP: Final = 1 << 60  # output_index is not the next
    INDEX_REUSED: Final = 1 << 61  # output_index of another item
    ITEM_TWICE: Final = 1 << 62  # the id of another item
    IDS: Final = 1 << 63  # another id than the response or the item had
    CALL_TWICE: Final = 1 << 64  # the call_id of another call
    CHANGED: Final = 1 << 65  # another name or call_id than the item was opened with
    OVERLAP: Final = 1 << 66  # about an item although a later one was opened
    PART_INDEX: Final = 1 << 67  # content_index or summary_index is not the next
    ITEM_TYPE: Final = 1 << 68  # an item of a type that is not known here
    NO_INDEX: Final = 1 << 69  # no output_index
    NO_CONTENT_INDEX: Final = 1 << 70
    NO_SUMMARY_INDEX: Final = 1 << 71
    NO_ITEM_ID: Final = 1 << 72
    NO_MEMBER: Final = 1 << 73  # what the event is about is missing
    NO_RESPONSE: Final = 1 << 74  # no response in an event that carries it
    DELTA_TYPE: Final = 1 << 75  # delta is no string
    HEARTBEAT: Final = 1 << 76  # a keep-alive in the clothes of a delta
    MISMATCH: Final = 1 << 77  # not what the deltas came to
    NO_DELTAS: Final = 1 << 78  # a text or arguments of which no delta came
    INNER_DONE: Final = 1 << 79  # an item is done whose parts or pieces are not
    NO_LOGPROBS: Final = 1 << 80
    UNADDED: Final = 1 << 82  # about an item that was never added
    UNPARTED: Final = 1 << 83  # about a part that was never added
    FINAL: Final = 1 << 81  # the response that ends is not what was streamed


class Odd(NamedTuple):
    """Something odd about the event read last: which fact, the member, what it is and what it should be.

    ``form`` is the form of the deviation, in the words of the rule's `variants`; None for the plain one.
    """

    fact: int
    path: str | None
    said: str
    expected: Any = None
    actual: Any = None
    form: str | None = None


_F = ResponseFact
#: Facts of what is odd; an event with none of them is as it should be. Repairs look at every event from then on.
ODD: Final = (
    _F.NAME | _F.UNTYPED | _F.UNKNOWN | _F.FOREIGN | _F.NUMBER | _F.REPLAYED | _F.AFTER_END | _F.UNOPENED | _F.AGAIN
    | _F.ORDER | _F.INDEX_GAP | _F.INDEX_REUSED | _F.ITEM_TWICE | _F.IDS | _F.CALL_TWICE | _F.CHANGED | _F.OVERLAP
    | _F.PART_INDEX | _F.ITEM_TYPE | _F.NO_INDEX | _F.NO_CONTENT_INDEX | _F.NO_SUMMARY_INDEX | _F.NO_ITEM_ID
    | _F.NO_MEMBER | _F.NO_RESPONSE | _F.DELTA_TYPE | _F.HEARTBEAT | _F.MISMATCH | _F.NO_DELTAS | _F.INNER_DONE
    | _F.NO_LOGPROBS | _F.FINAL | _F.UNADDED | _F.UNPARTED
)  # fmt: skip
