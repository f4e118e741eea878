"""What of a chat stream may differ from a clean one before it that went alike, and what repairs would look at in it."""

from __future__ import annotations

from functools import partial

from streamlab.apis.chat.repairs.call_arguments import CallArguments
from streamlab.apis.chat.usage_numbers import NUMBERS
from streamlab.apis.chat.varying import PADDINGS
from streamlab.rules.api import Judge, Judged
from streamlab.rules.request import RequestReading
from streamlab.wire import reading
from streamlab.wire.choice_parts import CALLS, kinds_of
from streamlab.wire.keepalives import named_by
from streamlab.wire.payload import JsonObject
from streamlab.wire.runs import TextKind, Varying
from streamlab.wire.stamps import Stamp, counts_of

_CALL = "choices[0].delta.tool_calls[0]."
_ARGUMENTS = f"{_CALL}function.arguments"
_OPENED_BY = {"index", "id", "type", "function"}
#: Members of a chunk that are its stream's own, or mean nothing, and their types.
_ITS_OWN: dict[str, tuple[Stamp, type]] = {
    "id": (Stamp.ID, str),
    "created": (Stamp.TIME, int),
    **dict.fromkeys(PADDINGS, (Stamp.NOISE, str)),
}


def stamps(chunk: JsonObject) -> dict[str, Stamp]:
    """Members whose values hang on the stream, or mean nothing, by their paths: of those that are there."""
    found = {key: stamp for key, (stamp, kind) in _ITS_OWN.items() if type(chunk.get(key)) is kind}
    found |= counts_of(chunk.get("usage"), "usage")
    if _opens_call(chunk):
        found |= {f"{_CALL}id": Stamp.CALL, f"{_CALL}function.name": Stamp.NAME}
        found |= {_ARGUMENTS: Stamp.TEXT} if reading.function(reading.fragment(chunk))["arguments"] else {}
    return found


def _opens_call(chunk: JsonObject) -> bool:
    """Whether all that a chunk says is the opening of one call, as OpenAI sends it."""
    listed = reading.choices(chunk)
    calls = reading.as_list(reading.delta(listed[0]).get("tool_calls")) if len(listed) == 1 else []
    call = reading.as_object(calls[0]) if len(calls) == 1 else {}
    function = reading.function(call)
    texts = (call.get("id"), function.get("name"), function.get("arguments"))
    return call.keys() == _OPENED_BY and len(function) == 2 and all(type(one) is str for one in texts)


class ChatFollower:
    """Looks at the events of one stream that goes as another did, and was asked for in ``asked``."""

    def __init__(self, asked: RequestReading) -> None:
        self._tools = asked.tools or frozenset()
        self._first: dict[TextKind, str | None] = {}  # the first text of each kind; None once the second came
        self._ids: set[str] = set()  # of calls
        self._index = -1  # of the latest call
        self._arguments: CallArguments | None = None
        self._in_text = False  # whether a string of theirs is open
        self._inside: list[str] = []  # what went on with it, and they do not know yet
        self._whole = True  # whether the arguments so far are a JSON object, or no call is under way

    def event(self, chunk: JsonObject, values: dict[str, str]) -> bool:
        """Whether repairs let an event pass that is ``chunk`` but for ``values``, by their paths."""
        listed = reading.choices(chunk)
        if named_by({"id": values.get("id")}) is not None or not _adds_up(chunk, values) or len(listed) > 1:
            return False
        for choice in listed:
            said = kinds_of(reading.delta(choice))
            if choice.get("index") != 0 or choice.get("text") or choice.get("message"):
                return False
            if said and not (said == {CALLS} and self._calls(chunk, values)):
                return False
            if choice.get("finish_reason") and not self._whole:
                return False
        return True

    def goes_on(self, chunk: JsonObject) -> bool:
        """Whether chunks like this one, with other texts, may come now: those of a call go on with the latest."""
        one = reading.fragment(chunk)
        plain = one.keys() == {"index", "function"} and reading.function(one).keys() == {"arguments"}
        return not one or (plain and one["index"] == self._index)

    def judge(self, varying: Varying) -> Judge:
        """What is asked about each of the texts that come now."""
        return self._judge_arguments if varying.text is TextKind.ARGUMENTS else partial(self._judge_text, varying.text)

    def _judge_text(self, kind: TextKind, text: str) -> Judged:
        """Where the second of a kind begins with the first, each may hold all text so far."""
        if kind not in self._first:
            self._first[kind] = text
            return Judged.PASSES if text else Judged.STOPS
        first = self._first[kind]
        if first is not None and text.startswith(first):
            return Judged.STOPS
        self._first[kind] = None
        return Judged.ALL_PASS

    def _judge_arguments(self, text: str) -> Judged:
        """It is no copy, no placeholder, and not behind the end."""
        arguments = self._arguments
        if arguments is None or self._whole or not text:
            return Judged.STOPS
        if self._in_text and '"' not in text and "\\" not in text and len(text) <= arguments.length:
            self._inside.append(text)
            return Judged.PASSES
        if self._inside:
            arguments.extend("".join(self._inside))
            self._inside.clear()
        if arguments.without_copy(text) != text or (not arguments.length and text.strip() == "{}"):
            self._arguments = None
            return Judged.STOPS
        arguments.add(text)
        self._whole, self._in_text = "}" in text and arguments.complete, bool(arguments.unseen)
        return Judged.PASSES

    def _calls(self, chunk: JsonObject, values: dict[str, str]) -> bool:
        """Whether the only fragment of a chunk opens the next call, and the one before it is whole; or says nothing."""
        one = reading.fragment(chunk)
        function = reading.function(one)
        if not _opens_call(chunk):
            return bool(one) and self.goes_on(chunk) and function["arguments"] == ""
        named, name = values.get(f"{_CALL}id", one["id"]), values.get(f"{_CALL}function.name", function["name"])
        if not (self._whole and named) or named in self._ids:
            return False
        if name not in self._tools:  # it may be a piece of a name
            return False
        self._ids.add(named)
        self._index, self._arguments, self._whole = one["index"], CallArguments(), False
        self._in_text = False
        arguments = values[_ARGUMENTS] if _ARGUMENTS in values else function["arguments"]
        return not arguments or self._judge_arguments(arguments) is Judged.PASSES


def _adds_up(chunk: JsonObject, values: dict[str, str]) -> bool:
    """Whether the counts of usage are whole numbers and their sum."""
    if chunk.get("usage") is None:
        return True
    prompt, completion, total = (int(values.get(f"usage.{key}", -1)) for key in NUMBERS)
    return min(prompt, completion) >= 0 and prompt + completion == total
