"""See the class."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis.responses.facts import ResponseFact
from streamlab.apis.responses.items import texts_of
from streamlab.apis.responses.rules.base import ResponsesRule
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, quote
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.sources import RESPONSES_STREAMING
from streamlab.wire.events import StreamEvent
from streamlab.wire.leaks import bare_call, leaked_call, markup_in_text
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object

_CALLS = frozenset({"function_call", "custom_tool_call", "mcp_call"})


class ResponsesCallLeakedAsText(ResponsesRule):
    """A tool call stands as raw markup in the text of a response.

    Judged where the request offers tools, and a known marker stands beside the name of such a tool, or the whole text
    is a call as JSON or in Python: people also talk about markers. Where the call came as well, only markup is shown:
    a warning.

    ## What OpenAI does
    Sends calls as items of type ``function_call``, never as text.

    ## Why it matters
    The user is shown the markup and no function is called: no client looks for calls in text. The server's parser is
    off, is made for another model, or lost its way.

    ## Repair
    None: reading a call out of text is a guess.
    """

    name = "responses-call-leaked-as-text"
    severity = Severity.ERROR
    source = RESPONSES_STREAMING
    answer_fact = "call-in-text"
    needs_request = True
    on = ResponseFact.DONE | ResponseFact.ITEM_ADDED | ResponseFact.ITEM_DONE | ResponseFact.TERMINAL

    _found: Finding | None = None
    _called = _framed = False

    def event(self, at: int, event: StreamEvent) -> None:
        item, names = self.response.item, self.ctx.tools
        if item is not None and item.kind in _CALLS:
            self._called = True
        elif self._found is None and names:
            for path, text in self._texts(self.value(event)):
                markup = leaked_call(text, names) or bare_call(text, names)
                if markup is not None:
                    said = f"a tool call stands in the text: {quote(markup)}"
                    found = self.found(said, at, path=path, expected="an item of type function_call", actual=markup)
                    self._found, self._framed = self.placed(found, event), markup_in_text(text) is not None
                    return

    def _texts(self, value: JsonObject) -> Iterator[tuple[str, str]]:
        """Every text that an event holds whole, and where: that of a part, those of an item, or of all of them."""
        if self.response.kind == "response.output_text.done" and type(value.get("text")) is str:
            yield "text", value["text"]
        items = [("item", as_object(value.get("item")))]
        listed = as_list(as_object(value.get("response")).get("output"))
        items += [(f"response.output[{place}]", as_object(item)) for place, item in enumerate(listed)]
        for where, item in items:
            for number, text in enumerate(texts_of(item, "response.output_text")):
                yield f"{where}.content[{number}].text", text

    def end(self, ending: Ending) -> Findings:
        if self._found is not None and not (self._called and self._framed):  # else model-markup-in-answer tells
            yield changed(self._found, severity=Severity.WARNING) if self._called else self._found
