"""See the class."""

from __future__ import annotations

from streamlab.apis.responses.expectations import OBSERVED_RESPONSES, text_of
from streamlab.apis.responses.facts import Odd, ResponseFact
from streamlab.apis.responses.final import EMPTIED, OUTPUT_TEXT
from streamlab.apis.responses.repairs import ResponseRepair
from streamlab.apis.responses.rules.base import KINDS, OddRule
from streamlab.rules.finding import Repairability, Severity
from streamlab.wire.payload import decode_payload

#: What no client minded.
_UNHARMED = "it lists reasoning that was never streamed"


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
    variants = (
        OUTPUT_TEXT,
        *(f"it lists {kind} that was never streamed" for kind in KINDS.values()),
        *(f"it lacks {kind}" for kind in KINDS.values()),
        "a text in it is another",
        "the call_id of a call in it is another",
        "the call_id of a call in it is empty",
        "the name of a call in it is another",
        "the name of a call in it is empty",
        "the arguments of a call in it are others",
        "the arguments of a call in it are no JSON",
    )

    def form(self, one: Odd) -> str | None:
        form = OUTPUT_TEXT if one.form == OUTPUT_TEXT else _form(one)
        return self.form_asked(form)

    def graded(self, one: Odd) -> Severity | None:
        return Severity.WARNING if self.form(one) == _UNHARMED else None

    def repairable(self, one: Odd) -> Repairability:
        return Repairability.SAFE if one.form in (OUTPUT_TEXT, EMPTIED) else Repairability.NONE


def _form(one: Odd) -> str | None:
    """What is other in the list of items; None for what no client was asked about."""
    path = str(one.path)
    member = path.rpartition(".")[2]
    if member == "output":
        return f"it lacks {KINDS.get(text_of(one.expected))}" if one.expected else None
    if member == "content":
        return "a text in it is another" if type(one.actual) is str and "holds the text" in one.said else None
    if member == "arguments":
        told = decode_payload(str(one.actual).encode("utf-8", "surrogatepass"))
        how = "are others" if told.ok and type(told.value) is dict else "are no JSON"
        return f"the arguments of a call in it {how}"
    if member in ("call_id", "name"):
        return f"the {member} of a call in it is {'another' if one.actual else 'empty'}"
    return f"it lists {KINDS.get(text_of(one.actual))} that was never streamed" if path.endswith("]") else None
