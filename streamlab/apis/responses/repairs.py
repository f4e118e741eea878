"""Events of the Responses API: numbers, ids, names and members that follow from the events around them; and, where a
response stops without an end, the error event that says so."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.repairs.envelope import KNOWN_TIERS
from streamlab.apis.responses.expectations import (
    NUMBERED_SINCE,
    PART_REQUIRED,
    REQUIRED,
    TERMINAL,
    USAGE_DETAILS,
    is_own_keepalive,
)
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    ABSENT,
    Change,
    Chunk,
    Draft,
    Drafts,
    ErrorPayload,
    Origin,
    Repair,
    RepairState,
    Stage,
    Undecodable,
    unended,
)
from streamlab.rules.repairs.framing import comment, frame
from streamlab.wire import error_objects, reading
from streamlab.wire.payload import FaultKind, JsonObject, encode_json

_MOST = 1024


class ResponsesEvents(Repair):
    """Puts right what every event must carry; events of no kind this API knows become comments.

    A response that stops without one of the events that end it gets an ``error`` event, so that nobody takes half of
    it for all. Which of them it would have been, and what it would have said, is never made up.
    """

    rules = (
        "responses-sequence-number",
        "responses-completed-output-empty",
        "responses-created-at-float",
        "responses-error-event-shape",
        "responses-event-type-mismatch",
        "responses-ids-unstable",
        "responses-keepalive-event",
        "responses-missing-required-fields",
    )
    stage = Stage.ENVELOPE

    def __init__(self, story: RepairState) -> None:
        super().__init__(story)
        self.awake = True
        self._ended = False
        self._next: int | None = None
        self._numbered = True
        self._id: str | None = None
        self._ids: dict[int, str] = {}  # output_index -> id of the item
        self._places: dict[str, int] = {}
        self._parts: dict[tuple[int, str], int] = {}  # item and kind of number -> the last one
        self._done: dict[int, JsonObject] = {}
        self._begun = self._failed = False

    @property
    def done(self) -> bool:
        """Whether the event that ends the response has come."""
        return self._ended

    def event(self, draft: Draft) -> Drafts:
        if isinstance(draft.event, ErrorPayload | Chunk):
            self._error(draft)
        elif isinstance(draft.event, Undecodable):
            self._torn(draft, draft.event)
        if isinstance(draft.event, ErrorPayload) and reading.event_type(draft.json) == "error":
            self._told_error(draft)
        if not isinstance(draft.event, Chunk):
            return (draft,)
        event = draft.json
        kind = reading.event_type(event)
        if not kind and not self.story.unsafe:
            return (draft,)
        if is_own_keepalive(event) and (self._numbered or self._next is None):
            self._number(draft, event)
            return (draft,)
        if not kind.startswith("response.") and kind != "error":
            draft.event = comment(b" " + encode_json(event))
            draft.changes.append(Change("responses-keepalive-event", "", kind, ":"))
            return (draft,)
        self._ended = self._ended or kind in TERMINAL
        self._begun, self._failed = True, self._failed or kind == "error"
        self._identity(draft, event)
        self._members(draft, event, kind)
        self._response(draft, event, kind)
        self._number(draft, event)
        self._name(draft, event, kind)
        return (draft,)

    # -- errors and the end --------------------------------------------------------------------------------------------

    def end(self, ending: Ending) -> Drafts:
        if self._ended or self._failed or ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED):
            return ()
        missing = "responses-terminal-missing"
        why = unended(self.story, ending, begun=self._begun, what="response", missing=missing, stops="without an end")
        change = Change(missing, "", ABSENT, why.code, Origin.INVENTED)
        error = self._told(why.code, why.message)
        if self._numbered:
            error["sequence_number"] = self._next or 0
        self._failed = True
        return (Draft(Chunk(frame(encode_json(error), b"error"), error), (), [change], True),)

    def _told_error(self, draft: Draft) -> None:
        """OpenAI's own error event with an ``error`` member: it ends the answer as any other, and takes a number."""
        self._begun = self._failed = True
        if type(draft.json.get("sequence_number")) is not int:
            return
        self._number(draft, draft.json)
        if draft.event.sse is None:
            draft.event = ErrorPayload(frame(encode_json(draft.json), b"error"), draft.json)

    def _torn(self, draft: Draft, event: Undecodable) -> None:
        """The stream broke off inside this event: no client could read it."""
        truncated = any(fault.kind is FaultKind.TRUNCATED for fault in event.faults)
        unterminated = any(change.rule == "sse-unterminated-final-event" for change in draft.changes)
        if truncated and unterminated:
            self.story.account.cannot("json-truncated", "the stream breaks off inside an event")
            was = event.sse.data[:200] if event.sse.data is not None else ABSENT
            draft.event = Chunk(None, self._told("upstream_truncated", "the upstream broke off inside an event"))
            draft.changes.append(Change("sse-unterminated-final-event", "", was, ABSENT, Origin.INVENTED))

    @staticmethod
    def _told(code: str, message: str) -> JsonObject:
        return {"type": "error", "code": code, "message": message, "param": None}

    def _error(self, draft: Draft) -> None:
        event = draft.json
        kind = reading.event_type(event)
        if kind == "error" or kind.startswith("response."):
            return
        inner = event.get("error") if isinstance(draft.event, ErrorPayload) else None
        if inner is None and error_objects.flat_error(event) is None:
            return
        said = inner if isinstance(inner, dict) else {"message": inner} if inner is not None else event
        message = said.get("message") or said.get("msg") or said.get("detail")
        code, param = said.get("code"), said.get("param")
        shaped = {
            "type": "error",
            "code": code if code is None or isinstance(code, str) else str(code),
            "message": message if isinstance(message, str) else encode_json(message or said).decode(),
            "param": param if isinstance(param, str) else None,
        }
        draft.event = Chunk(None, shaped)
        draft.changes.append(Change("responses-error-event-shape", "error", event, shaped))

    # -- ids -----------------------------------------------------------------------------------------------------------

    def _identity(self, draft: Draft, event: JsonObject) -> None:
        rule = "responses-ids-unstable"
        response = event.get("response")
        if isinstance(response, dict) and isinstance(response.get("id"), str) and response["id"]:
            self._id = self._id or response["id"]
            if response["id"] != self._id:
                draft.put(rule, response, "id", self._id, "response.")
        item = event.get("item")
        holder, key = (item, "id") if isinstance(item, dict) else (event, "item_id")
        index, item_id = event.get("output_index"), holder.get(key)
        if type(index) is not int or not isinstance(item_id, str) or not item_id:
            return
        known = self._ids.get(index)
        if known is None and len(self._ids) < _MOST:
            place = self._places.setdefault(item_id, index)
            if place != index:
                draft.put(rule, event, "output_index", place, "")
            else:
                self._ids[index] = item_id
        elif known is not None and known != item_id:
            draft.put(rule, holder, key, known, "item." if holder is item else "")

    # -- members -------------------------------------------------------------------------------------------------------

    def _members(self, draft: Draft, event: JsonObject, kind: str) -> None:
        rule = "responses-missing-required-fields"
        for member in REQUIRED.get(kind, ()):
            value = event.get(member)
            if value is None and (found := self._found(event, member)) is not None:
                draft.put(rule, event, member, found, "")
            elif type(value) is int and member in ("content_index", "summary_index"):
                index = event.get("output_index")
                if type(index) is int and len(self._parts) < _MOST:
                    self._parts[index, member] = value
        part = event.get("part")
        if not isinstance(part, dict) or part.get("annotations") is not None:
            return
        if "annotations" in PART_REQUIRED.get(reading.event_type(part), ()):
            draft.put(rule, part, "annotations", [], "part.")

    def _found(self, event: JsonObject, member: str) -> Any:
        """A missing member that follows from the others, or from what came before."""
        if member == "output_index":
            place = self._places.get(event.get("item_id") or reading.as_object(event.get("item")).get("id") or "")
            return place if place is not None else max(self._ids, default=0)
        index = event.get("output_index")
        if type(index) is not int:
            return None
        if member == "item_id":
            return self._ids.get(index)
        return self._parts.get((index, member), 0) if member in ("content_index", "summary_index") else None

    def _response(self, draft: Draft, event: JsonObject, kind: str) -> None:
        index, item = event.get("output_index"), event.get("item")
        done = kind == "response.output_item.done" and len(self._done) < _MOST
        if done and type(index) is int and isinstance(item, dict):
            self._done[index] = item
        response = event.get("response")
        if not isinstance(response, dict):
            return
        if type(response.get("created_at")) is float:
            draft.put("responses-created-at-float", response, "created_at", int(response["created_at"]), "response.")
        tier = response.get("service_tier")
        if tier is not None and not (isinstance(tier, str) and tier in KNOWN_TIERS):
            draft.drop("service-tier-unknown", response, "service_tier", "response.")
        if kind not in TERMINAL:
            return
        usage = reading.as_object(response.get("usage"))
        for holder, member in USAGE_DETAILS if usage else ():
            details = usage.get(holder)
            if type(reading.as_object(details).get(member)) is not int:
                whole = {**reading.as_object(details), member: 0}
                draft.put("responses-created-at-float", usage, holder, whole, "response.usage.")
        if (
            not reading.as_list(response.get("output"))
            and self._done
            and kind in ("response.completed", "response.incomplete")
        ):
            items = [self._done[at] for at in sorted(self._done)]
            draft.put("responses-completed-output-empty", response, "output", items, "response.")

    # -- numbers and names ---------------------------------------------------------------------------------------------

    def _number(self, draft: Draft, event: JsonObject) -> None:
        number = event.get("sequence_number")
        if self._next is None:
            created = reading.as_object(event.get("response")).get("created_at")
            self._numbered = type(number) is int or not (type(created) is int and created < NUMBERED_SINCE)
            resumed = type(number) is int and number > 0 and event.get("type") != "response.created"
            self._next = number if resumed and type(number) is int else 0
        if not self._numbered:
            return
        if type(number) is not int or number != self._next:
            draft.put("responses-sequence-number", event, "sequence_number", self._next, "")
        self._next += 1

    @staticmethod
    def _name(draft: Draft, event: JsonObject, kind: str) -> None:
        """Frame the event with its name, when that or anything else in it changed."""
        sse = draft.event.sse
        name = kind.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" ")
        if sse is not None and sse.event == name:
            return
        if sse is not None:
            draft.changes.append(Change("responses-event-type-mismatch", "", sse.event or b"", kind))
        payload = sse.data if sse is not None and sse.data is not None else encode_json(event)
        draft.event = Chunk(frame(payload, name), event)
