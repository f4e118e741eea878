"""OpenAI's legacy completions, as the rest of the house may know them."""

from __future__ import annotations

from collections.abc import Iterable

from streamlab.apis import api_names
from streamlab.apis.chat.whole_answers import is_whole_answer, streamed
from streamlab.record import changed
from streamlab.rules.api import Api
from streamlab.rules.repair import Draft, RepairState
from streamlab.rules.sources import COMPLETIONS
from streamlab.wire import reading
from streamlab.wire.events import Chunk
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class Completions(Api):
    """``POST /completions``: chunks whose choices hold text, then ``[DONE]``."""

    name = api_names.COMPLETIONS
    title = "OpenAI completions"
    vendor = "OpenAI"
    judged = True
    borrows = ("chat",)
    path_ends = ("/completions",)
    path = "/v1/completions"
    ends_with_done = True
    shortest_stream = "a finish chunk and data: [DONE]"
    streaming = changed(COMPLETIONS, place="CreateCompletionRequest, CreateCompletionResponse")

    def recognises(self, value: JsonObject) -> bool:
        choices = value.get("choices")
        if not isinstance(choices, list):
            return False
        first = choices[0] if choices and isinstance(choices[0], dict) else {}
        if "delta" in first or "message" in first:
            return False
        return value.get("object") == "text_completion" or "text" in first

    def streamed(self, value: JsonObject, state: RepairState) -> Iterable[Draft] | None:
        return streamed(value, state) if is_whole_answer(value) else None

    def wants_a_look(self, event: Chunk, facts: int, state: RepairState) -> bool:
        return bool(facts & Fact.FINISH) or 0 not in state.opened

    def went_out(self, chunk: JsonObject, state: RepairState) -> None:
        for choice in reading.choices(chunk):
            index = reading.choice_index(choice)
            state.opened.add(index)
            if isinstance(choice.get("finish_reason"), str):
                state.finished[index] = choice["finish_reason"]


API = Completions()
