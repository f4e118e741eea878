"""The facts of an event of a Messages stream, by which rules and repairs are asked."""

from __future__ import annotations

from typing import Final


class MessageFact:
    """Bits beside those that every API has (wire/reading.Fact)."""

    # what the event is
    START: Final = 1 << 40
    BLOCK_START: Final = 1 << 41
    DELTA: Final = 1 << 42  # every one: expensive, wait for something more telling where you can
    BLOCK_STOP: Final = 1 << 43
    MESSAGE_DELTA: Final = 1 << 44
    STOP: Final = 1 << 45
    PING: Final = 1 << 46
    ERROR: Final = 1 << 47
    WHOLE: Final = 1 << 48  # a whole message, as it comes when no stream was asked for
    FOREIGN: Final = 1 << 49  # an object that is no event of this API
    # what is odd about it
    NAME: Final = 1 << 50  # event line missing, or not the type; or no type
    UNKNOWN: Final = 1 << 51  # the type of the event, of its block or of its delta is none that is known
    UNOPENED: Final = 1 << 52  # the first event that needs a message_start, and none has come
    AGAIN: Final = 1 << 53  # message_start, message_stop or content_block_stop a second time
    STRAY: Final = 1 << 54  # about a block that was never opened
    LATE: Final = 1 << 55  # a delta after its block was closed, or content after message_delta
    OVERLAP: Final = 1 << 56  # about an open block although a later one was opened
    INDEX: Final = 1 << 57  # index absent, of another type, used before or not the next
    RESTARTED: Final = 1 << 58  # the start of the open block again
    MISFIT: Final = 1 << 59  # the delta's type does not fit its block
    MEMBER: Final = 1 << 60  # the delta has no type, or its member is missing or no string
    EXTRA: Final = 1 << 61  # the delta has reasoning beside what it should have
    AFTER_STOP: Final = 1 << 62  # after message_stop
    AFTER_ERROR: Final = 1 << 63  # after an error
    # what repairs wait for
    SIGNATURE: Final = 1 << 64  # the signature of thinking, which should come last


_F = MessageFact
#: Facts of what is odd; an event with none of them is as it should be.
ODD: Final = (
    _F.WHOLE | _F.FOREIGN | _F.NAME | _F.UNKNOWN | _F.UNOPENED | _F.AGAIN | _F.STRAY | _F.LATE | _F.OVERLAP | _F.INDEX
    | _F.RESTARTED | _F.MISFIT | _F.MEMBER | _F.EXTRA | _F.AFTER_STOP | _F.AFTER_ERROR
)  # fmt: skip
