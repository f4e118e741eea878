"""See the class."""

from __future__ import annotations

from streamlab.exchange import Ending
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs import ErrorShape
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.rules.state import RuleState
from streamlab.wire import error_objects, reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact

_EXPECTED = {"error": {"message": "...", "type": "...", "param": None, "code": None}}


class ErrorFlatObject(Rule):
    """An event is an error, but has no ``error`` member.

    Told by what no chunk has: ``object`` or ``type`` ``"error"`` (or a type that ends in it), a failing ``base_resp``,
    ``success: false``, ``errors``, ``detail``, ``exception`` and their like, or a failing code beside a message; by the
    name of its event; and by having no choices. A ``base_resp`` with status 0 is a success. An ``error`` inside a
    choice or its delta is told as well. Where only a message shows it, which speaks of no failure, and the answer goes
    on behind it, it was a remark.

    ## What OpenAI does
    Puts every error under ``error``.

    ## Why it matters
    Clients look for ``error`` and for choices, find neither, and go on: openai-python's ``.stream()``, LangChain,
    litellm and pydantic-ai hand out the truncated text as if nothing had happened (measured).

    ## Repair
    The object is put under ``error``, its message and code under the names clients read.
    """

    name = "error-flat-object"
    severity = Severity.ERROR
    source = ERROR_OBJECT
    repairability = Repairability.SAFE
    repair = ErrorShape
    apis = Scope.CHUNKS
    on = Fact.NO_CHOICES | Fact.FINISH | Fact.SHAPE

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._remarks: list[tuple[int, Finding]] = []  # how much of the answer came before, and the finding to make

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            for where, holder in (("choice", choice), ("delta", reading.delta(choice))):
                if holder.get("error"):
                    path = f"choices[{position}]{'.delta' if where == 'delta' else ''}.error"
                    yield self._found(f"an error hidden in a {where}: {quote(holder['error'])}", at, event, path)
        # A falsy "error" beside it has a rule of its own.
        sign = error_objects.failed_event(event.sse.event if event.sse is not None else None, event.json)
        if sign is not None:
            path, value = sign
            named = path not in event.json and "." not in path
            said = f"its event is named {quote(value)}" if named else f"{path} is {quote(value)}"
            found = self._found(f"an error without an error member: {said}", at, event, path)
            if event.sse is not None and event.sse.event is None and error_objects.may_be_remark(event.json):
                self._remarks.append((self.ctx.seen.content_events, self.placed(found, event)))
            else:
                yield found

    def end(self, ending: Ending) -> Findings:
        """What an answer went on behind was a remark: choices-missing-or-null."""
        for said, found in self._remarks:
            if self.ctx.seen.content_events == said:
                yield found

    def _found(self, message: str, at: int, event: Chunk, path: str) -> Finding:
        return self.found(
            message,
            at,
            path=path,
            expected={"error": {"message": "...", "type": "...", "param": None, "code": None}},
            actual=event.json,
        )
