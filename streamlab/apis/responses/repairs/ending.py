"""The response in the events that carry it, and above all in the one that ends it."""

from __future__ import annotations

from typing import Any

from streamlab.apis.responses.cut import cut
from streamlab.apis.responses.expectations import (
    CHAT_DETAILS,
    CHAT_USAGE,
    COMPLETED,
    CREATED,
    FAILED,
    IN_PROGRESS,
    INCOMPLETE,
    UNCLOSED,
    USAGE_DETAILS,
    USAGE_REQUIRED,
    text_of,
)
from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.final import (
    ended_early,
    in_order,
    lacks_details,
    lacks_end,
    own_text,
    pairs,
    undone,
)
from streamlab.apis.responses.fold import item_json
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.errors import known_tier
from streamlab.apis.responses.repairs.events import NEVER_ENDED, OWN
from streamlab.apis.responses.repairs.items import ItemsOut
from streamlab.redaction.placeholders import changed_by_recorder
from streamlab.rules.repair import Draft, Origin, RepairState
from streamlab.wire.creation_times import date_of, seconds_of
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_F = ResponseFact
_IDS, _MISSING = "responses-ids-unstable", "responses-response-missing"


class ResponseOut:
    """Puts right the response that an event carries."""

    def __init__(self, reader: ResponsesReader, state: RepairState, items: ItemsOut) -> None:
        self.reader = reader
        self.state = state
        self.items = items
        self._flat: JsonObject | None = None  # the final response, that stood in the event itself

    @property
    def ended_early(self) -> bool:
        """Whether the response was completed with nothing in it, while its items were still to come."""
        return ended_early(self.reader.terminal, self._flat or self.reader.final, self.reader.items)

    def came_early(self, rule: str) -> bool:
        """The same; what follows it stays then."""
        if self.ended_early:
            self.state.account.cannot(rule, "the end came first, and what it ends behind it")
        return self.ended_early

    def repair(self, draft: Draft) -> None:
        """The response of the event being repaired."""
        value, kind = draft.json, self.reader.kind
        if type(value.get("response")) is not dict:
            self._build(draft, kind)
        response = value.get("response")
        if type(response) is not dict:
            return
        self.carried(draft, response, kind)
        if self.reader.terminal == kind:
            self._final(draft, response, kind)

    def nest(self, draft: Draft) -> None:
        """Put the members of a response that stand in the event itself where they belong."""
        value = draft.json
        if type(value.get("response")) is not dict and value.get("object") == "response":
            response = {key: value.pop(key) for key in list(value) if key not in ("type", "sequence_number")}
            draft.put(_MISSING, value, "response", response, "")
            self._flat = response if self.reader.kind == self.reader.terminal else None

    def carried(self, draft: Draft, response: JsonObject, kind: str) -> None:
        """What the response in any event of this type has to have."""
        known = self.reader.id
        if known and response.get("id") != known:
            if text_of(response.get("id")):
                if not changed_by_recorder(known, response["id"]):
                    draft.put(_IDS, response, "id", known, "response.")
            else:
                self._unlock(draft, "responses-missing-response-id", (response, "id", known, "response."))
        if type(response.get("created_at")) is float:
            draft.put("responses-created-at-float", response, "created_at", int(response["created_at"]), "response.")
        if not known_tier(response):
            draft.drop("service-tier-unknown", response, "service_tier", "response.")
        if kind != FAILED:  # one of our own has no more than is known
            self._needed(draft, response, kind)

    def _build(self, draft: Draft, kind: str) -> None:
        """The response out of what stands in the event itself, or out of the one that was created."""
        value = draft.json
        if kind == COMPLETED and (undone(self.reader.items) or value.keys() & OWN):
            self.state.account.cannot(_MISSING, "what it holds is not on the wire, or it is of another type")
        elif kind == COMPLETED and not self._in_order():
            self.state.account.cannot(_MISSING, "their order, or what one is, is told in two ways")
        elif kind == COMPLETED and any(item.headless for item in self.reader.items):
            self.state.account.cannot(_MISSING, NEVER_ENDED)
        elif kind == COMPLETED and self.reader.id:
            output = self.output()
            built = {**as_object(self.reader.response), "status": "completed", "output": output, "usage": None}
            draft.put(_MISSING, value, "response", built, "")

    def _needed(self, draft: Draft, response: JsonObject, kind: str) -> None:
        rule, first = "responses-response-members-missing", as_object(self.reader.response)
        if response.get("object") is None:
            draft.put(rule, response, "object", "response", "response.")
        if response.get("created_at") is None:
            made_at = seconds_of(first.get("created_at"))
            made_at = date_of(self.state.head) if made_at is None else made_at
            draft.put(rule, response, "created_at", made_at, "response.")
        if kind in (CREATED, IN_PROGRESS) and type(response.get("output")) is not list:
            draft.put(rule, response, "output", [], "response.")
        model = text_of(first.get("model")) or text_of(self.state.body.get("model"))
        if response.get("model") is None and model:
            draft.put(rule, response, "model", model, "response.")

    # -- the end -----------------------------------------------------------------------------------------------------

    def output(self) -> list[JsonObject]:
        """The items that were done, as they went out; one without an id has that of the item that it is, as who reads
        the end would say."""
        done = [item for item in self.reader.items if item.done is not None]
        done.sort(key=self._index)
        listed = [{**item_json(item), **self._id(item)} for item in done]
        for _, found, item in pairs(listed, self.reader.items, self.reader.output.assumed).paired:
            if not text_of(found.get("id")):
                found.update(self._id(item))
        return listed

    def lacks(self, response: JsonObject) -> bool:
        """Whether a response that would end the stream has no items or no sum, and could not get them."""
        return lacks_end(response, self.reader.items, self._index, open_=self._left_open)

    def _index(self, item: Item) -> int:
        return self.items.slot(item).index

    def _in_order(self) -> bool:
        return in_order(self.reader.items, self._index)

    def _id(self, item: Any) -> JsonObject:
        slot = self.items.slot(item)
        return {"id": slot.id} if slot.id else {}

    def _final(self, draft: Draft, response: JsonObject, kind: str) -> None:
        if kind != FAILED:
            self._fill(draft, response)
            self._usage(draft, response)
        streamed = self.named(draft, response)
        for place, listed in enumerate(as_list(response.get("output"))):
            if type(listed) is dict:
                self.items.listed(draft, listed, f"response.output[{place}].", streamed.get(place))
        if own_text(response) is not None:
            draft.drop("responses-completed-output-differs", response, "output_text", "response.")
        why = cut(response)
        if kind == COMPLETED and why:
            self._masked(draft, response)
            return
        meant = kind.removeprefix("response.")
        if "status" in response and response["status"] != meant:
            draft.put("responses-terminal-status", response, "status", meant, "response.")

    def named(self, draft: Draft, response: JsonObject) -> dict[int, Item]:
        """Give the items that a finished response lists the ids under which they went out; which is which, by place."""
        streamed: dict[int, Item] = {}
        for place, found, item in self._pairs(response):
            streamed[place] = item
            if not item.resumed:
                path = f"response.output[{place}]."
                self.items.name(draft, found, self.items.slot(item), path)
                for member in ("name", "call_id") if item.is_call and item.done is not None else ():
                    went, made = text_of(as_object(item.done).get(member)), item.call_made and member == "call_id"
                    if went and found.get(member) != went and (made or not text_of(found.get(member))):
                        rule = "responses-missing-call-id" if made else "responses-item-changed"
                        origin = Origin.INVENTED if made else Origin.DERIVED
                        draft.put(rule, found, member, went, path, origin)
        return streamed

    def _pairs(self, response: JsonObject) -> list[tuple[int, JsonObject, Item]]:
        return pairs(as_list(response.get("output")), self.reader.items, self.reader.output.assumed).paired

    def _fill(self, draft: Draft, response: JsonObject) -> None:
        listed = response.get("output")
        output = self.output() if not listed or type(listed) is not list else None
        if not output:
            return
        if undone(self.reader.items):
            self.state.account.cannot("responses-completed-output-empty", "an item in it was never done")
            return
        rule = "responses-completed-output-empty" if listed == [] else "responses-completed-output-missing"
        if not self._in_order():
            self.state.account.cannot(rule, "their order, or what one is, is told in two ways")
            return
        draft.put(rule, response, "output", output, "response.")

    def _masked(self, draft: Draft, response: JsonObject) -> None:
        rule = "responses-incomplete-masked"
        if not self.state.unsafe:
            self.state.account.cannot(rule, "clients that take a cut answer for a failure would then fail")
            return
        draft.put(rule, draft.json, "type", INCOMPLETE, "")
        draft.put(rule, response, "status", "incomplete", "response.")

    # -- usage -------------------------------------------------------------------------------------------------------

    def _usage(self, draft: Draft, response: JsonObject) -> None:
        usage = response.get("usage")
        if type(usage) is not dict:
            self._no_usage(draft, response)
            return
        path = "response.usage."
        rule = "responses-usage-chat-names"
        named = CHAT_USAGE | CHAT_DETAILS
        if any(type(usage.get(theirs, usage.get(ours))) is not int for theirs, ours in CHAT_USAGE.items()):
            named = {}  # one of them is nowhere
        elif self._locked and named.keys() & usage.keys():
            self.state.account.cannot(rule, NEVER_ENDED)
            named = {}
        for theirs, ours in named.items():
            if theirs in usage and ours not in usage:
                draft.put(rule, usage, ours, usage[theirs], path)
                draft.drop(rule, usage, theirs, path)
        counts = [usage.get(member) for member in USAGE_REQUIRED]
        if type(counts[0]) is int and type(counts[1]) is int and type(counts[2]) is not int:
            self._unlock(draft, "responses-usage-missing", (usage, "total_tokens", counts[0] + counts[1], path))
        elif any(type(count) is not int for count in counts) and not any(counts):
            self._no_usage(draft, response)
        for holder, member in USAGE_DETAILS:
            if lacks_details(usage, holder, member):
                told = {**as_object(usage.get(holder)), member: 0}
                self._unlock(draft, "responses-usage-details", (usage, holder, told, path))

    def _unlock(self, draft: Draft, rule: str, put: tuple[JsonObject, str, Any, str]) -> None:
        """Put what Codex cannot read the end without, unless an item went out that is never done."""
        if self._locked:
            self.state.account.cannot(rule, NEVER_ENDED)
        else:
            draft.put(rule, *put)

    @property
    def _locked(self) -> bool:
        """Whether the response is completed although an item went out that is never done."""
        return self._left_open and self.reader.kind == COMPLETED

    @property
    def _left_open(self) -> bool:
        return any(item.done is None and not item.resumed and item.kind not in UNCLOSED for item in self.reader.items)

    def _no_usage(self, draft: Draft, response: JsonObject) -> None:
        rule = "responses-usage-missing"
        if not self.state.unsafe:
            self.state.account.cannot(rule, "what was used is not on the wire")
            return
        zeros: JsonObject = dict.fromkeys(USAGE_REQUIRED, 0)
        zeros |= {holder: {member: 0} for holder, member in USAGE_DETAILS}
        draft.put(rule, response, "usage", zeros, "response.", Origin.INVENTED)
