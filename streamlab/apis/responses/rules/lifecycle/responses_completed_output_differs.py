"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.final import EMPTIED, OUTPUT_TEXT
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import OddRule
from streamlab.rules.finding import Repairability, Severity


class ResponsesCompletedOutputDiffers(OddRule):
    """The finished response is not what was streamed, or its ``output_text`` is not its text.

    ## What OpenAI does
    Repeats the items as they were done, but for ``encrypted_content``, which is written anew each time, and the
    sources of a web search. It sends no ``output_text`` beside the items: its libraries work it out.

    ## Why it matters
    There are two camps: OpenAI's stream helpers and agents take the finished response, Codex, the AI SDK, LangChain
    and pydantic-ai the stream. One user sees a call run, the other does not. An ``output_text`` that the server sends
    itself stands: openai-node's ``.stream()`` ends with the ``""`` of it though the message has text (versions 4 and
    7, measured).

    ## Repair
    Of items none: which of the two is true is not on the wire. What is empty here alone, a call's name or ``call_id``,
    is as it was streamed. An ``output_text`` of the server's own that is not the
    text of its items is dropped.
    """

    name = "responses-completed-output-differs"
    severity = Severity.ERROR
    source = OBSERVED_RESPONSES
    of_some = Repairability.SAFE
    repair = ResponseRepair
    on = ResponseFact.FINAL
    variants = ("it has other items", OUTPUT_TEXT)

    def form(self, one: Odd) -> str:
        return OUTPUT_TEXT if one.form == OUTPUT_TEXT else self.variants[0]

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if one.form in (OUTPUT_TEXT, EMPTIED) else Repairability.NONE
