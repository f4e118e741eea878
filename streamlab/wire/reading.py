"""Total accessors over a raw chunk, and the facts by which rules and repairs are asked. Nothing here ever raises.

A *fact* is a bit that says what an event holds. The analyzer asks a rule about an event only when the event has a
fact the rule waits for, so a plain text chunk costs next to nothing however many rules there are. `FactReader` works
a chunk's facts out once per *shape*: the keys and value types of the chunk, its choice and its delta.
"""

from __future__ import annotations

from typing import Any, Final

from streamlab.exchange import Request
from streamlab.wire.events import Chunk, Comment, Done, ErrorPayload, StreamEvent
from streamlab.wire.keepalives import is_keepalive
from streamlab.wire.payload import JsonObject

Shape = tuple[Any, ...]


def distinct_bits(cls: type) -> type:
    """A class whose integers are bits, each its own. Raises TypeError where two facts would share one."""
    owners: dict[int, str] = {}
    for name, value in vars(cls).items():  # Python's own are among them, from 3.13 on a number: the class's first line
        if name[0] != "_" and type(value) is int and (value.bit_count() != 1 or owners.setdefault(value, name) != name):
            raise TypeError(f"{cls.__name__}.{name} is no bit of its own")
    return cls


@distinct_bits
class Fact:
    """Bits; combine with ``|``. All but the last group are true of one event alone."""

    COMMENT: Final = 1 << 0  # no data: a comment, or fields without data
    DONE: Final = 1 << 1  # [DONE], in any spelling
    ERROR: Final = 1 << 2  # a JSON object with a truthy "error"
    UNDECODABLE: Final = 1 << 3  # data that is no JSON object
    CHUNK: Final = 1 << 4  # every chunk: expensive, wait for something more telling where you can
    FAULTS: Final = 1 << 5  # decoded, with JSON faults (duplicate keys, NaN, ...)
    FRAMING: Final = 1 << 6  # not framed exactly as ``data: ...\n\n``
    WIDE: Final = 1 << 7  # a chunk with bytes beyond ASCII, or with \u escapes
    SHAPE: Final = 1 << 8  # the first chunk of its shape (see Rule.shape)
    ENVELOPE: Final = 1 << 9  # id, object, created, model or tier are not those of the chunk before
    NO_CHOICES: Final = 1 << 10  # choices missing, null, empty, or no list of objects
    MANY_CHOICES: Final = 1 << 11  # more than one choice in the chunk
    ROLE: Final = 1 << 12  # a delta has the key role, whatever its value
    CONTENT: Final = 1 << 13  # a delta has content that is not null and not ""
    CONTENT_EMPTY: Final = 1 << 14  # a delta has the key content, holding null or ""
    REASONING: Final = 1 << 15  # a delta has reasoning in any spelling, not null
    REFUSAL: Final = 1 << 16  # a delta has a refusal that is not null
    TOOL_CALLS: Final = 1 << 17  # a delta has the key tool_calls, not null
    FUNCTION_CALL: Final = 1 << 18  # a delta has function_call, not null
    FINISH: Final = 1 << 19  # a finish_reason that is not null
    USAGE: Final = 1 << 20  # usage that is not null, in the chunk or in a choice
    LOGPROBS: Final = 1 << 21  # logprobs that are not null
    TEXT: Final = 1 << 22  # a choice has text (legacy completions), or a text in place of its delta
    TYPED: Final = 1 << 23  # a top-level "type" that is a string (Responses, Anthropic)
    MESSAGE: Final = 1 << 24  # a choice has a message
    NOTED: Final = 1 << 31  # its reader keeps its number: verdicts at the end may point back at it
    LINES: Final = 1 << 30  # not a single ``data`` line: other fields, comments, more lines, blank lines in front
    # what came before
    FIRST: Final = 1 << 25  # the first chunk
    AFTER_FINISH: Final = 1 << 26  # a choice has had a finish_reason in an earlier chunk
    AFTER_DONE: Final = 1 << 27  # [DONE] was seen in an earlier event
    AFTER_ERROR: Final = 1 << 28  # an error was seen in an earlier event
    FRAGMENT: Final = 1 << 29  # a tool call fragment that is more than the next arguments of its call (call_reader.py)


REASONING_KEYS = ("reasoning_content", "reasoning", "reasoning_details", "reasoning_text", "thinking")


def as_object(value: Any) -> JsonObject:
    """The value when it is a JSON object, else an empty one."""
    return value if type(value) is dict else {}


def as_list(value: Any) -> list[Any]:
    """The value when it is a list, else an empty one."""
    return value if type(value) is list else []


def choices(chunk: JsonObject) -> list[JsonObject]:
    """The choices that are objects."""
    listed = chunk.get("choices")
    if type(listed) is not list:
        return []
    if len(listed) == 1:  # nearly always
        return [listed[0]] if type(listed[0]) is dict else []
    return [choice for choice in listed if type(choice) is dict]


def choice_index(choice: JsonObject) -> int:
    """The index of a choice; 0 when it is missing or no integer, as every client reads it."""
    index = choice.get("index")
    return index if type(index) is int else 0


def delta(choice: JsonObject) -> JsonObject:
    """The delta of a choice; empty when missing or no object."""
    value = choice.get("delta")
    return value if type(value) is dict else {}


def deltas(chunk: JsonObject) -> list[JsonObject]:
    """The deltas of all choices, empty ones included."""
    return [delta(choice) for choice in choices(chunk)]


def content(chunk_delta: JsonObject) -> str:
    """The text a delta adds; "" when there is none or it is no string."""
    value = chunk_delta.get("content")
    return value if type(value) is str else ""


def reasoning(chunk_delta: JsonObject) -> str:
    """The reasoning text a delta adds, in whichever key it comes; "" when there is none."""
    for key in REASONING_KEYS:
        value = chunk_delta.get(key)
        if type(value) is str and value:
            return value
    return ""


def tool_calls(chunk_delta: JsonObject) -> list[JsonObject]:
    """The tool call fragments of a delta that are objects; a single object counts as a list of one."""
    value = chunk_delta.get("tool_calls")
    if type(value) is dict:
        return [value]
    return [call for call in as_list(value) if type(call) is dict]


def fragment(chunk: JsonObject) -> JsonObject:
    """The first tool call fragment of the first choice; empty when there is none."""
    listed = choices(chunk)
    calls = tool_calls(delta(listed[0])) if listed else []
    return calls[0] if calls else {}


def function(call: JsonObject) -> JsonObject:
    """The function member of a tool call fragment; empty when missing or no object."""
    return as_object(call.get("function"))


def finish_reason(choice: JsonObject) -> Any:
    """The finish_reason of a choice; None when missing or null."""
    return choice.get("finish_reason")


def usage(chunk: JsonObject) -> JsonObject | None:
    """Top-level usage when it is an object."""
    value = chunk.get("usage")
    return value if type(value) is dict else None


def request_tools(body: JsonObject) -> frozenset[str]:
    """Names of the tools (and legacy functions) a request offers."""
    names: set[str] = set()
    for tool in map(as_object, as_list(body.get("tools"))):
        declared = as_list(tool.get("functionDeclarations", tool.get("function_declarations")))
        for one in (tool.get("function"), tool, *declared):
            name = as_object(one).get("name")
            if type(name) is str:
                names.add(name)
    for legacy in as_list(body.get("functions")):
        name = as_object(legacy).get("name")
        if type(name) is str:
            names.add(name)
    return frozenset(names)


def chunk_of(event: StreamEvent) -> JsonObject:
    """The JSON of an event that is a chunk; empty for any other event."""
    return event.json if type(event) is Chunk else {}


def is_filter_result(choice: JsonObject) -> bool:
    """Whether a choice holds nothing but a verdict of Azure's asynchronous content filter."""
    return choice.get("delta") in (None, "", [], 0) and any(key.startswith("content_filter") for key in choice)


def owes_envelope(chunk: JsonObject) -> bool:
    """Whether a chunk has to name id, object, created and model: it is part of the answer, or its usage.

    Azure leaves them empty on purpose in the chunks of its content filter; an object that has neither choices nor usage
    is no chunk but something else (a flat error, a ping) that has its own rule, and so has a keep-alive.
    """
    inside = choices(chunk)
    if is_keepalive(chunk):
        return False
    if inside:
        return not all(map(is_filter_result, inside))
    return type(chunk.get("usage")) is dict


def counts_tokens(indexes: list[int], finished: int) -> bool:
    """Whether choice indexes, in order of appearance, number the tokens of one answer instead of its alternatives.

    Alternatives each finish on their own; a counter grows and finishes once, or in its last tokens once more.
    """
    if len(indexes) == 1:
        return indexes[0] != 0
    few = finished < 2 or finished * 4 <= len(indexes)
    return len(indexes) > 2 and few and indexes == sorted(indexes)


def asked_choices(body: JsonObject) -> int:
    """How many choices a request asks for: ``n`` of them, for each prompt of legacy completions; 1 without ``n``."""
    n, prompts = body.get("n"), as_list(body.get("prompt"))
    several = len(prompts) if any(type(prompt) in (str, list) for prompt in prompts) else 1
    return (n if type(n) is int and n > 0 else 1) * several


def wants_running_usage(body: JsonObject) -> bool:
    """Whether a request asks for usage in every chunk, as vLLM offers it."""
    options = as_object(body.get("stream_options"))
    return options.get("continuous_usage_stats") is True


def opens_with_delta(chunk: JsonObject) -> bool:
    """Whether a chunk (the first of a stream) has deltas that say something, as a streamed answer has."""
    return any(map(delta, choices(chunk)))


_NO_DELTA: JsonObject = {}
_MAX_SHAPES = 4096
_CONSTANT = ("id", "object", "created", "model", "service_tier")
_TOP_FACTS = (("usage", Fact.USAGE),)
_CHOICE_FACTS = (
    ("finish_reason", Fact.FINISH),
    ("logprobs", Fact.LOGPROBS),
    ("text", Fact.TEXT),
    ("message", Fact.MESSAGE),
    ("usage", Fact.USAGE),
)
_DELTA_FACTS = (
    ("refusal", Fact.REFUSAL),
    ("tool_calls", Fact.TOOL_CALLS),
    ("function_call", Fact.FUNCTION_CALL),
    *((key, Fact.REASONING) for key in REASONING_KEYS),
)


def kind_facts(event: StreamEvent) -> int:
    """The facts an event has by its kind and framing, without looking into the chunk."""
    sse = event.sse
    facts = 0
    if sse is not None and not sse.plain:
        facts = Fact.FRAMING if sse.single_line else Fact.FRAMING | Fact.LINES
    kind = type(event)
    if kind is Chunk:
        facts |= Fact.CHUNK
        if sse is not None and (not sse.raw.isascii() or b"\\u" in sse.raw):
            facts |= Fact.WIDE
        if event.faults:  # type: ignore[union-attr]
            facts |= Fact.FAULTS
        return facts
    if kind is Done:
        return facts | Fact.DONE
    if kind is ErrorPayload:
        return facts | Fact.ERROR
    if kind is Comment:
        return facts | Fact.COMMENT
    return facts | Fact.UNDECODABLE


class FactReader:
    """Facts of one stream's chunks, in order; remembers shapes and the envelope of the chunk before."""

    def __init__(self) -> None:
        self._known: dict[Shape, int] = {}
        self.envelope: tuple[Any, ...] | None = None  # of the last chunk read
        self.shape: Shape = ()  # of the last chunk read; () where it was too odd to have one

    def read(self, chunk: JsonObject) -> int:
        """The facts that lie in the chunk itself, SHAPE and ENVELOPE included."""
        facts = self._choice_facts(chunk)
        envelope = tuple(map(chunk.get, _CONSTANT))
        if envelope != self.envelope:
            facts |= Fact.ENVELOPE if self.envelope is not None else Fact.ENVELOPE | Fact.FIRST
            self.envelope = envelope
        return facts

    def _choice_facts(self, chunk: JsonObject) -> int:
        listed = chunk.get("choices")
        if type(listed) is not list or len(listed) != 1 or type(listed[0]) is not dict:
            return self._odd_facts(chunk)
        choice = listed[0]
        inner = choice.get("delta")
        if type(inner) is not dict:
            inner = _NO_DELTA
        shape = (
            tuple(chunk),
            tuple(map(type, chunk.values())),
            tuple(choice),
            tuple(map(type, choice.values())),
            tuple(inner),
            tuple(map(type, inner.values())),
        )
        self.shape = shape
        facts = self._known.get(shape)
        if facts is None:
            facts = _held(chunk, _TOP_FACTS) | _choice_held(choice, inner)
            if type(chunk.get("type")) is str:
                facts |= Fact.TYPED
            if len(self._known) < _MAX_SHAPES:
                self._known[shape] = facts
            facts |= Fact.SHAPE
        text = inner.get("content")
        if text:
            facts |= Fact.CONTENT
        elif "content" in inner:
            facts |= Fact.CONTENT_EMPTY
        return facts

    def _odd_facts(self, chunk: JsonObject) -> int:
        """No choice, several, or something that is none: judged one by one, always as a new shape the first time."""
        inside = choices(chunk)
        facts = _held(chunk, _TOP_FACTS)
        if not inside:
            facts |= Fact.NO_CHOICES
        if len(as_list(chunk.get("choices"))) > 1:
            facts |= Fact.MANY_CHOICES
        if type(chunk.get("type")) is str:
            facts |= Fact.TYPED
        parts: list[Any] = [tuple(chunk), tuple(map(type, chunk.values())), chunk.get("object")]
        for choice in inside:
            inner = delta(choice)
            facts |= _choice_held(choice, inner)
            facts |= Fact.CONTENT if inner.get("content") else Fact.CONTENT_EMPTY if "content" in inner else 0
            parts += (tuple(choice), tuple(map(type, choice.values())), tuple(inner), tuple(map(type, inner.values())))
        kind = chunk.get("type")
        shape = (*parts, kind if type(kind) is str else None, len(as_list(chunk.get("choices"))))
        self.shape = shape if _hashable(shape) else ()
        if self.shape not in self._known:
            if len(self._known) < _MAX_SHAPES and self.shape:
                self._known[self.shape] = facts
            facts |= Fact.SHAPE
        return facts


def _held(holder: JsonObject, table: tuple[tuple[str, int], ...]) -> int:
    facts = 0
    for key, fact in table:
        facts |= fact if holder.get(key) is not None else 0
    return facts


def _choice_held(choice: JsonObject, inner: JsonObject) -> int:
    facts = _held(choice, _CHOICE_FACTS) | _held(inner, _DELTA_FACTS)
    facts |= Fact.TEXT if type(choice.get("delta")) is str else 0
    return facts | Fact.ROLE if "role" in inner else facts


def _hashable(shape: Shape) -> bool:
    try:
        hash(shape)
    except TypeError:
        return False
    return True


def event_type(chunk: JsonObject) -> str:
    """The ``type`` of an event of the Responses API; "" when it is missing or no string."""
    value = chunk.get("type")
    return value if type(value) is str else ""


def is_resumed(chunk: JsonObject, request: Request | None) -> bool:
    """Whether a Responses stream goes on where an earlier one stopped: ``chunk`` is its first event.

    Asked for with ``starting_after``; where the request is unknown, the first event has a later number and is not
    the one that opens a stream.
    """
    number = chunk.get("sequence_number")
    late = type(number) is int and number > 0 and chunk.get("type") != "response.created"
    return late or (request is not None and "starting_after=" in request.url)


def is_whole_completion(value: Any) -> bool:
    """Whether this is an answer as it comes when no stream was asked for."""
    body = as_object(value)
    listed = choices(body)
    if body.get("object") == "response":
        return type(body.get("output")) is list
    if body.get("object") == "text_completion":
        return bool(listed)
    return bool(listed) and all(type(one.get("message")) is dict and "delta" not in one for one in listed)


def is_of_audio_model(chunk: JsonObject) -> bool:
    """Whether an audio model sends this chunk: some of OpenAI's chunks of those lack choices or a finish_reason."""
    model = chunk.get("model")
    return type(model) is str and ("-audio" in model or any("audio" in delta(one) for one in choices(chunk)))


def adds_text(choice: JsonObject) -> str | None:
    """What a choice of this chunk adds for a reader ("content", "reasoning", "refusal"); None when nothing does."""
    inner = delta(choice)
    if inner.get("content") or choice.get("text"):
        return "content"
    return "reasoning" if reasoning(inner) else "refusal" if inner.get("refusal") else None
