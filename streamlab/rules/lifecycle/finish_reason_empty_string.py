"""See the class."""

from __future__ import annotations

from streamlab.expectations.sources import CHAT_CHUNK_FINISH
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Mend, Severity
from streamlab.rules.repairs.choices import ChoiceShape
from streamlab.wire import reading
from streamlab.wire.apis import Api
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.reading import Fact


class FinishReasonEmptyString(Rule):
    """``finish_reason`` is ``""`` or ``"null"`` instead of null.

    ## What OpenAI does
    Sends the JSON value ``null`` until the end, then one of five words.

    ## Why it matters
    Clients with an enum refuse the chunk (async-openai, Spring AI). ``"null"`` is a reason like any other to the
    rest: LangChain reports ``nullnullnullstop``. As the last value ``""`` leaves 22 of 34 measured clients without
    a reason, and the openai-node ``.stream()`` helper raises.

    ## Repair
    Replaced by null. Where no other value follows, the reason stays unknown.
    """

    name = "finish-reason-empty-string"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repair = Mend.SAFE
    mending = ChoiceShape
    apis = frozenset({Api.CHAT, Api.COMPLETIONS})
    on = Fact.FINISH

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            reason = reading.finish_reason(choice)
            if reason in ("", "null"):
                yield self.found(
                    f"finish_reason is {quote(reason)} instead of null",
                    at,
                    path=f"choices[{position}].finish_reason",
                    expected=None,
                    actual=reason,
                )
