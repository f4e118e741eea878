"""See the class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from streamlab.rules.api import Scope
from streamlab.rules.base import Findings, Rule
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import MAX_EVENT, Draft, Drafts, Repair, Stage
from streamlab.rules.sources import OBSERVED
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run

_LIMIT = 64 * 1024
_READERS = (
    (32 * 1024 * 1024, "openai-go (32 MiB)"),
    (1024 * 1024, "httpx2's event reader and 1 MiB scanners"),
    (512 * 1024, "aiohttp (512 KiB)"),
    (_LIMIT, "Go's bufio.Scanner (64 KiB)"),
)


class CutLongText(Repair):
    """Text, reasoning and arguments that make a line too long go out in several chunks."""

    rules = ("oversized-sse-line",)
    apis = Scope.CHUNKS
    stage = Stage.TOOL_CALL
    minds = 0  # everybody is asked of a long event

    def event(self, draft: Draft) -> Drafts:
        listed = reading.choices(draft.json) if draft.is_chunk else []
        if len(listed) != 1 or not _may_be_long(draft) or len(encode_json(draft.json)) + len(b"data: ") <= _LIMIT:
            return (draft,)
        choice = listed[0]
        first, *rest = _cut(reading.delta(choice))
        if not rest:
            return (draft,)
        reason = choice.get("finish_reason")
        choice["delta"], choice["finish_reason"] = first, None
        draft.note(self.rules[0], "", "1 chunk", f"{len(rest) + 1} chunks")
        parts = [{**choice, "delta": delta, "finish_reason": None} for delta in rest]
        parts[-1]["finish_reason"] = reason
        return (draft, *(draft.like(self.rules[0], part, "choices[0].delta") for part in parts))


#: Characters in one piece: even as escapes (six bytes each) they stay below the limit.
_PIECE = 8_000


def _may_be_long(draft: Draft) -> bool:
    sse = draft.event.sse
    return sse is None or len(sse.raw) > _LIMIT


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)]


def _cut(delta: JsonObject) -> list[JsonObject]:
    """The delta as several, one after the other; what is short stays in the first."""
    parts: list[JsonObject] = []
    first: dict[str, Any] = {}
    for key, value in delta.items():
        if key in ("content", *reading.REASONING_KEYS) and type(value) is str and len(value) > _PIECE:
            parts += [{key: piece} for piece in _pieces(value)]
        elif key == "tool_calls" and type(value) is list:
            parts += _cut_calls(value)
        else:
            first[key] = value
    if not parts:
        return [first]
    return [{**first, **parts[0]}, *parts[1:]]


def _cut_calls(fragments: list[Any]) -> Iterator[JsonObject]:
    for fragment in fragments:
        function = reading.function(reading.as_object(fragment))
        arguments = function.get("arguments")
        if type(arguments) is not str or len(arguments) <= _PIECE:
            yield {"tool_calls": [fragment]}
            continue
        head, *rest = _pieces(arguments)
        yield {"tool_calls": [{**fragment, "function": {**function, "arguments": head}}]}
        yield from ({"tool_calls": [{"index": fragment.get("index"), "function": {"arguments": one}}]} for one in rest)


class OversizedSseLine(Rule):
    """One line of the stream is longer than common readers take.

    More than 65,536 bytes. In the Responses API the closing events repeat the whole answer and images come in one
    piece, from OpenAI too: there it is only told.

    ## What OpenAI does
    Sends a few hundred bytes a chunk.

    ## Why it matters
    Line readers give up: Go's bufio.Scanner at 64 KiB (one-api stops reading there and still sends ``[DONE]``), aiohttp
    at 512 KiB (524,288 bytes; Open WebUI: "Chunk too big"), httpx2's own event reader at 1 MiB an event, openai-go at
    32 MiB. The measured clients of Python and JavaScript have none of their own.

    ## Repair
    Text, reasoning and arguments are cut into several chunks; what cannot be cut (images) stays, and so
    does an event of more than 8 MiB, which nothing repairs.
    """

    name = "oversized-sse-line"
    needs_framing = True
    severity = Severity.WARNING
    source = OBSERVED
    of_some = Repairability.SAFE
    repair = CutLongText
    apis = Scope.OPENAI
    on = Fact.CHUNK | Fact.DONE | Fact.ERROR | Fact.UNDECODABLE | Fact.COMMENT

    _line = 0  # bytes of the line that no line end has closed yet

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        # Reads are cheap to watch and events are not: as long as no long line is on its way, no event is looked at.
        # Reads of a compressed body tell nothing, so there every event is.
        self.retired = ctx.head is None or ctx.head.header("content-encoding") is None

    def segment(self, offset_us: int | None, data: bytes) -> None:
        if not self.retired:
            return
        longest = self._line + len(data)  # no line can be longer
        if data.endswith(b"\n"):
            self._line = 0
        else:
            end = max(data.rfind(b"\n"), data.rfind(b"\r"))
            self._line = longest if end < 0 else len(data) - end - 1
        if longest > _LIMIT:
            self.retired = False
            self.ctx.unsettled |= self.on

    def segments(self, offsets: Sequence[int | None], data: Sequence[bytes]) -> bool:
        if not self.retired:
            return True
        longest = self._line + sum(map(len, data))
        if longest > _LIMIT:
            return False
        body = b"".join(data)
        end = max(body.rfind(b"\n"), body.rfind(b"\r"))
        self._line = longest if end < 0 else len(body) - end - 1
        return True

    def event(self, at: int, event: StreamEvent) -> Findings | None:
        if event.sse is None or len(event.sse.raw) <= _LIMIT:
            return None
        line = max(event.sse.filled_lines(), key=lambda one: len(one.content), default=None)
        if line is None or len(line.content) <= _LIMIT:
            return None
        size = len(line.content)
        reader = next(name for limit, name in _READERS if size > limit)
        cut = isinstance(event, Chunk) and len(event.sse.raw) <= MAX_EVENT and _divisible(event, size)
        found = self.found(
            f"a line of {size:,} bytes: more than {reader} takes",
            at,
            span=(line.start, line.start + size),
            expected=_LIMIT,
            actual=size,
            severity=Severity.INFO if self.ctx.api.works_meanwhile else None,
            repairability=Repairability.SAFE if cut else Repairability.NONE,
        )
        return (found,)

    def passes(self, run: Run) -> bool:
        return True  # the events of a run are short


def _divisible(event: Chunk, size: int) -> bool:
    """Whether text that may be cut into several chunks makes up most of the line."""
    texts = 0
    for delta in reading.deltas(event.json):
        texts += len(reading.content(delta)) + len(reading.reasoning(delta))
        for call in reading.tool_calls(delta):
            arguments = reading.function(call).get("arguments")
            texts += len(arguments) if type(arguments) is str else 0
    return texts * 6 > size  # a character may be six bytes of the line: \uXXXX
