"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.cumulative import CumulativeDeltas, KeepWhatIsNew
from streamlab.rules.repair import Draft
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import TextKind


class KeepNewReasoning(KeepWhatIsNew):
    """Sends only what each delta adds to the reasoning, under each name that it has there."""

    rules = ("cumulative-reasoning",)
    on = Fact.REASONING
    kind = TextKind.REASONING
    holds_back = "deltas that begin with the whole reasoning so far, until four grew that way or the reasoning ends"

    def _said(self, choice: JsonObject) -> str:
        return reading.reasoning(reading.delta(choice))

    def _cut_down(self, draft: Draft, choice: JsonObject, text: str, new: str) -> None:
        delta = reading.delta(choice)
        for key in reading.REASONING_KEYS:
            if delta.get(key) == text:
                draft.put(self.rules[0], delta, key, new, "choices[0].delta.")

    def _is_over(self, draft: Draft) -> bool:
        """The answer begins, too."""
        return super()._is_over(draft) or any(
            delta.get("content") or delta.get("tool_calls") for delta in reading.deltas(draft.json)
        )


class CumulativeReasoning(CumulativeDeltas):
    """Every delta holds the whole reasoning so far instead of what is new.

    ## What OpenAI does
    Has no field for reasoning in chat completions; where vendors have one it is a delta, as the text is.

    ## Why it matters
    Every client that shows reasoning joins the deltas, as it does with text, so the user reads each thought again and
    again; where it goes back to the server with the next question, it costs its tokens many times over.

    ## Repair
    Each delta is cut down to what it adds.
    """

    name = "cumulative-reasoning"
    repair = KeepNewReasoning
    apis = frozenset({api_names.CHAT})
    on = Fact.REASONING
    ends_after = on
    what = "reasoning"

    def said_in(self, choice: JsonObject) -> tuple[str, str]:
        delta = reading.delta(choice)
        text = reading.reasoning(delta)
        key = next((key for key in reading.REASONING_KEYS if delta.get(key) == text), "reasoning")
        return text, f"choices[0].delta.{key}"
