"""See the class."""

from __future__ import annotations

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.repairs.errors import ErrorShape
from streamlab.rules.sources import ERROR_OBJECT
from streamlab.wire import error_objects, reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class ErrorFlatObject(Rule):
    """An event is an error, but has no ``error`` member.

    Told by what no chunk has: ``object`` or ``type`` ``"error"``, a failing ``base_resp``, ``success: false``,
    ``errors``, ``detail``, or a failing code beside a message; and by having no choices. A ``base_resp`` with
    status 0 is a success. An ``error`` inside a choice that finishes is told as well.

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
    on = Fact.NO_CHOICES | Fact.FINISH

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            if choice.get("error"):
                yield self._found(f"an error hidden in a choice: {quote(choice['error'])}", at, event, position)
        # A falsy "error" beside it has a rule of its own.
        sign = error_objects.flat_error(event.json)
        if sign is not None:
            path, value = sign
            yield self._found(f"an error without an error member: {path} is {quote(value)}", at, event, path)

    def _found(self, message: str, at: int, event: Chunk, where: int | str) -> Finding:
        return self.found(
            message,
            at,
            path=where if isinstance(where, str) else f"choices[{where}].error",
            expected={"error": {"message": "...", "type": "...", "param": None, "code": None}},
            actual=event.json,
        )
