"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.repairs import ChoiceShape
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank
from streamlab.wire.reading import Fact


class FinishReasonEmptyString(Rule):
    """``finish_reason`` is ``""`` or ``"null"`` instead of null.

    ## What OpenAI does
    Sends the JSON value ``null`` until the end, then one of five words.

    ## Why it matters
    Clients with an enum refuse the chunk (async-openai, Spring AI). ``"null"`` is a reason like any other to the rest:
    LangChain reports ``nullnullnullstop``. As the last value ``""`` leaves {clients: another finish_reason when there
    is no other at the end} measured clients without a reason, and the openai-node ``.stream()`` helper raises.

    ## Repair
    Replaced by null. Where no other value follows, the reason stays unknown.
    """

    name = "finish-reason-empty-string"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    repairability = Repairability.SAFE
    repair = ChoiceShape
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    on = Fact.FINISH
    variants = (
        "another comes later",
        "it is the text null",
        "there is no other at the end",
        "there is no other at the end, and [DONE] never comes",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        #: choice -> the finding about its last one; what comes after it says whom it harms
        self._last: dict[int, Finding] = {}
        self._spoken: set[str | None] = set()  # paths that were spoken of: what follows is only counted

    def event(self, at: int, event: StreamEvent) -> Findings:
        if not isinstance(event, Chunk):
            return
        for position, choice in enumerate(reading.choices(event.json)):
            index, reason = reading.choice_index(choice), reading.finish_reason(choice)
            if reason is None:
                continue
            before = self._last.pop(index, None)
            if before is not None:
                variant = self.variants[0 if before.actual == "" else 1]
                self._spoken.add(before.path)
                yield before if before.variants == (variant,) else changed(before, variants=(variant,))
            if is_blank(reason):
                path = f"choices[{position}].finish_reason"
                finding = self.found(
                    f"finish_reason is {quote(reason)} instead of null",
                    at,
                    path=path,
                    expected=None,
                    actual=reason,
                    variant=self.variants[0 if reason == "" else 1],
                )
                self._last[index] = finding if path in self._spoken else self.placed(finding, event)

    def end(self, ending: Ending) -> Findings:
        for index, finding in self._last.items():
            cut = self.ctx.seen.done_at is None  # who raises says what is true
            form = 0 if index in self.ctx.seen.finish_values else 3 if cut else 2
            yield changed(finding, variants=(self.variants[form],))
