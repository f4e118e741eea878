"""How a message closes: one message_delta, message_stop, nothing more. A message that broke off ends with an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from streamlab.apis.anthropic.blocks import Block
from streamlab.apis.anthropic.expectations import (
    BLOCK_DELTA,
    BLOCK_START,
    BLOCK_STOP,
    CUTTING_REASONS,
    FOREIGN_STOP_REASONS,
    MESSAGE_DELTA,
    MESSAGE_STOP,
)
from streamlab.apis.anthropic.inputs import InputFault, fault_of
from streamlab.apis.anthropic.reader import MessageReader
from streamlab.apis.anthropic.repairs.parts import Message, Part, is_quiet, kind_of, made
from streamlab.apis.anthropic.repairs.usage import are_counts, keep_input, right_usage
from streamlab.exchange import Ending
from streamlab.rules.repair import ABSENT, Change, Chunk, Draft, Drafts, ErrorPayload, Origin, Undecodable, unended
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object

_MOST_BEHIND: Final = 256
_WORD = "messages-stop-reason-unknown"
_REPEATED, _LATE = "messages-delta-repeated", "messages-content-after-close"


class Closing(Part):
    """Holds message_delta until message_stop, since a block or another one may follow."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self._delta: Draft | None = None
        self._stopped: Draft | None = None  # message_stop, while the reason may come behind it
        self._called = self._whole = False  # what had come then: a call, and nothing that is half
        self._doubtful = False  # the reason that came late does not fit
        self._behind: list[Draft] = []  # what came behind it meanwhile
        self._pings: list[Draft] = []
        self._begun = self._dropped = False  # content came; and what came after the end went
        self._moved = False  # content came after message_delta
        self._open: set[Any] = set()  # the indexes of open blocks

    @property
    def holding(self) -> bool:
        """Whether message_delta or message_stop is held back."""
        return self._delta is not None or self._stopped is not None

    def take(self, draft: Draft) -> Drafts:
        """What becomes of one event."""
        return tuple(self._take(draft))

    def _take(self, draft: Draft) -> Iterator[Draft]:
        kind = kind_of(draft)
        if self._stopped is not None and not is_quiet(draft):
            told = kind == MESSAGE_DELTA and self._told_late(draft)
            if not told:
                self._behind.append(draft)
            if told or self.message.passing or len(self._behind) >= _MOST_BEHIND:
                yield from self._let_stop(told=told)
            return
        if self.message.passing:
            if kind in (BLOCK_START, BLOCK_STOP):
                self._follow(kind, draft.json.get("index"))
            if not kind.startswith("content_block_"):  # what waited of the message that is over comes before its end
                yield from self._release()
            yield draft
        elif self.message.ended:
            yield from self._after(draft, kind)
        elif is_quiet(draft):
            yield from self._ping(draft)
        elif kind == MESSAGE_DELTA:
            self._hold(draft)
        elif kind == MESSAGE_STOP:
            yield from self._stop(draft)
        elif type(draft.event) is ErrorPayload:
            yield from self._release()
            self.message.ended = True
            yield draft
        else:
            self._begun = True
            stays = self._stays(draft) and self.message.stop_reason is not None
            # Behind content it would be one more, with that between; the end of a block goes before it.
            if stays or (self.message.told and kind in (BLOCK_START, BLOCK_DELTA)):
                yield from self._release()
            if kind in (BLOCK_START, BLOCK_STOP):
                self._follow(kind, draft.json.get("index"))
            # The stop of a block that comes after all is only late when the upstream sent it late.
            self._moved = self._moved or (self._delta is not None and (kind != BLOCK_STOP or bool(draft.event.sse)))
            yield draft

    def _stays(self, draft: Draft) -> bool:
        """Whether an event keeps its place behind message_delta: nobody can read it, or it fits nowhere."""
        if self._delta is None:
            return False
        unread = type(draft.event) is Undecodable and min(draft.sources, default=0) > max(
            self._delta.sources, default=0
        )
        return (unread and not self._open) or draft is self.message.as_came  # the end of a block goes before it

    def _follow(self, kind: str, index: Any) -> None:
        """Know which blocks are open; those that go out as they came may be about one that never was."""
        if kind == BLOCK_START and type(index) is int:
            self._open.add(index)
        elif kind == BLOCK_STOP and type(index) is int:
            self._open.discard(index)

    def idle(self) -> Drafts:
        """The stream keeps itself alive after its reason: it has nothing more to say, unless a block is open."""
        if self._open:
            return ()
        return (*self._let_stop(), *self._release())

    def finish(self, ending: Ending) -> Drafts:
        """message_stop where the reason is known; else an error event, so that nobody takes half for all."""
        stop = tuple(self._let_stop())
        return (*stop, *self._closing(ending))

    def _closing(self, ending: Ending) -> Drafts:
        reader = self.message.reader
        over = self.message.ended or (self.message.passing and (reader.stopped or reader.failed))
        if over or ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED):
            return tuple(self._release())
        return (*self._release(), *self._end(ending))

    def _end(self, ending: Ending) -> Iterator[Draft]:
        self.message.ended = True
        if self.message.stop_reason not in (None, "") and not (self.message.passing and self._open):
            yield _invented({"type": MESSAGE_STOP}, "messages-stop-missing")
            return
        state = self.message.state
        begun = not state.no_answer.hollow and (self._begun or self.message.reader.begun)
        rule = "messages-truncated"
        why = unended(state, ending, begun=begun, what="message", missing=rule, stops="in the middle")
        error = {"type": "error", "error": {"type": "api_error", "message": why.message}}
        change = Change(why.rule, "error", ABSENT, error["error"], Origin.INVENTED)
        yield Draft(ErrorPayload(None, error), (), [change], True)

    # -- message_delta -----------------------------------------------------------------------------------------------

    def _hold(self, draft: Draft) -> None:
        before, self._delta = self._delta, draft
        if before is None:
            return
        self.message.odd = True
        event, was = draft.json, before.json
        usage = {**as_object(was.get("usage")), **as_object(event.get("usage"))}
        delta = {**as_object(was.get("delta")), **_without_nulls(as_object(event.get("delta")))}
        if usage != event.get("usage") and usage:
            draft.put(_REPEATED, event, "usage", usage, "")
        if delta != event.get("delta"):
            draft.put(_REPEATED, event, "delta", delta, "")
        draft.sources = (*before.sources, *draft.sources)
        draft.changes.append(Change(_REPEATED, "", MESSAGE_DELTA, ABSENT))
        draft.changes[:0] = before.changes

    def _ping(self, draft: Draft) -> Iterator[Draft]:
        if self._open or self._stopped is not None or not self._has_reason:  # more has to come first
            yield draft
            return
        if self._delta is not None and not self._pings:
            self._pings.append(draft)
            return
        if self._delta is not None and self.message.stop_reason is not None:
            yield from self._release()
        yield draft

    @property
    def _has_reason(self) -> bool:
        """Whether the reason is there, in the message_delta that waits: that of the next one may be known already."""
        if self._delta is None:
            return self.message.stop_reason is not None
        return as_object(self._delta.json.get("delta")).get("stop_reason") is not None

    def _release(self) -> Iterator[Draft]:
        delta, self._delta = self._delta, None
        if delta is not None:
            self.message.told = True
            self._right(delta)
            if self._moved:
                delta.changes.append(Change(_LATE, "", "before content", "last"))
            yield delta
        pings, self._pings = self._pings, []
        yield from pings

    def _right(self, draft: Draft) -> None:
        delta = as_object(draft.json.get("delta"))
        word = delta.get("stop_reason")
        if type(word) is str and FOREIGN_STOP_REASONS.get(word) == "tool_use":
            if self.message.called:
                draft.put(_WORD, delta, "stop_reason", "tool_use", "delta.")
            else:
                self.message.cannot(_WORD, "no tool is called")
        if delta.get("stop_reason") == "end_turn" and self.message.called:
            rule = "messages-stop-reason-end-turn-with-tool"
            draft.put(rule, delta, "stop_reason", "tool_use", "delta.")

    # -- message_stop ------------------------------------------------------------------------------------------------

    def _stop(self, draft: Draft) -> Iterator[Draft]:
        if self.message.stop_reason in (None, ""):
            if self.message.state.unsafe and not _holder(draft.json).get("stop_reason"):
                self._stopped, self._called = draft, self.message.called  # before one is made up: it may come late
                self._whole = whole(self.message.reader)
                return
            self._reason(draft, runs=False)
        yield from self._release()
        self.message.ended = True
        yield draft

    def _told_late(self, draft: Draft) -> bool:
        """Whether message_delta tells the reason behind message_stop; it goes out before it then."""
        reason = as_object(draft.json.get("delta")).get("stop_reason")
        if type(reason) is not str or not reason:
            return False
        meant = FOREIGN_STOP_REASONS.get(reason, reason)
        fits = meant in CUTTING_REASONS or (whole(self.message.reader) and (meant != "tool_use" or self.message.called))
        self._doubtful = self._doubtful or not fits or any(kind_of(one) == BLOCK_START for one in self._behind)
        if self._doubtful:
            return False
        draft.note("messages-event-after-stop", "", "after message_stop", "before it")
        self.message.odd, self.message.stop_reason = True, meant
        self._hold(draft)
        return True

    def _let_stop(self, *, told: bool = False) -> Iterator[Draft]:
        """message_stop goes out, with a reason of our own where none was told."""
        stop, self._stopped = self._stopped, None
        if stop is None:
            return
        if self._doubtful:
            self.message.called = self._called
            self.message.cannot("messages-stop-reason-missing", "the reason that comes late does not fit what came")
        elif not told and not self.message.passing:
            self.message.stop_reason, self.message.called = None, self._called
            self._reason(stop, runs=self._whole)
        yield from self._release()
        self.message.ended = True
        yield stop
        behind, self._behind = self._behind, []
        for draft in behind:
            yield from (draft,) if self.message.passing else self._after(draft, kind_of(draft))

    def _reason(self, draft: Draft, *, runs: bool) -> None:
        """message_stop may hold the reason; unsafe: a call that is whole is to be run. Never an end of the turn."""
        rule, event = "messages-stop-reason-missing", draft.json
        holder = _holder(event)
        reason: Any = holder.get("stop_reason")
        origin = Origin.DERIVED
        if type(reason) is str and reason:
            draft.drop(rule, holder, "stop_reason", "")
        elif self.message.state.unsafe and runs and self.message.called:
            reason, origin = "tool_use", Origin.INVENTED
        else:
            self.message.cannot(rule, "why the message stops is not on the wire")
            return
        meant = FOREIGN_STOP_REASONS.get(reason)
        changes = []
        if meant not in (None, "tool_use"):  # as in the envelope: a call may be missing
            changes.append(Change(_WORD, "delta.stop_reason", reason, meant))
            reason = meant
        self.message.stop_reason = reason
        if self._delta is not None:
            self._delta.changes += changes
            self._delta.put(rule, self._delta.json, "delta", {"stop_reason": reason, "stop_sequence": None}, "", origin)
            return
        told = as_object(event.get("usage"))
        usage: JsonObject = {"output_tokens": 0}
        if told and are_counts(told):
            usage = dict(told)
            draft.drop(rule, event, "usage", "")
        count = self.message.reader.usage.get("output_tokens")
        delta = {"stop_reason": reason, "stop_sequence": None}
        self._delta = made({"type": MESSAGE_DELTA, "delta": delta, "usage": usage}, draft, rule, origin)
        right_usage(self._delta, usage, "usage.")
        keep_input(self._delta, usage, self.message.input)
        usage.setdefault("output_tokens", count if type(count) is int else 0)
        self._delta.changes += changes

    def _after(self, draft: Draft, kind: str) -> Iterator[Draft]:
        """What comes after the end."""
        reader = self.message.reader
        if is_quiet(draft):
            if self._dropped:  # nothing is left to be kept alive
                self.message.drop(draft, "messages-event-after-stop")
            else:
                yield draft
        elif reader.failed and not reader.stopped:
            self.message.drop(draft, "messages-answer-after-error")
        elif kind == MESSAGE_STOP and not self.message.behind_torn:  # half an event would come last
            self.message.drop(draft, "messages-stop-repeated")
        elif self.message.state.unsafe and not self._doubtful:
            self._dropped = True
            self.message.drop(draft, "messages-event-after-stop")
        else:
            self.message.cannot("messages-event-after-stop", "clients disagree about what comes after the end")
            yield draft


def whole(reader: MessageReader) -> bool:
    """Whether there are blocks, and every call among them can be run, once it is repaired."""
    return bool(reader.blocks) and all(_runs(one) for one in reader.blocks if one.is_tool)


def _runs(block: Block) -> bool:
    fault = fault_of(block)
    null = fault is InputFault.NOT_OBJECT and str(block.text).strip() == "null"
    return null or fault not in (InputFault.NOT_JSON, InputFault.NOT_OBJECT)


def _holder(stop: JsonObject) -> JsonObject:
    """Where message_stop holds the reason, if it does."""
    return stop if stop.get("stop_reason") else as_object(stop.get("delta"))


def _without_nulls(delta: JsonObject) -> JsonObject:
    return {key: value for key, value in delta.items() if value is not None}


def _invented(value: JsonObject, rule: str) -> Draft:
    return Draft(Chunk(None, value), (), [Change(rule, "", ABSENT, value.get("type"), Origin.INVENTED)], True)
