"""See the class."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from streamlab.apis.responses.expectations import PIECE_PART, PIECES, TERMINAL
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

#: Texts followed at once; a stream with more is not judged any further.
_MOST = 10_000
_SHOWN = 200
_LOOKED_AT = 1_000
#: Texts that OpenAI itself sends whole at times, without deltas.
_MAY_COME_WHOLE = frozenset(PIECES) - {"response.output_text", "response.refusal"}
#: Texts of which OpenAI itself keeps a part where reasoning is cut by ``max_output_tokens``.
_REASONING = frozenset({"response.reasoning_text", "response.reasoning_summary_text"})


class _Streamed:
    """What the deltas of one text came to: its length, its digest and its beginning, never the whole."""

    __slots__ = ("_digest", "head", "length")

    def __init__(self) -> None:
        self.length = 0
        self.head = ""
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, piece: str) -> None:
        self.length += len(piece)
        if len(self.head) < _SHOWN:
            self.head += piece[:_SHOWN]
        self._digest.update(piece.encode("utf-8", "surrogatepass"))

    def equals(self, whole: str) -> bool:
        if len(whole) != self.length:
            return False
        return hashlib.blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).digest() == self._digest.digest()


class ResponsesDeltaDoneMismatch(Rule):
    """A ``….done`` event repeats a text that is not what its deltas came to.

    ## What OpenAI does
    ``response.output_text.done``, ``response.function_call_arguments.done`` and their like hold exactly the
    concatenated deltas; so do the part and the item that are done after them. ``obfuscation`` is padding and no part
    of it. So do the texts of the response that is completed, and a call keeps the name and ``call_id`` it was opened
    with. Where reasoning is cut by ``max_output_tokens`` OpenAI keeps a part of it, and some texts come whole.

    ## Why it matters
    Some clients show the deltas, some keep the whole, some do both: what the user saw is not what is remembered, and
    a tool is called with arguments nobody streamed. OpenAI's helpers and the AI SDK build from the deltas, LangChain
    takes a call's arguments from the finished item.

    ## Repair
    None: which of the two is true is not on the wire.
    """

    name = "responses-delta-done-mismatch"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    repairability = Repairability.NONE
    on = Fact.TYPED

    def __init__(self, ctx: Any) -> None:
        super().__init__(ctx)
        self._texts: dict[Any, _Streamed] = {}
        self._first = True
        self._calls: dict[Any, tuple[Any, Any]] = {}  # what an item was opened with: its name and call_id
        self._doubtful: list[Finding] = []  # about reasoning, which may yet turn out to have been cut

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if type(event) is not Chunk:
            return None
        chunk = event.json
        if self._first:
            self._first = False
            if reading.is_resumed(chunk, self.ctx.request):
                self.retire()  # the first deltas came in another stream
                return None
        family, _, step = chunk["type"].rpartition(".")
        if family in PIECES:
            return self._piece(at, family, step, event)
        if family == "response.output_item":
            if step == "done":
                return self._item(at, chunk)
            self._opened(chunk)
        if chunk["type"] in TERMINAL:
            return self._final(at, chunk)
        if step == "done" and family == "response.content_part":
            return self._part(at, chunk)
        return None

    def _piece(self, at: int, family: str, step: str, event: Chunk) -> Findings | None:
        chunk = event.json
        number = chunk.get(PIECE_PART.get(family, ""))
        key = _key(family, chunk.get("output_index"), chunk.get("item_id"), number)
        if step == "delta":
            piece = chunk.get("delta")
            text = self._texts.get(key)
            if text is None:
                if len(self._texts) >= _MOST:
                    self.retire()
                    return None
                text = self._texts[key] = _Streamed()
            if type(piece) is str:
                text.add(piece)
            return None
        member = PIECES[family]
        if step != "done" or (key not in self._texts and family in _MAY_COME_WHOLE):
            return None
        found = self._compare(at, key, chunk.get(member), f"{family}.done", member)
        if found and family in _REASONING:
            self._doubtful += [self.placed(one, event) for one in found]
            return None
        return found

    def _part(self, at: int, chunk: dict[str, Any]) -> Findings | None:
        part = reading.as_object(chunk.get("part"))
        for family, kind, member in (
            ("response.output_text", "output_text", "text"),
            ("response.refusal", "refusal", "refusal"),
        ):
            if part.get("type") == kind:
                key = _key(family, chunk.get("output_index"), chunk.get("item_id"), chunk.get("content_index"))
                return self._compare(at, key, part.get(member), "response.content_part.done", f"part.{member}")
        return None

    def _opened(self, chunk: dict[str, Any]) -> None:
        item = reading.as_object(chunk.get("item"))
        if item.get("type") == "function_call" and len(self._calls) < _MOST:
            self._calls[_place(chunk, item)] = (item.get("name"), item.get("call_id"))

    def _item(self, at: int, chunk: dict[str, Any]) -> Findings | None:
        item = reading.as_object(chunk.get("item"))
        if item.get("type") != "function_call":
            return None
        was = self._calls.get(_place(chunk, item), (None, None))
        for member, opened in zip(("name", "call_id"), was, strict=True):
            now = item.get(member)
            if type(opened) is str and opened and type(now) is str and now != opened:
                message = f"the finished call has {member} {quote(now)}, it was opened with {quote(opened)}"
                return (self.found(message, at, path=f"item.{member}", expected=opened, actual=now),)
        key = _key("response.function_call_arguments", chunk.get("output_index"), item.get("id"), None)
        if key not in self._texts:
            return None  # no deltas: an item may come whole
        return self._compare(at, key, item.get("arguments"), "response.output_item.done", "item.arguments")

    def _final(self, at: int, chunk: dict[str, Any]) -> Findings | None:
        """The response that ends the stream, whose texts are those that were streamed."""
        doubtful, self._doubtful = self._doubtful, []
        found = [] if chunk["type"] == "response.incomplete" else doubtful
        response = reading.as_object(chunk.get("response"))
        if chunk["type"] != "response.completed":
            return found
        for index, item in enumerate(reading.as_list(response.get("output"))[:_LOOKED_AT]):
            if reading.as_object(item).get("type") == "message":
                found += self._message(at, index, item)
        return found

    def _message(self, at: int, index: int, item: dict[str, Any]) -> Iterator[Finding]:
        for number, part in enumerate(reading.as_list(item.get("content"))[:_LOOKED_AT]):
            key = _key("response.output_text", index, item.get("id"), number)
            if reading.as_object(part).get("type") == "output_text" and key in self._texts:
                path = f"response.output[{index}].content[{number}].text"
                yield from self._compare(at, key, part.get("text"), "response.completed", path) or ()

    def end(self, ending: Ending) -> Findings:
        return self._doubtful if ending is Ending.COMPLETE else ()

    def _compare(self, at: int, key: Any, whole: Any, kind: str, path: str) -> Findings | None:
        if type(whole) is not str:
            return None
        streamed = self._texts.get(key) or _Streamed()
        if streamed.equals(whole):
            return None
        message = f"{kind} holds {quote(whole)}, its deltas came to {quote(streamed.head)}"
        if streamed.length > _SHOWN or len(whole) > _SHOWN:
            message = f"{kind} holds {len(whole)} characters that are not the {streamed.length} of its deltas"
        return (self.found(message, at, path=path, expected=streamed.head, actual=whole),)


def _place(chunk: dict[str, Any], item: dict[str, Any]) -> Any:
    index = chunk.get("output_index")
    return index if type(index) is int else item.get("id")


def _key(family: str, index: Any, item_id: Any, number: Any) -> Any:
    """By place where there is one: unstable ids and missing members are other rules' affair."""
    place = index if type(index) is int else item_id if type(item_id) is str else None
    return family, place, number if type(number) is int else 0
