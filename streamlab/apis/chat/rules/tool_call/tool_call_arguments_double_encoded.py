"""See the class."""

from __future__ import annotations

import json
from collections.abc import Iterator

from streamlab.apis.chat.arguments_rule import ArgumentsRule
from streamlab.exchange import Ending
from streamlab.rules.finding import Repairability
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.arguments import ArgumentsFault
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact


class DecodeOnce(Repair):
    """Arguments that are a JSON string are kept until the call is over, then decoded once."""

    rules = ("tool-call-arguments-double-encoded",)
    safe = False
    stage = Stage.TOOL_CALL
    on = Fact.TOOL_CALLS
    holds_back = "arguments that begin with a quotation mark, until the answer is over"

    def __init__(self, story: RepairState) -> None:
        super().__init__(story)
        self._held: dict[tuple[int, int], tuple[list[str], Draft]] = {}
        self._plain: set[tuple[int, int]] = set()

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            return (*self._decoded(), draft)
        listed = reading.choices(draft.json)
        for choice in listed:
            for fragment in reading.tool_calls(reading.delta(choice)):
                self._take(draft, reading.choice_index(choice), fragment)
        self.awake = bool(self._held)
        if any(choice.get("finish_reason") for choice in listed):
            return (*self._decoded(), draft)
        return (draft,)

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._decoded())

    def _take(self, draft: Draft, choice: int, fragment: JsonObject) -> None:
        index = fragment.get("index")
        function = reading.function(fragment)
        arguments = function.get("arguments")
        if type(index) is not int or type(arguments) is not str or not arguments or (choice, index) in self._plain:
            return
        held = self._held.get((choice, index))
        if held is None and not arguments.lstrip().startswith('"'):
            self._plain.add((choice, index))
            return
        if held is None:
            held = self._held[choice, index] = ([], draft)
        held[0].append(arguments)
        draft.put(self.rules[0], function, "arguments", "", "choices[0].delta.tool_calls[0].function.")

    def _decoded(self) -> Iterator[Draft]:
        held, self._held = self._held, {}
        for (choice, index), (pieces, draft) in held.items():
            delta = {"tool_calls": [{"index": index, "function": {"arguments": _decoded_once("".join(pieces))}}]}
            part = {"index": choice, "delta": delta, "finish_reason": None}
            yield draft.like(self.rules[0], part, "choices[0].delta.tool_calls[0].function.arguments")


def _decoded_once(text: str) -> str:
    """The JSON object inside a JSON string; the text as it is where there is none."""
    try:
        inner = json.loads(text)
        return inner if isinstance(inner, str) and isinstance(json.loads(inner), dict) else text
    except (ValueError, RecursionError):
        return text


class ToolCallArgumentsDoubleEncoded(ArgumentsRule):
    """The arguments of a tool call are JSON text inside a JSON string.

    ## What OpenAI does
    Encodes arguments once.

    ## Why it matters
    Parsed, they are a string and no object: {clients: other arguments} measured clients hand the function something
    wrong, LangChain calls it an invalid call. A server did ``json.dumps`` twice.

    ## Repair
    Decoded once. That is a guess, because a tool may really ask for a string; so it is made only when asked for.
    """

    name = "tool-call-arguments-double-encoded"
    repairability = Repairability.UNSAFE
    repair = DecodeOnce
    fault = ArgumentsFault.DOUBLE_ENCODED
    said = "are encoded twice"
