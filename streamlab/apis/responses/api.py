"""OpenAI's Responses API, as the rest of the house may know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from streamlab.apis import api_names
from streamlab.apis.responses.expectations import AFTER_TERMINAL, FAILED, KEEPALIVE, TERMINAL
from streamlab.rules.api import Api
from streamlab.rules.repair import LONGEST, Draft, RepairState
from streamlab.rules.sources import ERROR_OBJECT, RESPONSES_STREAMING
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object
from streamlab.wire.runs import Run

if TYPE_CHECKING:
    from streamlab.apis.question import Question
    from streamlab.apis.responses.fold import ResponseFold
    from streamlab.apis.responses.reader import ResponsesReader
    from streamlab.apis.translator import Translator


class Responses(Api):
    """``POST /responses``: typed, numbered events from ``response.created`` to one that ends the response."""

    name = api_names.RESPONSES
    title = "OpenAI Responses"
    streaming = RESPONSES_STREAMING
    errors = ERROR_OBJECT
    stream_start = "event: response.created, data: {...}"
    shortest_stream = "response.created and response.completed"
    known_clients = ("codex", "openai-node", "openai-agents")
    vendor = "OpenAI"
    judged = True
    borrows = ("chat",)
    path_ends = ("/responses",)
    path = "/v1/responses"
    ending_types = TERMINAL | AFTER_TERMINAL
    keepalive_types = frozenset({KEEPALIVE})
    names_events = True
    tells_pings = True
    works_meanwhile = True
    compared_natively = True

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        if isinstance(kind, str):
            return kind.startswith("response.")
        return value.get("object") == "response" and isinstance(value.get("output", []), list)

    def foreign_rule(self, found: Api | None) -> str:
        chunks = found is not None and found.judged and found.ends_with_done
        return "responses-wrong-api" if chunks else super().foreign_rule(found)

    def tracker(self) -> ResponsesReader:
        from streamlab.apis.responses.reader import ResponsesReader

        return ResponsesReader()

    def ended_as_failed(self, tracker: Any) -> bool:
        return tracker is not None and tracker.terminal == FAILED

    def fold(self, tracker: Any) -> ResponseFold:
        from streamlab.apis.responses.fold import ResponseFold

        return ResponseFold(tracker)

    def translator(self) -> type[Translator] | None:
        from streamlab.apis.responses.translator import ResponsesTranslator

        return ResponsesTranslator

    def questions(self) -> Iterable[Question]:
        from streamlab.apis.responses.questions import QUESTIONS

        return QUESTIONS

    def texts(self, value: JsonObject) -> Iterator[tuple[Any, str, str]]:
        piece = value.get("delta")
        if type(piece) is str:
            yield (str(value.get("item_id")), str(value.get("content_index"))), piece, "delta"

    def wants_a_look_at(self, run: Run, state: RepairState) -> bool:
        return False  # nobody looks at what no repair waits for

    def unseen(self, run: Run, state: RepairState) -> int:
        return LONGEST

    def is_whole_answer(self, value: JsonObject) -> bool:
        from streamlab.apis.responses.fold import is_whole

        return is_whole(value)

    def streamed(self, value: JsonObject, state: RepairState) -> Iterable[Draft] | None:
        from streamlab.apis.responses.repairs.whole import streamed

        typed = all(as_object(item).get("type") for item in as_list(value.get("output")))
        return streamed(value, state) if self.is_whole_answer(value) and typed else None


API = Responses()
