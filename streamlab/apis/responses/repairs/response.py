"""The repair of a Responses stream: what is said twice goes, what is missing and known comes, and each event gets its
place, its members, its number and its name; a response that stops without an end gets one that says so."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from streamlab.apis.responses.expectations import (
    CALL_INPUT,
    COMPLETED,
    CREATED,
    IN_DELTAS,
    IN_PROGRESS,
    INCOMPLETE,
    ITEM_DONE,
    LIFECYCLE,
    PIECES,
    family_of,
    input_in,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.fold import can_run
from streamlab.apis.responses.items import Item, held_pieces
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.ending import ResponseOut
from streamlab.apis.responses.repairs.errors import Failures
from streamlab.apis.responses.repairs.events import (
    SAID_BEFORE,
    begun,
    delta_event,
    inner_events,
    is_of_another_type,
    item_events,
    made,
    part_number,
    says_more,
)
from streamlab.apis.responses.repairs.foreign import foreign, known
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.apis.responses.repairs.lost_delta import LostDelta
from streamlab.apis.responses.repairs.mended import MENDED
from streamlab.apis.responses.repairs.numbering import Numbering
from streamlab.apis.responses.repairs.opened import OpenedHere
from streamlab.apis.responses.repairs.turns import Turns
from streamlab.apis.responses.repairs.undone import Undone
from streamlab.apis.responses.repairs.waiting import WaitingCall
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    LONGEST,
    Added,
    Chunk,
    Draft,
    Drafts,
    ErrorPayload,
    Repair,
    RepairState,
    Stage,
    Undecodable,
)
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object
from streamlab.wire.runs import Run

_F = ResponseFact
_IDS = ("id", "call_id")
_INPUTS = ("response.function_call_arguments", "response.custom_tool_call_input")


class ResponseRepair(Repair):
    """Reads every event as rules do, and changes what they find where the right value is known."""

    rules = MENDED
    stage = Stage.ENVELOPE
    takes_runs = True
    holds_back = (
        "a call added without name or call_id, or within another call, and what follows a null delta, until done (256 "
        "events at most)"
    )

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self.awake = True
        self._reader = ResponsesReader()
        self._items = ItemsOut(self._reader, state)
        self._response = ResponseOut(self._reader, state, self._items)
        self._failures = Failures(self._reader, state)
        self._numbers = Numbering(self._reader)
        self._waiting = WaitingCall(self._reader, self._items)
        self._turns = Turns(self._reader, self._items, state)
        self._plain = False  # the last event went out as it came
        self._lost = LostDelta(self._reader, state)
        self._doubtful = False  # an event was of another type than it said
        self._places = False  # … and items had been moved before
        self._opened_here = False  # response.created is ours
        self._opened = OpenedHere(self._reader, state, self._items)
        self._undone = Undone(self._reader, state, self._items, self._opened.items, self._turns)

    @property
    def holding(self) -> bool:
        """Whether a call or a delta is held back."""
        return self._waiting.holding or self._lost.holding or self._turns.holding

    @property
    def done(self) -> bool:
        """Whether the event that ends the response has come, and what it ends before it."""
        return self._reader.finished and not self._response.ended_early

    def event(self, draft: Draft) -> Drafts:
        event, self._plain = draft.event, False
        if isinstance(draft.event, Undecodable):
            if self._reader.finished and not self._response.ended_early:  # as whatever comes there
                self._drop(draft, "responses-events-after-terminal")
                return ()
            self._failures.torn(draft, draft.event)
            self._failures.nothing(draft)
        if not isinstance(draft.event, Chunk | ErrorPayload):
            return (draft,)
        self._failures.shape(draft)
        if not self._doubtful:
            self._failures.terminal(draft, self._response.lacks)
        facts = self._reader.read(draft.event)
        if self._stands_back(draft, facts):
            return (*self.release(), *self._as_it_is(draft, facts))
        out = list(self._repaired(draft, facts))
        if facts & _F.FOREIGN and not draft.is_chunk:
            return out  # a comment by now: those wait for nothing
        turns = self._turns.take(self._lost.take(out, facts), facts)
        out = [one for became in turns for one in self._waiting.take(*became)]
        if self._turns.holding:
            self._numbers.lost("responses-items-overlap")
        out = [self._numbers.number(one) for one in out]
        self._plain = out == [draft] and draft.event is event and not draft.changes
        return out

    def _stands_back(self, draft: Draft, facts: int) -> bool:
        """From an event on whose type is that of another one, nothing is told for certain, and all stays as it is."""
        item = self._reader.item
        ours = item is not None and facts & _F.ITEM_ADDED and self._opened.is_ours(facts, item)
        if (
            not self._doubtful
            and not ours
            and not facts & (_F.REPLAYED | _F.AFTER_END)
            and is_of_another_type(draft.json, self._reader.kind)
        ):
            self._doubtful = True
            self._places = self._items.moved
            self.state.account.cannot("responses-lifecycle-order", "an event says what one of another type would")
        return self._doubtful

    def _as_it_is(self, draft: Draft, facts: int) -> Iterator[Draft]:
        """An event of a stream of which nothing is certain; what was changed before it goes on as it began."""
        reader, item = self._reader, self._reader.item
        if facts & _F.REPLAYED:
            self._drop(draft, "responses-replayed-events")
            return
        if reader.kind in (COMPLETED, INCOMPLETE) and reader.terminal == reader.kind:
            response = as_object(draft.json.get("response"))
            ended = self._undone.of(draft, as_list(response.get("output")), self._opened.items)
            yield from map(self._numbers.number, ended)
            if self._places:
                self._response.named(draft, response)
        elif item is not None and self._opened.is_ours(facts, item):
            if not is_of_another_type(draft.json, reader.kind) and self._opened.repeats(draft, facts, item):
                self._drop(draft, "responses-lifecycle-order")
                return
            if facts & _F.ITEM_ADDED:  # no item that anybody knows, at an index that is that of ours
                self._items.aside(draft)
            elif self._places:
                self._items.place(draft, item)
        elif self._places and (about := item or reader.output.again) is not None:
            (self._items.place if item is not None else self._items.move)(draft, about)
        if reader.kind == CREATED and self._opened_here:  # it would be the second one
            draft.put("responses-created-missing", draft.json, "type", IN_PROGRESS, "")
        if draft.event.sse is None and facts & _F.UNTYPED:  # its event line has gone
            draft.put("responses-type-missing", draft.json, "type", reader.kind, "")
        goes_on = self._numbers.moved or self._numbers.renumbered or draft.event.sse is None
        yield self._numbers.number(draft) if goes_on else draft

    def passes_run(self, run: Run) -> bool:
        """The next deltas of a piece, of which the last one that was looked at went out as it came."""
        plain = self._plain and not self.holding and not self._reader.output.lost
        return plain and self._numbers.goes_on(run) and self._reader.growing(run) is not None

    def run_passed(self, run: Run) -> None:
        if (growing := self._reader.growing(run)) is not None:
            growing.extend(run.texts)
        self._numbers.passed(run)

    def unseen(self, added: Added) -> int:
        return LONGEST

    def end(self, ending: Ending) -> Drafts:
        held = self.release()
        if self._reader.finished or ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED):
            return held
        return (*held, *map(self._numbers.number, self._failures.end(ending, self._response.output())))

    def release(self) -> Drafts:
        """What waits does so no longer."""
        held = [one for became in self._turns.let_go() for one in self._waiting.take(*became)]
        held += [*self._waiting.let_go(), *self._lost.let_go()]
        return tuple(map(self._numbers.number, held))

    # -- one event ---------------------------------------------------------------------------------------------------

    def _repaired(self, draft: Draft, facts: int) -> Iterator[Draft]:
        reader = self._reader
        if reader.output.lost or facts & (_F.ERROR | _F.KEEPALIVE):
            yield draft
            return
        for fact, rule in SAID_BEFORE:
            if facts & fact:
                if fact == _F.AFTER_END and self._response.came_early(rule):
                    yield draft
                elif fact == _F.AGAIN and draft.json.get("usage"):
                    self.state.account.cannot(rule, "there is more in it than what came before")
                    yield from self._inside(draft, facts)
                else:
                    self._drop(draft, rule)
                return
        if facts & _F.FOREIGN:
            yield foreign(draft, begun=self._reader.begun, state=self.state)
            return
        if facts & _F.UNTYPED:
            draft.put("responses-type-missing", draft.json, "type", reader.kind, "")
        if facts & _F.UNKNOWN and not known(draft, facts, self._reader.kind, self.state):
            if draft.is_chunk and reader.item is not None and type(draft.json.get("output_index")) is int:
                self._items.place(draft, reader.item)  # with its item
            yield draft
            return
        stays = draft.json.get("delta") is not None or not (facts & _F.UNADDED or self._turns.holding)
        if facts & _F.DELTA_TYPE and not (stays and self._lost.begins(draft)):
            if facts & _F.UNADDED:  # nothing else is known of it
                reader.output.forget(reader.output.items[-1])
            self._drop(draft, "responses-delta-not-string")
            return
        if reader.kind in LIFECYCLE:
            self._response.nest(draft)
        if facts & _F.UNOPENED:
            yield from self._opening(draft)
        yield from self._lifecycle(draft) if reader.kind in LIFECYCLE else self._inside(draft, facts)

    def _drop(self, draft: Draft, rule: str) -> None:
        self.state.account.drop(draft, rule)
        if rule != "responses-replayed-events":
            self._numbers.lost(rule)

    def _opening(self, draft: Draft) -> Iterator[Draft]:
        """The two events that open a response, where one comes that carries it."""
        rule, response = "responses-created-missing", draft.json.get("response")
        if type(response) is not dict or not text_of(response.get("id")) or self._reader.resumed:
            self.state.account.cannot(rule, "the id of the response is not on the wire yet")
            return
        self._opened_here = True
        for value in begun(response):
            if self._reader.kind != value["type"]:
                opening = made(value, draft, rule)
                self._response.carried(opening, value["response"], value["type"])
                yield opening

    # -- the response ------------------------------------------------------------------------------------------------

    def _lifecycle(self, draft: Draft) -> Iterator[Draft]:
        reader = self._reader
        if reader.kind == CREATED and self._opened_here:
            told = as_object(draft.json.get("response"))
            if not told.get("usage") and not told.get("output") and not says_more(draft.json):
                self._drop(draft, "responses-created-missing")
                return
            draft.put("responses-created-missing", draft.json, "type", IN_PROGRESS, "")
        if reader.kind == COMPLETED or reader.kind == INCOMPLETE:
            listed = as_list(as_object(draft.json.get("response")).get("output"))
            if listed and not reader.items and not reader.resumed:
                yield from self._whole_items(draft, listed)
            elif not reader.resumed:
                self._lost.settle(listed)
                items = reader.items if reader.kind == COMPLETED else self._opened.items
                yield from self._undone.of(draft, listed, items)
        self._response.repair(draft)
        yield draft

    def _whole_items(self, draft: Draft, listed: list[object]) -> Iterator[Draft]:
        """The events of items that stand in the finished response alone."""
        rule = "responses-items-only-in-completed"
        ids = [(key, found) for item in map(as_object, listed) for key in _IDS if (found := text_of(item.get(key)))]
        for item in map(as_object, listed):
            if not item.get("type") or not can_run(item) or len(ids) > len(set(ids)):
                self.state.account.cannot(rule, "what one of them is, or which, is not on the wire")
                return
        for index, item in enumerate(map(as_object, listed)):
            self._items.complete(draft, item, index)
            for value in item_events(deepcopy(item), index):
                yield made(value, draft, rule)

    # -- items -------------------------------------------------------------------------------------------------------

    def _inside(self, draft: Draft, facts: int) -> Iterator[Draft]:
        item = self._reader.item
        if item is None and self._reader.output.again is not None:
            self._items.again(draft, self._reader.output.again)
        elif item is not None:
            if self._opened.repeats(draft, facts, item):
                held = text_of(as_object(draft.json.get("part")).get("text"))
                self._drop(draft, "responses-text-in-added" if held else "responses-lifecycle-order")
                return
            if self._opened.sets_aside(draft, facts, item):
                yield draft
                return
            yield from self._opened.before(draft, facts, item)
            if self.state.unsafe and facts & _F.ORDER and self._opened.was_told(draft, item):
                self._drop(draft, "responses-lifecycle-order")
                return
            self._items.place(draft, item)
            if facts & _F.ITEM_ADDED:
                yield from self._added(draft, item)
                return
        self._items.members(draft, facts, item)
        over = facts & (_F.DONE | _F.ITEM_DONE) and not facts & _F.ORDER and not self._is_behind(facts)
        known = item is not None and item.opened and not item.resumed and not item.changed
        if over and item is not None and known and self._items.slot(item).id:
            yield from self._without_deltas(draft, item)
        yield draft

    def _is_behind(self, facts: int) -> bool:
        """Whether something came behind its item that nobody opened: what that lacks is not made up among it."""
        last = self._reader.output.last
        return bool(facts & _F.OVERLAP) and last is not None and not last.opened

    def _added(self, draft: Draft, item: Item) -> Iterator[Draft]:
        """An item is added empty: what it held comes as a delta, or was held for nothing."""
        self._items.members(draft, _F.ITEM_ADDED, item)
        start = as_object(draft.json.get("item"))
        if text_of(input_in(start, item.kind)) and item.given_whole:
            draft.put("responses-arguments-in-added", start, CALL_INPUT[item.kind], "", "item.")
        yield draft

    def _without_deltas(self, draft: Draft, item: Item) -> Iterator[Draft]:
        """One delta of what came whole."""
        value, reader, slot = draft.json, self._reader, self._items.slot(item)
        place: JsonObject = {"item_id": slot.id, "output_index": slot.index}
        family, step = family_of(reader.kind)
        if step == "done" and family in IN_DELTAS and item.opened:
            at = reader.output.place
            piece = item.piece((family, at[1] if at is not None else 0))
            whole = text_of(value.get(PIECES[family]))
            if whole and not piece.deltas and not piece.doubtful and (item.given_whole or not piece.given):
                rule = "responses-arguments-in-added" if piece.given else "responses-no-deltas"
                piece.add(whole)
                yield made(delta_event(family, whole, {**place, **part_number(value, at)}), draft, rule)
        elif reader.kind == ITEM_DONE and item.opened:
            found = as_object(value.get("item"))
            if not item.pieces and not item.parts and item.kind in ("message", *CALL_INPUT):
                for one in inner_events({**found, "id": slot.id}, slot.index):
                    item.was_sent(one)
                    yield made(one, draft, "responses-no-deltas")
                return
            for (name, number), _path, whole in held_pieces(found):
                piece = item.piece((name, number))
                untold = whole and not piece.deltas and piece.done is None and not piece.doubtful
                whole_given = item.given_whole or not piece.given
                if type(whole) is not str:  # what it was added with was emptied there
                    whole = piece.given
                if name in _INPUTS and whole and untold and whole_given:
                    rule = "responses-arguments-in-added" if piece.given else "responses-no-deltas"
                    piece.add(whole)
                    yield made(delta_event(name, whole, place), draft, rule)
