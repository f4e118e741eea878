"""OpenAI's chat completions, as the rest of the house may know them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from streamlab.apis import api_names
from streamlab.apis.chat.varying import repeated, varying
from streamlab.apis.chat.whole_answers import is_whole_answer, streamed
from streamlab.rules.api import Api
from streamlab.rules.repair import LONGEST, SHORTEST_REPEAT, Draft, RepairState
from streamlab.wire.events import Chunk
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run, TextKind, Varying

if TYPE_CHECKING:
    from streamlab.apis.question import Question
    from streamlab.rules.api import Follower
    from streamlab.rules.request import RequestReading
    from streamlab.wire.stamps import Stamp


#: Longer lines are looked at: some readers stop at this length.
LONG_LINE = 65_536


class Chat(Api):
    """``POST /chat/completions``: chunks with choices and deltas, then ``[DONE]``."""

    name = api_names.CHAT
    title = "OpenAI chat completions"
    known_clients = ("langchain", "ai-sdk", "openai-python")
    vendor = "OpenAI"
    judged = True
    path_ends = ("chat/completions",)  # without the slash: a placeholder may stand for what is in front of it
    ends_with_done = True
    shortest_stream = "a role chunk, a finish chunk and data: [DONE]"

    def recognises(self, value: JsonObject) -> bool:
        return isinstance(value.get("choices"), list) or value.get("object") in (
            "chat.completion.chunk",
            "chat.completion",
        )

    def streamed(self, value: JsonObject, state: RepairState) -> Iterable[Draft] | None:
        return streamed(value, state) if is_whole_answer(value) else None

    def questions(self) -> Iterable[Question]:
        from streamlab.apis.chat.questions import QUESTIONS

        return QUESTIONS

    def wants_a_look(self, event: Chunk, facts: int, state: RepairState) -> bool:
        if facts & (Fact.NO_CHOICES | Fact.MANY_CHOICES) or 0 not in state.opened:
            return True
        choice = event.json["choices"][0]
        if choice.get("index") != 0:
            return True
        if event.sse is not None and len(event.sse.raw) > LONG_LINE:
            return True
        text = choice["delta"].get("content")
        # A delta as long as all text before it, which came in pieces, may repeat it.
        texts = state.texts
        return bool(text) and len(text) >= SHORTEST_REPEAT and len(text) == texts.length(0) and texts.pieces(0) > 1

    def wants_a_look_at(self, run: Run, state: RepairState) -> bool:
        longest, texts = max(map(len, run.texts)), state.texts
        long = longest >= SHORTEST_REPEAT and longest >= texts.length(0)
        return long and texts.pieces(0) + len(run.texts) > 2 and _adds_text(run)

    def unseen(self, run: Run, state: RepairState) -> int:
        return max(SHORTEST_REPEAT, state.texts.length(0)) - 1 if _adds_text(run) else LONGEST

    def run_passed(self, run: Run, state: RepairState) -> None:
        if _adds_text(run):
            state.texts.add_all(0, run.texts)

    def varying(self, chunk: JsonObject) -> Varying | None:
        return varying(chunk)

    def stamps(self, chunk: JsonObject) -> dict[str, Stamp]:
        from streamlab.apis.chat.following import stamps  # deferred: live streams alone follow one another

        return stamps(chunk)

    def follower(self, asked: RequestReading) -> Follower:
        from streamlab.apis.chat.following import ChatFollower

        return ChatFollower(asked)

    def repeated(self, chunk: JsonObject) -> Varying | None:
        return repeated(chunk)

    def passed(self, chunk: JsonObject, state: RepairState) -> None:
        delta = chunk["choices"][0]["delta"]
        text = delta.get("content")
        if text:
            state.texts.add(0, text)
        elif "audio" in delta:
            state.audio = True


def _adds_text(run: Run) -> bool:
    return run.template.varying.text is TextKind.CONTENT


API = Chat()
