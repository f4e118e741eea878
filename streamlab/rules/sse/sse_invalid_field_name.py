"""See the class."""

from __future__ import annotations

import re

from streamlab.lazy_pattern import lazy_pattern
from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repairs import Framing
from streamlab.rules.sources import SSE
from streamlab.wire.events import StreamEvent
from streamlab.wire.inserted import junk_before_data
from streamlab.wire.reading import Fact

#: ``data`` in other letters, or with white space, a byte order mark, or zero bytes around it.
_MEANT_DATA = lazy_pattern(
    rb"(?:[\s\x00]|\xc2\xa0|\xe2\x80[\x8b-\x8f]|\xef\xbb\xbf)*data(?:[\s\x00]|\xc2\xa0|\xe2\x80[\x8b-\x8f])*",
    re.IGNORECASE,
)


class SseInvalidFieldName(Rule):
    """A line means to be ``data:`` but its field has another name: ``Data``, ``data `` or ``,data``.

    Fields with names of their own (``metadata:``) are legal and ignored by everybody. What stands before ``data:`` on
    its line is junk where a whole JSON object, or ``[DONE]``, comes behind.

    ## What OpenAI does
    Writes ``data: ``.

    ## Why it matters
    Names are compared byte by byte and unknown fields are ignored, so every such event is lost: the answer is empty or
    has gaps. Measured: the raw iterators of openai-python and openai-node end without a word, their ``.stream()``
    helpers, LangChain and pydantic-ai raise for want of an answer.

    ## Repair
    Written again as ``data: ``.
    """

    name = "sse-invalid-field-name"
    needs_framing = True
    severity = Severity.ERROR
    source = SSE
    repairability = Repairability.SAFE
    repair = Framing
    apis = Scope.EVERY
    instead_of = frozenset({"body-not-event-stream"})  # where every line is one, nothing is left that is a field
    on = Fact.LINES

    def event(self, at: int, event: StreamEvent) -> Findings:
        sse = event.sse
        if sse is None:
            return
        for name, _value, colon, _space, line in sse.fields():
            if not colon or name == b"data":
                continue
            junk = junk_before_data(line.content)
            name = name if junk is None else junk[0].rpartition(b":")[0]
            if junk is not None or _MEANT_DATA.fullmatch(name):
                yield self.found(
                    f"the field is called {quote(name.decode('utf-8', 'replace'))}, so its data is ignored",
                    at,
                    span=(line.start, line.start + len(line.content)),
                    expected="data",
                    actual=name,
                )
                return
