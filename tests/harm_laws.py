"""What repairs may never do to any stream, as one question: which laws does this repair break?

No error after repair that was not there before, but for those of events that nobody could read before. No error where
none is said to be left. Twice is once. No repair raises. Text, tool arguments, ids and usage change only where the
account names a repair that may change them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from streamlab.comparing.carried import fact_of
from streamlab.comparing.reading import Lane, Reading, read_exchange, texts_of
from streamlab.exchange import Exchange, Segment
from streamlab.judging.analyzer import analyze
from streamlab.repairing import pipeline
from streamlab.repairing.front import TOO_MUCH
from streamlab.repairing.normalizer import Normalized, errors_left, normalize
from streamlab.rules.api import Scope
from streamlab.rules.finding import Severity
from streamlab.rules.repair import MAX_DROPPED, Draft, Drafts, Repair, RepairState, Stage
from streamlab.rules.repairs.framing import frame
from streamlab.wire.content_coding import BodyDecoder
from streamlab.wire.events import Chunk, Comment, ErrorPayload, StreamEvent, Undecodable
from streamlab.wire.json_values import JsonSplitter
from streamlab.wire.sse import BOM
from streamlab.wire.stream import StreamDecoder, encode, read_event

ERROR = "a repair brings an error"
TWICE = "twice is not once"
UNTRUE = "no error is said to be left, and one is"
RAISES = "a repair raises"
UNNAMED = "content changes under no repair's name"

#: The rules of half an event: what comes behind it tells which.
HALVES = frozenset({"json-truncated", "json-malformed"})
#: The rule of an answer that came whole.
WHOLE = "nonstream-json-for-stream"

#: Members that hold what an answer says, by what they hold.
KINDS = {
    "content": "text", "refusal": "text", "text": "text", "delta": "text", "thinking": "text", "reasoning": "text",
    "reasoning_content": "text", "reasoning_text": "text", "arguments": "arguments", "partial_json": "arguments",
    "id": "ids", "item_id": "ids", "call_id": "ids", "usage": "usage", "name": "names",
}  # fmt: skip
#: Members of events that have a type, which may stand in the event line alone: an id beside them is none of a chunk's.
TYPED = {"type", "item_id", "output_index", "response", "item"}
#: Members that hold what a tool is called with, where that is an object: an id in it is an argument.
CALLED = {"input", "arguments", "partial_json"}
#: Members that hold an item of an answer, which has no usage; a response has its own, and none within its members.
ITEMS = {"item", "content_block", "part", "output"}
#: The members in which events of the Messages API say something; a mutation may put anything into any event.
MESSAGES_EVENTS: dict[str, tuple[str, ...]] = {
    "message_delta": ("usage",), "content_block_start": ("content_block",),
    "content_block_delta": ("delta",), "content_block_stop": (), "message_stop": (), "ping": (),
}  # fmt: skip


def errors(exchange: Exchange) -> set[str]:
    """The rules that find an error."""
    return {one.rule for one in analyze(exchange).findings if one.severity is Severity.ERROR}


def bare(exchange: Exchange) -> Exchange:
    """What is left of an exchange when its body was written to a file; what no body tells is kept: the request, an
    error status, an end that is none."""
    failed = exchange.head is not None and (exchange.head.status >= 300 or not exchange.body)
    return Exchange(
        request=exchange.request,
        head=exchange.head if failed else None,
        segments=(Segment(None, exchange.body),),
        ending=exchange.ending,
    )


def readable_errors(exchange: Exchange, *, unsafe: bool) -> set[str]:
    """The errors that a client would find which could read every event: nothing is repaired but the framing of those
    that nobody can read, or that and their payloads, where half of one at the end is told as an error, or also what
    stands in place of a delta.

    What passes there is taken from the whole repair: a line of a log is an error or a remark by what had finished
    before it, and only the last repairs know that.
    """
    found: set[str] = set()
    for last in (Stage.FRAMING, Stage.PAYLOAD, Stage.CHOICE):
        passed, repaired = _passing_behind(last, exchange, unsafe=unsafe)
        if passed:
            body = b"".join(_made_readable(exchange, repaired, passed))
            repaired = replace(repaired.exchange, segments=(Segment(None, body),))
        else:
            repaired = repaired.exchange
        found |= errors(repaired) | errors(bare(repaired))
    return found


class Passed(NamedTuple):
    """An event that passed between two repairs: its bytes, the events that it is made of, and the rules named by it."""

    raw: bytes
    sources: tuple[int, ...]
    names: set[str]


def _made_readable(exchange: Exchange, repaired: Normalized, passed: list[Passed]) -> Iterator[bytes]:
    """What passed, but for what was done to events that could be read: an error that this brings was hidden nowhere."""
    read = events_of(exchange)
    if read is None or read.bare or "translated" in repaired.changes:
        yield from (one.raw for one in passed)
        return
    torn = {at for one in passed if one.names & READABLE for at in one.sources}
    torn |= {at for at, event in enumerate(read.events) if _is_torn(event)}
    gone: set[int] = set()
    for one in passed:
        if not one.sources or torn & {*one.sources}:
            yield one.raw
        else:
            yield from (encode(read.events[at]) for at in one.sources if at not in gone)
            gone |= {*one.sources}


def _passing_behind(last: Stage, exchange: Exchange, *, unsafe: bool) -> tuple[list[Passed], Normalized]:
    """What the repairs up to a stage make of an exchange, and what all of them do."""
    passed: list[Passed] = []

    class Tap(Repair):
        stage = last
        apis = Scope.EVERY

        def __init__(self, state: RepairState) -> None:
            super().__init__(state)
            self.awake = True

        def event(self, draft: Draft) -> Drafts:
            names = {change.rule for change in draft.changes}
            passed.append(Passed(encode(draft.event), draft.sources, names))
            return (draft,)

    whole = pipeline.repair_classes
    pipeline.repair_classes = lambda unsafe, api: tuple(sorted((*whole(unsafe, api), Tap), key=lambda one: one.stage))
    try:
        return passed, normalize(exchange, unsafe=unsafe)
    finally:
        pipeline.repair_classes = whole


def broken_laws(exchange: Exchange) -> dict[str, Any]:
    """The laws that the repair of an exchange breaks, safe or not, and by what."""
    safe, unsafe = normalize(exchange), normalize(exchange, unsafe=True)
    before = errors(exchange)
    laws = _broken(exchange, safe, before, unsafe=False)
    if unsafe != safe:
        laws.update({f"{law}, unsafe": by for law, by in _broken(exchange, unsafe, before, unsafe=True).items()})
    return {law: by for law, by in laws.items() if by}


def _broken(exchange: Exchange, repaired: Normalized, before: set[str], *, unsafe: bool) -> dict[str, Any]:
    left = errors_left(repaired)
    new = errors(repaired.exchange) - before if left else set()
    if new and READABLE & set(repaired.changes):
        new -= readable_errors(exchange, unsafe=unsafe)
    if any(map(fact_of, new)) and _was_told(exchange, repaired, unsafe=unsafe):
        new = {rule for rule in new if not fact_of(rule)}
    if new & HALVES and before & HALVES and _is_read_anew(exchange, repaired):
        new -= HALVES
    twice = repaired.exchange
    if repaired.exchange.body != exchange.body:
        twice = normalize(repaired.exchange, unsafe=unsafe).exchange
    return {
        ERROR: new,
        UNTRUE: set() if left else errors(bare(repaired.exchange)),
        RAISES: repaired.failed,
        TWICE: twice.body != repaired.exchange.body,
        UNNAMED: unnamed(exchange, repaired, unsafe=unsafe),
    }


def _is_read_anew(exchange: Exchange, repaired: Normalized) -> bool:
    """Whether events that stop in the middle did so before: what comes behind them tells under which name."""
    read, after = events_of(exchange), events_of(repaired.exchange)
    torn = [one.sse.data for one in read.events if isinstance(one, Undecodable)] if read else []
    came = {*torn, *(line for data in torn for line in data.split(b"\n"))}  # lines that came as one event, too
    return all(one.sse.data in came for one in after.events if isinstance(one, Undecodable)) if after else False


def _was_told(exchange: Exchange, repaired: Normalized, *, unsafe: bool) -> bool:
    """Whether each text of the repaired answer stood whole in an event that came, once that could be read: the deltas
    say now what the stream told already, and rules that speak of the answer itself could not see it there."""
    if READABLE & set(repaired.changes) and "translated" not in repaired.changes:
        passed, _ = _passing_behind(Stage.PAYLOAD, exchange, unsafe=unsafe)
        exchange = bare(replace(exchange, segments=(Segment(None, b"".join(one.raw for one in passed)),)))
    read = events_of(exchange)
    came = {text for one in read.events if isinstance(one, Chunk) for text in _strings(one.json)} if read else set()
    return all(text in came for text in texts_of(read_exchange(repaired.exchange).items).values())


def unnamed(exchange: Exchange, repaired: Normalized, *, unsafe: bool) -> list[str]:
    """What changed of the content of events without a repair's name beside it that may do so."""
    if "translated" in repaired.changes:
        return untold(exchange, repaired)
    read = events_of(exchange)
    refused = exchange.head is not None and exchange.head.status >= 300  # its body is one error: kept, or told whole
    kept = repaired.exchange.body == exchange.body or "http-error-body-shape" in repaired.changes
    if read is None or repaired.left_alone is not None or (refused and kept):
        return []
    came = read.events
    found = _lost_of_whole(exchange, repaired)
    seen: set[int] = set()
    for sources, names, went in _groups(repaired):
        if any(at >= len(came) for at in sources):
            return [*found, f"{sorted(sources)} of {len(came)} events"]
        seen |= sources
        readable = READABLE - {"sse-ndjson-instead"} if max(sources, default=0) < read.bare else READABLE
        before, after = _held(came[at] for at in sources), _held(went)
        for kind in {*before, *after}:
            gone = kind == "chunk ids" and not (kind in before and kind in after)  # with the chunk, or new with it
            gone = gone or (kind == "chunk ids" and after[kind] < before[kind] and len(went) < len(sources))
            quiet = not any(isinstance(event, Chunk | ErrorPayload) for event in went)
            gone = gone or (quiet and kind in ("ids", "names"))  # a repeated event was dropped
            may = MAY_CHANGE[kind] | (MAY_GUESS.get(kind, frozenset()) if unsafe else frozenset())
            told = went and all(isinstance(event, ErrorPayload) for event in went)
            if kind in ("ids", "text") and told and not any(map(_has_choices, (came[at] for at in sources))):
                may |= {"error-flat-object"}  # what an error without choices is told with is nothing of the answer
            if before.get(kind) != after.get(kind) and not gone and not names & may:
                if not names & readable:
                    found.append(f"{kind} of {sorted(sources)} by {sorted(names)}")
                elif names & READABLE <= FRAMED and not _is_of(kind, [came[at] for at in sources], went, names):
                    found.append(f"{kind} of {sorted(sources)} is not what is in it")
        if not any(_is_torn(came[at]) for at in sources) and _is_lost([came[at] for at in sources], went, names):
            found.append(f"{sorted(sources)} cannot be read any more")
    told = {one.rule for one in repaired.unrepaired} & {TOO_MUCH, "empty-200"}  # all of it is no answer
    if len(repaired.dropped) < MAX_DROPPED and not told:
        found += [
            f"{sorted(held)} of [{at}] without a word"
            for at, one in enumerate(came)
            if at not in seen and (held := _held([one]).keys() - {"chunk ids"})
        ]
    return found


def _is_torn(event: StreamEvent) -> bool:
    """Whether nobody can read an event, or a line of it. A chunk that lost the line end before it is in the id or the
    name of another event: that one is read, and what came for the chunk itself is not."""
    lines = event.sse.fields() if event.sse is not None else ()
    faulty = isinstance(event, Undecodable | Comment) or bool(getattr(event, "faults", ()))
    return faulty or any(name not in _FIELDS or (name != b"data" and b'{"' in value) for name, value, *_ in lines)


_FIELDS = frozenset({b"data", b"event", b"id", b"retry", b""})


def _is_lost(came: list[StreamEvent], went: list[StreamEvent], names: set[str]) -> bool:
    """Whether nobody can read what could be read: it is torn, or an error says that it was."""
    told = bool(came) and "sse-unterminated-final-event" in names and all(map(_has_choices, came))
    lost = any(isinstance(one, Undecodable) or (told and isinstance(one, ErrorPayload)) for one in went)
    return bool(came) and lost and not any(isinstance(one, ErrorPayload) for one in came)


def _is_of(kind: str, came: list[StreamEvent], went: list[StreamEvent], names: set[str]) -> bool:
    """Whether what events say once they can be read has no letter that is not in the bytes in which they came, of which
    some could not be read; nor has all else in them, where nothing but framing is named. Errors are told in words;
    ids and names are held here as JSON writes them, with escapes for what is not ASCII."""
    raw = _letters([one.sse.raw.decode("utf-8", "replace") for one in came if one.sse is not None])
    chunks = [one for one in went if isinstance(one, Chunk)]
    said = _held(chunks).get(kind, ())
    texts: Iterable[str] = said.values() if isinstance(said, dict) else (_ESCAPE.sub("", one) for one in said)
    if all(name.startswith("sse-") for name in names):
        texts = [text for one in chunks for text in _strings(one.json) if text not in _NUMBERS]
    return any(map(_is_torn, came)) and _letters(texts) <= raw


#: Members by which a repair that numbers all events numbers one that had no number that could be read.
_NUMBERS = {"sequence_number"}
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}")


def _strings(value: Any) -> Iterator[str]:
    """All texts in JSON, the names of members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        yield from value if isinstance(value, dict) else ()
        for member in value.values() if isinstance(value, dict) else value:
            yield from _strings(member)


def _letters(texts: Iterable[str]) -> Counter[str]:
    """What no encoding changes of texts."""
    return Counter(letter for text in texts for letter in text if letter.isascii() and letter.isalnum())


def _lost_of_whole(exchange: Exchange, repaired: Normalized) -> list[str]:
    """Texts of an answer that came whole, and that its events hold otherwise, by no repair that may do so."""
    names = {*repaired.changes}
    if WHOLE not in names or names & TELLING:
        return []
    read = read_exchange(exchange, translated=True)
    if [item.kind for item in read.items] != ["whole"]:
        return []
    came, went = _texts(read), _texts(read_exchange(repaired.exchange, translated=True))
    return [f"{lane} of the whole" for lane in {**came, **went} if came.get(lane, "") != went.get(lane, "")]


def _has_choices(event: StreamEvent) -> bool:
    return isinstance(event, Chunk | ErrorPayload) and bool(event.json.get("choices"))


def untold(exchange: Exchange, repaired: Normalized) -> list[str]:
    """Texts of a stream that is told in another protocol's words which the chunks hold otherwise, without a repair's
    name beside it that may do so. What makes readable what nobody could read before adds text, and takes none; a call
    that it adds moves the numbers of those behind it, so that these are held to their order alone."""
    names, read = {*repaired.changes}, read_exchange(exchange, translated=True)
    if not read.foreign or names & TELLING:
        return []
    more = names & READABLE - {"translated"}
    came, went = (_texts(one, numbered=not more) for one in (read, read_exchange(repaired.exchange)))
    return [
        f"{lane} by translation"
        for lane in {**came, **went}
        if came.get(lane, "") != went.get(lane, "")
        and not (more and _is_within(came.get(lane, ""), went.get(lane, "")))
    ]


def _texts(read: Reading, *, numbered: bool = True) -> dict[Lane, str]:
    """All texts, by what they are: a choice may go by another number, and where they are not ``numbered``, a call."""
    texts: dict[Lane, str] = {}
    for (_, *lane), text in sorted(texts_of(read.items).items(), key=lambda one: one[0][0]):
        lane = [part for part in lane if numbered or type(part) is not int]
        texts[tuple(lane)] = texts.get(tuple(lane), "") + text
    return texts


def _is_within(part: str, whole: str) -> bool:
    """Whether a text is left of another when some of that is taken away."""
    rest = iter(whole)
    return all(letter in rest for letter in part)


class Came(NamedTuple):
    """The events of a body, numbered as the account numbers them; of these, ``bare`` are the JSON values in a row with
    which it begins, and which are read here as they are there."""

    events: list[StreamEvent]
    bare: int


def events_of(exchange: Exchange) -> Came | None:
    """What came; None where its content coding hides that."""
    coding = exchange.head.header("content-encoding") if exchange.head is not None else None
    body = BodyDecoder(coding, guess=True)
    data = body.feed(exchange.body) + body.finish()
    if body.fault or (exchange.body and not data):  # of gzip, too little came to tell whether it is that
        return None
    values, rest = _values(data) or ([], data)
    decoder = StreamDecoder()
    return Came([*values, *decoder.feed_decoded(rest), *decoder.finish()], len(values))


def _values(body: bytes) -> tuple[list[StreamEvent], bytes] | None:
    """The JSON values with which a body begins that is no event stream, as events, and what is behind them; None where
    it is one."""
    start = body.removeprefix(BOM)
    array = _LIST.match(start)
    if not (array or start.lstrip(_BLANK).startswith(b"{")):
        return None
    splitter = JsonSplitter(into_array=array is not None)
    values = [value.replace(b"\n", b" ").replace(b"\r", b" ") for value in splitter.feed(start)]
    return [read_event(frame(value)) for value in values], splitter.rest


_BLANK = b" \t\r\n"
_LIST = re.compile(rb"[ \t\r\n]*\[[ \t\r\n]*[\[{\]]")


def _groups(repaired: Normalized) -> Iterator[tuple[set[int], set[str], list[StreamEvent]]]:
    """Input events that went into the same output, the rules named beside them, and what went out."""
    groups: list[tuple[set[int], set[str], list[StreamEvent]]] = []
    parts = [
        *((set(one.sources), {change.rule for change in one.changes}, [one.event]) for one in repaired.events),
        *((set(one.sources), {one.rule, *one.before}, []) for one in repaired.dropped),
    ]
    home: dict[int, tuple[set[int], set[str], list[StreamEvent]]] = {}
    for sources, names, went in parts:
        group: tuple[set[int], set[str], list[StreamEvent]] = (set(), set(), [])
        for other in {id(home[at]): home[at] for at in sources if at in home}.values():
            group = (group[0] | other[0], group[1] | other[1], group[2] + other[2])
        group = (group[0] | sources, group[1] | names, group[2] + went)
        for at in group[0]:
            home[at] = group
        if not sources:
            groups.append(group)
    return iter([*groups, *{id(group): group for group in home.values()}.values()])


def _held(events: Iterable[StreamEvent]) -> dict[str, Any]:
    """What events say, kind by kind."""
    held: dict[str, Any] = {}
    for event in events:
        if isinstance(event, Chunk | ErrorPayload):
            said = event.json
            bare_id = (
                isinstance(event, ErrorPayload) or not said.keys() & TYPED
            )  # an error's is no item's, typed or not
            if isinstance(said.get("id"), str) and bare_id:
                held.setdefault("chunk ids", []).append(said["id"])
                said = {key: value for key, value in said.items() if key != "id"}
            says = MESSAGES_EVENTS.get(str(said.get("type")))
            told = said if says is None else {key: said[key] for key in says if key in said}
            _hold(held, told, response=said.get("object") == "response")
    for kind in ("chunk ids", "ids", "names", "usage"):
        if kind in held:
            held[kind] = set(held[kind])
    return held


def _hold(held: dict[str, Any], value: Any, *, item: bool = False, response: bool = False) -> None:
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        kind = KINDS.get(key) if isinstance(key, str) else None
        if kind in ("text", "arguments") and response:
            continue  # a response says nothing itself: its items do
        if kind in ("text", "arguments") and isinstance(member, str):
            if member:
                text = held.setdefault(kind, {})
                text[key] = text.get(key, "") + member
        elif (kind == "usage" and not item) or (kind not in (None, "usage") and isinstance(member, str)):
            if member:
                held.setdefault(kind, []).append(json.dumps(member, sort_keys=True))
        elif key in CALLED and isinstance(member, dict):  # what a tool is called with: its members are no answer's
            if member:
                held.setdefault("arguments", {})[key] = json.dumps(member, sort_keys=True)
        elif isinstance(member, dict | list):
            _hold(held, member, item=item or response or key in ITEMS, response=key == "response")


#: Repairs that make readable what no client could read, or that make another protocol of it.
READABLE = frozenset(
    {
        "sse-double-data-prefix", "sse-invalid-field-name", "sse-json-split-across-events", "sse-missing-blank-line",
        "sse-multiple-json-in-one-data", "sse-ndjson-instead", "sse-nul-byte", "sse-raw-newline-in-json",
        "sse-comment-inside-data", "sse-spliced-frames", "encoding-mislabelled", "json-python-repr", "json-not-object",
        "plain-text-in-data", "choices-missing-or-null", "translated", "completions-chat-shape",
        "choice-message-instead-of-delta", "choice-delta-missing", "messages-openai-chunks",
        "nonstream-json-for-stream",  # a whole answer as plain JSON: who asked for a stream finds no event in it
        "messages-tool-call-as-text",
        "messages-data-type-missing",
    }
)  # fmt: skip
#: Those of them that take nothing but the framing away: what they make readable is what came.
FRAMED = frozenset(one for one in READABLE if one.startswith("sse-")) | {
    "json-python-repr",
    "json-not-object",
    "plain-text-in-data",
}
#: kind of content -> rules whose repair may change it, beside those
MAY_CHANGE: dict[str, frozenset[str]] = {
    "text": frozenset(
        {
            "choice-delta-missing", "content-array-parts", "content-holds-done-marker", "content-wrong-type",
            "cumulative-content", "cumulative-reasoning", "done-duplicate-or-early",
            "full-message-repeated", "invalid-utf8", "keepalive-chunk", "surrogate-escape-split",
            "tool-call-leaked-as-text",
            "messages-answer-after-error", "messages-block-start-text",
            "messages-delta-member-wrong",
            "messages-event-after-stop", "messages-unknown-type", "messages-think-tags-in-text",
            "messages-delta-type-mismatch", "messages-reasoning-extra-key", "messages-error-shape-wrong",
            "messages-start-shape", "messages-start-prefilled", "responses-completed-output-empty",
            "responses-no-deltas", "responses-events-after-terminal", "responses-replayed-events",
            "truncated-chunked-body",  # the end of a response, with what it says, where it was cut
            "responses-item-done-missing", "responses-heartbeat-as-delta", "responses-terminal-missing",
            "responses-item-content-missing", "responses-text-in-added", "responses-arguments-in-added",
            "responses-items-only-in-completed", "responses-completed-output-missing",
            "responses-response-missing", "responses-error-without-failed",
            "responses-unknown-event", "responses-delta-not-string",
            "responses-item-event-repeated",
        }
    ),
    "arguments": frozenset(
        {
            "tool-call-arguments-double-encoded", "tool-call-arguments-duplicated", "tool-call-arguments-object",
            "tool-call-arguments-empty-object-prefix", "tool-call-args-before-name", "tool-call-name-split",
            "tool-call-name-missing", "done-duplicate-or-early",
            "tool-call-leaked-as-text", "messages-answer-after-error", "messages-delta-member-wrong",
            "messages-event-after-stop", "messages-unknown-type",
            "messages-block-restarted",  # a start that says what the first one did (one that says more stays)
            "messages-tool-input-double-encoded", "messages-tool-input-empty-object-prefix",
            "messages-tool-input-in-start", "messages-tool-input-not-object", "messages-tool-input-repeated",
            "responses-completed-output-empty",
            "responses-error-without-failed", "responses-completed-output-missing", "responses-arguments-not-string",
            "responses-items-only-in-completed", "responses-item-event-repeated", "responses-item-done-missing",
            "responses-arguments-in-added", "responses-no-deltas", "responses-replayed-events",
            "responses-events-after-terminal",
            "truncated-chunked-body",  # the end of a response, with what it says, where it was cut
            "responses-response-missing", "responses-terminal-missing",
            "responses-unknown-event", "responses-delta-not-string",
        }
    ),
    "chunk ids": frozenset({"chunk-id-changes", "chunk-id-missing-or-empty", "chunk-id-not-unique"}),
    "ids": frozenset(
        {
            "tool-call-id-duplicate", "tool-call-id-missing", "tool-call-id-repeated", "tool-call-id-unstable",
            "tool-call-args-before-name", "tool-call-name-split", "tool-call-name-missing", "tool-call-leaked-as-text",
            "messages-block-restarted", "messages-start-missing", "messages-start-repeated",
            "messages-start-prefilled",  # an empty block in it goes, with what it has beside its text
            "messages-tool-id-missing", "messages-tool-id-repeated", "messages-error-shape-wrong",
            "messages-event-after-stop", "messages-unknown-type", "responses-completed-output-empty",
            "responses-ids-unstable", "responses-missing-required-fields",
            "truncated-chunked-body",  # the end of a response, with what it says, where it was cut
            "responses-error-without-failed", "responses-missing-item-id", "responses-terminal-missing",
            "responses-response-missing", "responses-missing-response-id", "responses-item-id-duplicate",
            "responses-missing-call-id", "body-not-event-stream", "empty-200", "html-body-200",
            "responses-item-changed", "responses-replayed-events", "responses-item-done-missing",
            "responses-events-after-terminal", "responses-item-event-repeated",
            "responses-completed-output-missing",
            "responses-unknown-event",
        }
    ),
    "names": frozenset(
        {
            "tool-call-name-repeated", "tool-call-name-split", "tool-call-name-missing", "tool-call-leaked-as-text",
            "tool-call-args-before-name", "messages-block-restarted", "messages-tool-name-not-in-tools",
            "messages-event-after-stop",
            "messages-unknown-type",
            "responses-item-changed", "responses-completed-output-empty",
            "responses-error-without-failed",
            "responses-item-event-repeated",
            "responses-item-done-missing",
            "truncated-chunked-body",  # the end of a response, with what it says, where it was cut
            "responses-completed-output-missing", "responses-response-missing", "responses-terminal-missing",
            "responses-unknown-event",
        }
    ),
    "usage": frozenset(
        {
            "usage-in-choice", "usage-on-content-or-finish-chunk", "usage-on-every-chunk", "usage-unrequested",
            "usage-inconsistent", "messages-answer-after-error", "messages-stop-reason-missing",
            "messages-delta-repeated", "messages-start-missing", "messages-start-repeated",
            "messages-event-after-stop", "messages-unknown-type", "messages-usage-input-zero",
            "messages-usage-missing", "messages-usage-wrong-shape", "messages-error-shape-wrong",
            "responses-created-at-float",
            "responses-usage-details", "responses-usage-missing", "responses-usage-chat-names",
            "responses-events-after-terminal", "responses-unknown-event",
            "responses-replayed-events",  # the same bytes under the same number as an earlier event
        }
    ),
}  # fmt: skip
#: Those that may change what an answer says.
TELLING = MAY_CHANGE["text"] | MAY_CHANGE["arguments"] | MAY_CHANGE["names"]
#: … and those whose repair may do so where it is allowed to guess: a delta of a text that was whole before is dropped,
#: and an item that was opened by a guess is listed in the end.
MAY_GUESS: dict[str, frozenset[str]] = {
    "text": frozenset({"responses-lifecycle-order"}), "ids": frozenset({"responses-lifecycle-order"}),
}  # fmt: skip
