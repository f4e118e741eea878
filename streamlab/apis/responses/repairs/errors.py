"""Errors and failures on their way out: as OpenAI tells them, an ``error`` event and then ``response.failed``."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamlab.apis.chat.repairs.envelope import KNOWN_TIERS
from streamlab.apis.responses.expectations import ERROR, text_of
from streamlab.apis.responses.final import DONE_ELSEWHERE, named_end
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.apis.responses.repairs.events import OWN, error_event, failed_event, made
from streamlab.exchange import Ending
from streamlab.rules.repair import ABSENT, Change, Draft, ErrorPayload, Origin, RepairState, Undecodable, unended
from streamlab.rules.repairs.framing import comment
from streamlab.wire import error_objects
from streamlab.wire.payload import FaultKind, JsonObject, encode_json
from streamlab.wire.reading import as_object

_ERROR_MEMBERS = ("message", "msg", "detail", "code", "param", "type")


def known_tier(response: JsonObject) -> bool:
    """Whether a response names no service tier but those that there are."""
    tier = response.get("service_tier")
    return tier is None or (isinstance(tier, str) and tier in KNOWN_TIERS)


class Failures:
    """What becomes of errors, and of a response that stops without an end."""

    def __init__(self, reader: ResponsesReader, state: RepairState) -> None:
        self.reader = reader
        self.state = state

    def torn(self, draft: Draft, event: Undecodable) -> None:
        """The stream broke off inside this event: no client could read it."""
        truncated = any(fault.kind is FaultKind.TRUNCATED for fault in event.faults)
        unterminated = any(change.rule == "sse-unterminated-final-event" for change in draft.changes)
        if truncated and unterminated:
            self.state.account.cannot("json-truncated", "the stream breaks off inside an event")
            was = event.sse.data[:200] if event.sse.data is not None else ABSENT
            told = error_event("upstream_truncated", "the upstream broke off inside an event")
            draft.event = ErrorPayload(None, told)
            draft.changes.append(Change("sse-unterminated-final-event", "", was))
            draft.changes.append(Change("sse-unterminated-final-event", "", ABSENT, dict(told), Origin.INVENTED))

    @staticmethod
    def nothing(draft: Draft) -> None:
        """An event whose data is empty becomes a comment: clients read it as JSON."""
        event = draft.event
        if isinstance(event, Undecodable) and not (event.sse.data or b"").strip():
            name = (event.sse.event or b"").replace(b"\r", b"")
            draft.event = comment(b" " + name)
            draft.changes.append(Change("responses-keepalive-event", "", name, ":"))

    def shape(self, draft: Draft) -> None:
        """An error in the clothes of another API becomes an event of type ``error``."""
        event = draft.json
        kind = text_of(event.get("type"))
        if kind == ERROR or kind.startswith("response."):
            return
        inner = event.get("error") if isinstance(draft.event, ErrorPayload) else None
        if inner is None and error_objects.flat_error(event) is None:
            return
        if event.keys() & OWN or (event.get("object") == "response" and event.get("output")):
            self.state.account.cannot("responses-error-event-shape", "the event says something of the answer as well")
            return
        said: JsonObject = inner if isinstance(inner, dict) else {"message": inner} if inner is not None else event
        message = said.get("message") or said.get("msg") or said.get("detail")
        code, param = said.get("code"), said.get("param")
        shaped = error_event(
            code if code is None or isinstance(code, str) else str(code),
            message if isinstance(message, str) else encode_json(message or said).decode("utf-8", "replace"),
            said.get("type") if isinstance(inner, dict) else None,
            param if isinstance(param, str) else None,
        )
        if isinstance(inner, dict):  # what more it tells
            shaped["error"] |= {key: held for key, held in inner.items() if key not in _ERROR_MEMBERS}
            shaped |= {key: held for key, held in event.items() if key not in shaped}
        draft.event = ErrorPayload(None, shaped)
        draft.changes.append(Change("responses-error-event-shape", "", event, dict(shaped)))

    def terminal(self, draft: Draft, lacks: Callable[[JsonObject], bool]) -> None:
        """The end by its name in another API, ``response.done``, gets its name here: its status tells.
        ``lacks`` says whether what it may not have is not to be had."""
        value = draft.json
        named = draft.event.sse.event if draft.event.sse is not None else None
        if "type" not in value and named == DONE_ELSEWHERE.encode():
            draft.put("responses-type-missing", value, "type", DONE_ELSEWHERE, "")
        if value.get("type") != DONE_ELSEWHERE:
            return
        missing, reader = lacks(as_object(value.get("response"))), self.reader
        end = named_end(value, reader.items, reader.output.assumed, lacks=missing)
        if end is not None and end.why:
            self.state.account.cannot("responses-unknown-event", end.why)
        elif end is not None:
            draft.put("responses-unknown-event", value, "type", end.kind, "")

    def end(self, ending: Ending, output: list[JsonObject]) -> Iterator[Draft]:
        """The events that end a response which nobody ended."""
        response = {**as_object(self.reader.response)} if self.reader.response is not None else None
        if response is not None and type(response.get("created_at")) is float:
            response["created_at"] = int(response["created_at"])
        if response is not None and not known_tier(response):
            del response["service_tier"]
        if self.reader.error is not None:
            told = as_object(self.reader.error.get("error")) or self.reader.error
            code, message = text_of(told.get("code")), text_of(told.get("message"))
            yield made(failed_event(response, output, code, message), None, "responses-error-without-failed")
            return
        why = unended(
            self.state,
            ending,
            begun=self.reader.begun,
            what="response",
            missing="responses-terminal-missing",
            stops="without an end",
        )
        for value in (error_event(why.code, why.message), failed_event(response, output, why.code, why.message)):
            yield made(value, None, why.rule, Origin.INVENTED)
