"""What a client holds of a Responses stream: its output items in order, its status, and the usage.

The fold reads the stream as clients do that build from it (Codex, the AI SDK, LangChain, pydantic-ai); where the
finished response says otherwise, `views` says who holds that instead. Nothing is invented: a broken stream gives what
arrived.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streamlab.apis.responses.expectations import CALL_INPUT, CALLS, text_of
from streamlab.apis.responses.items import Item
from streamlab.apis.responses.reader import ResponsesReader
from streamlab.wire.payload import JsonObject, decode_payload
from streamlab.wire.reading import as_list, as_object

#: Who builds the answer from what, measured on 28 November 2026.
FROM_EVENTS = "Codex, AI SDK, LangChain, pydantic-ai"
FROM_FINISHED = "OpenAI's stream helpers and agents"


class ResponseMark(NamedTuple):
    """A moment of a fold, small: of texts it holds the lengths only, because they never change, they only grow."""

    items: tuple[tuple[int, bool, JsonObject | None, tuple[tuple[Any, int, str | None], ...]], ...]
    terminal: str
    final: JsonObject | None
    error: JsonObject | None


class ResponseFold:
    """Folds the JSON of events. With a ``reader`` that somebody else feeds, it only looks at what that one knows."""

    def __init__(self, reader: ResponsesReader | None = None) -> None:
        self.reader = reader or ResponsesReader()
        self._feeds = reader is None
        self._whole: JsonObject | None = None  # an answer that was not streamed

    def feed(self, value: JsonObject) -> None:
        """Add one event, or a whole answer; never raises."""
        if is_whole(value) and not self.reader.begun:
            self._whole = value
        elif self._feeds:
            self.reader.read_json(value)

    def feed_error(self, value: JsonObject) -> None:
        """Add an error: what a client raises instead of returning."""
        if self._feeds:
            self.reader.read_json(value)

    @property
    def _told(self) -> JsonObject:
        """The response as it was told last."""
        return self._whole or {**as_object(self.reader.response), **as_object(self.reader.final)}

    @property
    def id(self) -> str | None:
        """The id of the response."""
        return self.reader.id or text_of(self._told.get("id")) or None

    @property
    def model(self) -> str | None:
        """The model that answers."""
        return text_of(self._told.get("model")) or None

    @property
    def usage(self) -> Any:
        """The usage of the finished response; None when there was none."""
        return (self._whole or self.reader.final or {}).get("usage")

    @property
    def error(self) -> Any:
        """The error that ended the stream."""
        told = self.reader.error
        if told is not None:
            return told.get("error", told)
        return self._told.get("error")

    @property
    def choices(self) -> dict[int, Any]:
        """A response has no choices."""
        return {}

    def completion(self) -> JsonObject:
        """What a client would hold now. ``output`` has everything; the members before it say the same as for chat."""
        held = self._held_whole() if self._whole is not None else self._held_streamed()
        held["usage"] = self.usage
        held["output"] = self.output()
        if self.error is not None:
            held["error"] = self.error
        return held

    def output(self) -> list[JsonObject]:
        """The items as they are held now."""
        if self._whole is not None:
            return [item for item in as_list(self._whole.get("output")) if type(item) is dict]
        return [item_json(item) for item in self.reader.items]

    def _held_streamed(self) -> JsonObject:
        items = self.reader.items
        messages = [item for item in items if item.kind == "message"]
        calls = [_call(at, item) for at, item in enumerate(self.reader.called)]
        reasoning = "".join(
            item.text("response.reasoning_summary_text") + item.text("response.reasoning_text")
            for item in items
            if item.kind in ("reasoning", "")
        )
        text = "".join(item.text("response.output_text") for item in items)
        held: JsonObject = {
            "role": next((text_of(item.last.get("role")) for item in messages if item.last.get("role")), None),
            "content": text or ("" if not calls else None),
            "tool_calls": calls,
            "finish_reason": self._status(),
        }
        refusal = "".join(item.text("response.refusal") for item in items)
        return held | ({"reasoning": reasoning} if reasoning else {}) | ({"refusal": refusal} if refusal else {})

    def _held_whole(self) -> JsonObject:
        items = [Item(at, at, item) for at, item in enumerate(self.output())]
        for item in items:
            item.done = item.added
        reader, self.reader = self.reader, ResponsesReader()
        self.reader.output.items.extend(items)
        held = self._held_streamed()
        self.reader = reader
        return held

    def _status(self) -> str | None:
        if self._whole is not None:
            return text_of(self._whole.get("status")) or None
        if not self.reader.terminal:
            return None
        status = (self.reader.final or {}).get("status")
        return status if type(status) is str else self.reader.terminal.removeprefix("response.")

    def views(self) -> dict[str, list[JsonObject]]:
        """Who holds other items than `completion` says; empty where all agree."""
        final = as_list((self.reader.final or {}).get("output"))
        if self.reader.final is None or self.reader.resumed:
            return {}
        streamed = self.output()
        if _said(final) == _said(streamed):
            return {}
        return {FROM_EVENTS: streamed, FROM_FINISHED: [item for item in final if type(item) is dict]}

    # -- moments, for looking back -----------------------------------------------------------------------------------

    def mark(self) -> ResponseMark:
        """This moment, to come back to with `at`."""
        reader = self.reader
        items = tuple(
            (
                item.number,
                item.open,
                item.done,
                tuple((key, len(str(piece.text)), piece.done) for key, piece in item.pieces.items()),
            )
            for item in reader.items
        )
        return ResponseMark(items, reader.terminal, reader.final, reader.error)

    def at(self, mark: ResponseMark) -> ResponseFold:
        """A fold as it was at an earlier moment of this one; feeding it leaves this one alone."""
        now, past = self.reader, ResponsesReader()
        past.response, past.final, past.terminal, past.error = now.response, mark.final, mark.terminal, mark.error
        past.resumed = now.resumed
        met = {item.number: item for item in now.items}
        for number, is_open, done, pieces in mark.items:
            past.output.restore(met[number], is_open, done, pieces)
        fold = ResponseFold(past)
        fold._feeds, fold._whole = True, self._whole
        return fold


def is_whole(value: JsonObject) -> bool:
    """Whether this is a response as it comes when no stream was asked for."""
    return value.get("object") == "response" and type(value.get("output")) is list and "type" not in value


def item_json(item: Item) -> JsonObject:
    """An item as an SDK hands it out: as it was done, or as it was added with what its deltas came to."""
    if item.done is not None:
        return dict(item.done)
    held = dict(item.added)
    if item.is_call:
        held[CALL_INPUT[item.kind]] = item.arguments
    for name, kind, family, member in (
        ("content", "output_text", "response.output_text", "text"),
        ("content", "refusal", "response.refusal", "refusal"),
        ("summary", "summary_text", "response.reasoning_summary_text", "text"),
        ("content", "reasoning_text", "response.reasoning_text", "text"),
    ):
        parts = [piece.whole for (one, _), piece in item.pieces.items() if one == family]
        if parts:
            held[name] = [*as_list(held.get(name)), *({"type": kind, member: text} for text in parts)]
    return held


def _said(items: list[Any]) -> list[tuple[Any, ...]]:
    """What the items say to a reader or call."""
    said: list[tuple[Any, ...]] = []
    for item in map(as_object, items):
        kind = text_of(item.get("type"))
        if kind in CALLS:
            said.append((kind, item.get("call_id"), item.get("name"), str(item.get(CALL_INPUT[text_of(kind)]))))
        elif kind == "message":
            parts = map(as_object, as_list(item.get("content")))
            said.append((kind, *(str(part.get("text") or part.get("refusal") or "") for part in parts)))
    return said


def _call(at: int, item: Item) -> JsonObject:
    return {
        "index": at,
        "id": item.call_id or None,
        "type": "function",
        "function": {"name": item.name or None, "arguments": item.arguments},
    }


def can_run(whole: JsonObject) -> bool:
    """Whether nothing speaks against handing an item out: a call without an id or with half its arguments is no call
    that anybody should run."""
    if text_of(whole.get("type")) not in CALL_INPUT:
        return True
    arguments = whole.get("arguments") if whole["type"] == "function_call" else ""
    read = decode_payload(arguments.encode("utf-8", "surrogatepass")) if type(arguments) is str else None
    return bool(text_of(whole.get("call_id"))) and (not arguments or read is None or (read.ok and not read.faults))


def is_known(item: Item, listed: JsonObject | None) -> bool:
    """Whether it is known what an item held that nobody ended: the finished response says it, or its own events did."""
    whole = listed
    if listed is None and item.pieces and all(piece.told for piece in item.pieces.values()):
        whole = item_json(item)
    return whole is not None and item.agrees_with(whole) and can_run(whole)
