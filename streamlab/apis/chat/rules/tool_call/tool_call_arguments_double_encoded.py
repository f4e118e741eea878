"""See the class."""

from __future__ import annotations

from typing import Any

from streamlab.apis.chat.arguments_rule import ArgumentsRule
from streamlab.apis.chat.repairs.call_arguments import decoded_once
from streamlab.exchange import Ending
from streamlab.rules.finding import Repairability
from streamlab.rules.repair import Draft, Drafts, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.arguments import ArgumentsFault
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MAX_HELD = 4096
Key = tuple[int, int]


class DecodeOnce(Repair):
    """Arguments that are a JSON string are kept until the answer is over, then decoded once; where they turn out to be
    something else, they go out as they came."""

    rules = ("tool-call-arguments-double-encoded",)
    safe = False
    stage = Stage.TOOL_CALL
    on = Fact.TOOL_CALLS
    holds_back = "everything from arguments on that begin with a quotation mark, until the answer is over"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._text: dict[Key, list[tuple[Draft, JsonObject]]] = {}  # calls that may be encoded twice
        self._plain: set[Key] = set()
        self._decoded: dict[Key, str] = {}  # calls that went out decoded

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk:
            return (*self._let_go(), draft)
        listed = reading.choices(draft.json)
        for choice in listed:
            for fragment in reading.tool_calls(reading.delta(choice)):
                self._look(draft, (reading.choice_index(choice), fragment.get("index")), reading.function(fragment))
        if not self._text:
            return (draft,)
        self._held.append(draft)
        self.awake = True
        over = any(choice.get("finish_reason") for choice in listed) or len(self._held) > _MAX_HELD
        return tuple(self._let_go()) if over else ()

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._let_go())

    def _look(self, draft: Draft, call: tuple[int, Any], function: JsonObject) -> None:
        arguments = function.get("arguments")
        if type(call[1]) is not int or type(arguments) is not str or not arguments or call in self._plain:
            return
        if call not in self._text and not arguments.lstrip().startswith('"'):
            self._plain.add(call)
            return
        self._text.setdefault(call, []).append((draft, function))

    def _let_go(self) -> list[Draft]:
        for call, fragments in self._text.items():
            decoded = decoded_once("".join(function["arguments"] for _, function in fragments))
            known = self._decoded.get(call)
            if known is not None:  # they come again: a copy of them goes, and what else it may be is no part of them
                decoded = "" if decoded == known else None
            elif decoded is not None:
                self._decoded[call] = decoded
            for draft, function in fragments if decoded is not None else ():
                path = "choices[0].delta.tool_calls[0].function."
                draft.put(self.rules[0], function, "arguments", decoded or "", path)
                decoded = ""
        held, self._held, self._text, self.awake = self._held, [], {}, False
        return held


class ToolCallArgumentsDoubleEncoded(ArgumentsRule):
    """The arguments of a tool call are JSON text inside a JSON string.

    ## What OpenAI does
    Encodes arguments once.

    ## Why it matters
    Parsed, they are a string and no object: {clients: other arguments} measured clients hand the function something
    wrong, LangChain calls it an invalid call. A server did ``json.dumps`` twice.

    ## Repair
    Decoded once; a copy behind it goes. That is a guess, because a tool may really ask for a string; so it is made only
    when asked for.
    """

    name = "tool-call-arguments-double-encoded"
    answer_fact = "arguments-encoded-twice"
    repairability = Repairability.UNSAFE
    repair = DecodeOnce
    fault = ArgumentsFault.DOUBLE_ENCODED
    said = "are encoded twice"
