"""What a client held at the end of a stream, beside what the same client holds of the stream as it should have been.

A client that never shows usage or reasoning is not blamed for it: only what it showed of the perfect stream can differ.
What is said here are letters, as the measurements keep them; `words` has them for people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

from streamlab.clients.setups import ClientSetup
from streamlab.comparing.reading import Item, Lane
from streamlab.judging.report import Report
from streamlab.wire.calls import called
from streamlab.wire.payload import JsonObject

#: What a driver says that a client held, and how it ended.
HeldAnswer = dict[str, Any]
#: A letter for each thing that can differ, and its name.
FIELDS = {
    "t": "text",
    "r": "reasoning",
    "k": "number of calls",
    "n": "function names",
    "a": "arguments",
    "i": "call ids",
    "o": "order of the calls",
    "v": "a call marked invalid",
    "f": "finish reason",
    "u": "usage",
}
#: Stands before them where nothing of the answer was held.
EMPTY = "e"
#: What a client did that ended a broken stream without an error, and said where the finish reason is that it was cut.
INTERRUPTED = "interrupted"
#: Finish reasons that clients give other names; the meaning counts.
_FINISH = {
    "tool_call": "tool_calls",
    "tool_use": "tool_calls",
    "toolUse": "tool_calls",
    "function_calls": "tool_calls",
    "function_call": "tool_calls",
    "tool-calls": "tool_calls",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "completed": "stop",
    "unknown": None,
    "max_tokens": "length",
    "incomplete": "length",
    "content-filter": "content_filter",
    "refusal": "content_filter",
}


def outcome(held: HeldAnswer, perfect: HeldAnswer | None, broken: bool) -> str | None:
    """What a client did in a word: None where it was not asked or could not read even the perfect stream, "same",
    "hang", ``error(library): TYPE: MESSAGE``, ``again: WHY`` (`SecondQuestion`), "interrupted" or ``wrong:LETTERS``.

    ``broken``: a good client reports an error on this stream, or that it was cut, so ending without either is silent,
    also where it held all that the perfect stream has: it cannot know that this was all.
    """
    if held.get("ok") is None or perfect is None or not perfect.get("ok"):
        return None
    if again := held.get("again"):
        return f"again: {again}"
    if failure := failure_of(held):
        return failure
    if broken and says_cut(held):
        return INTERRUPTED
    letters = difference(held, perfect)
    if letters and _is_empty(held):
        letters = EMPTY + letters
    return (f"wrong:{letters}" if letters else "same") + " [silent]" * broken


def _is_empty(held: HeldAnswer) -> bool:
    """Whether it is no answer at all: no text, no reasoning, no call."""
    return not (held["text"] or held["reasoning"] or held.get("tool_calls"))


def outcome_of_failure(held: HeldAnswer, perfect: HeldAnswer | None, words: str) -> str | None:
    """The same where the server failed and said why: "same" where a client's error has these ``words``, "no words"
    where it had them of the failure as OpenAI tells it, and has them no more."""
    if held.get("ok") is None or perfect is None or words not in str(perfect.get("error")):
        return None
    if held["ok"] or held.get("hung"):
        return failure_of(held) or "no error"
    return "same" if words in str(held.get("error")) else "no words"


def with_given_ids(held: HeldAnswer, perfect: HeldAnswer | None) -> HeldAnswer:
    """What a client held where the stream has no ids of calls: ids that it made itself, one for each call, are as good
    as those of the perfect stream."""
    calls, given = held.get("tool_calls") or [], (perfect or {}).get("tool_calls") or []
    made = [one.get("id") for one in calls]
    if (
        not held.get("ok")
        or len(calls) != len(given)
        or len({one for one in made if one and type(one) is str}) != len(made)
    ):
        return held
    calls = [{**one, "id": other.get("id")} for one, other in zip(calls, given, strict=True)]
    return {**held, "tool_calls": calls}


def says_cut(held: HeldAnswer) -> bool:
    """Whether a client says, where others give the finish reason, that the answer was cut: AI SDK 7 does, of a stream
    that brought none."""
    return held.get("finish_reason") == "interrupted"


def failure_of(held: HeldAnswer) -> str | None:
    """ "hang" or the error, where a client did not come to an end."""
    if held.get("hung"):
        return "hang"
    if not held["ok"]:
        message = str(held.get("error") or "")[:120]
        return f"error({held.get('error_in') or 'library'}): {held.get('error_type')}: {message}"
    return None


def difference(held: HeldAnswer, perfect: HeldAnswer) -> str:
    """A letter for each thing that differs, see `FIELDS`."""
    found = ["t"] * (held["text"] != perfect["text"])
    found += ["r"] * (bool(perfect["reasoning"]) and held["reasoning"] != perfect["reasoning"])
    found += _calls(held.get("tool_calls") or [], perfect.get("tool_calls") or [])
    found += ["f"] * (held.get("finish_reason") != perfect.get("finish_reason"))
    found += ["u"] * (perfect.get("usage") is not None and held.get("usage") != perfect["usage"])
    return "".join(found)


def difference_from(held: HeldAnswer, completion: JsonObject, *, finish: bool = True) -> str:
    """The same against an answer as we put it together ourselves: text, calls and, with ``finish``, why it ended."""
    told = list(_told(completion))
    found = ["t"] * (held["text"] != (completion.get("content") or ""))
    found += _calls(held.get("tool_calls") or [], told)
    meant, got = completion.get("finish_reason"), held.get("finish_reason")
    found += ["f"] * (finish and _FINISH.get(str(got), got) != _FINISH.get(str(meant), meant))
    return "".join(found)


def _told(completion: JsonObject) -> Iterable[HeldAnswer]:
    for call in completion.get("tool_calls") or ():
        name, arguments = called(call)
        yield {"id": call.get("id"), "name": name, "arguments": arguments}


def _calls(calls: list[HeldAnswer], perfect: list[HeldAnswer]) -> list[str]:
    if calls != perfect and sorted(map(_whole, calls)) == sorted(map(_whole, perfect)):
        return ["o"] if [one.get("id") for one in calls] != [one.get("id") for one in perfect] else []
    if len(calls) != len(perfect):
        return ["k"]
    views = {
        "n": lambda call: call.get("name"),
        "a": lambda call: _arguments(call.get("arguments")),
        "i": lambda call: call.get("id"),
        "v": lambda call: bool(call.get("invalid")),
    }
    return [letter for letter, view in views.items() if list(map(view, calls)) != list(map(view, perfect))]


def _whole(call: HeldAnswer) -> str:
    return json.dumps([call.get("name"), _arguments(call.get("arguments")), call.get("id"), bool(call.get("invalid"))])


def _arguments(text: Any) -> list[Any]:
    """Arguments as JSON where they are, so that spaces and the order of keys make no difference."""
    if not isinstance(text, str) or not text:
        return ["", text or ""]
    try:
        return ["json", json.dumps(json.loads(text), sort_keys=True)]
    except ValueError:
        return ["text", text]


class SecondQuestion(StrEnum):
    """Why a client asked a second time."""

    #: It threw the stream away and asked for the whole answer.
    NOT_STREAMED = "not streamed"
    #: It told the model that its call cannot be made.
    NOT_CALLED = "call not run"
    #: It held nothing that it could take for an answer.
    NO_ANSWER = "no answer"


class Parting(NamedTuple):
    """Where a client's answer first parts from the ideal: ``what`` differs, from which character on, and the event of
    the stream that brought that character, where it is known."""

    what: str
    here: str
    ideal: str
    at: int | None = None
    event: int | None = None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What one client made of one exchange. ``outcome`` is "right", "hang", "error(…): …", "again: not streamed" (it
    asked for the whole answer instead), "again: call not run" (it asked the model for another), "interrupted" (it ended
    a broken stream and says that it was cut), or letters (`FIELDS`) behind "wrong:", behind "silent:" (a broken stream,
    ended without an error) or behind "own:" (it holds the same of the stream as it should be). None: it has no such
    API.
    """

    outcome: str | None
    held: HeldAnswer
    requests: int
    parting: Parting | None = None


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client on one exchange, as it came and repaired; ``repaired`` is None where there is nothing to repair."""

    setup: ClientSetup
    version: str
    came: Reaction
    repaired: Reaction | None


@dataclass(slots=True)
class TriedExchange:
    """One exchange and what clients made of it. ``errors`` are those that no repair takes away. ``strict`` are those of
    its ``tools`` that the request says are; None where the request is not known."""

    name: str
    report: Report
    errors: tuple[str, ...]
    repairable: bool
    tools: tuple[str, ...] = ()
    strict: tuple[str, ...] | None = None
    rows: list[ClientRow] = field(default_factory=list)

    @property
    def spoken(self) -> str:
        """What a client has to speak to be asked, in words."""
        return spoken(self.report.api, self.report.completion)


def spoken(api: object, completion: JsonObject) -> str:
    """An API, and whether an answer of it is tool calls: not every client that speaks it takes them."""
    return f"{api} with tool calls" if completion.get("tool_calls") else str(api)


def parting(held: HeldAnswer, ideal: HeldAnswer, letters: str, items: Sequence[Item]) -> Parting | None:
    """The first thing that differs, text before calls before how it ended; ``items`` are the stream's events."""
    if "t" in letters:
        return _text_parting("text", held["text"], ideal["text"], items, _is_text)
    if "k" in letters or "o" in letters:
        here, there = (
            ", ".join(str(call.get("name")) for call in one.get("tool_calls") or ()) for one in (held, ideal)
        )
        return Parting(FIELDS["k" if "k" in letters else "o"], here, there)
    pairs = zip(held.get("tool_calls") or (), ideal.get("tool_calls") or (), strict=False)
    for number, (mine, theirs) in enumerate(pairs):
        if name := next(
            (one for one in _MEMBERS if _MEMBERS[one] in letters and _of(mine, one) != _of(theirs, one)), ""
        ):
            wanted = partial(_is_of_call, number, name)
            return _text_parting(f"{name} of call {number}", _shown(mine, name), _shown(theirs, name), items, wanted)
    if "r" in letters:
        return _text_parting("reasoning", held["reasoning"], ideal["reasoning"], items, _is_reasoning)
    for letter, member in (("f", "finish_reason"), ("u", "usage")):
        if letter in letters:
            return Parting(FIELDS[letter], str(held.get(member)), str(ideal.get(member)))
    return None


def _of(call: HeldAnswer, member: str) -> Any:
    return _arguments(call.get(member)) if member == "arguments" else call.get(member)


def _shown(call: HeldAnswer, member: str) -> str:
    value = call.get(member)
    return value if isinstance(value, str) else str(value)


#: What a call has, and the letter of each.
_MEMBERS = {"name": "n", "id": "i", "arguments": "a"}
_Wanted = Callable[[Lane], bool]


def _is_text(lane: Lane) -> bool:
    return "content" in lane or any(isinstance(part, str) and "output_text" in part for part in lane)


def _is_of_call(number: int, member: str, lane: Lane) -> bool:
    return lane[1:3] == ("call", number) and (member == "id" or lane[3:] == (member,))


def _is_reasoning(lane: Lane) -> bool:
    return any(isinstance(part, str) and "reasoning" in part for part in lane)


def _text_parting(what: str, here: str, ideal: str, items: Sequence[Item], wanted: _Wanted) -> Parting:
    at = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(here, ideal, strict=False)))
    return Parting(what, here[at : at + 40], ideal[at : at + 40], at, _event_at(items, wanted, ideal, at))


def _event_at(items: Sequence[Item], wanted: _Wanted, ideal: str, at: int) -> int | None:
    """The event that brought a character; None where the stream's own text has parted from the ideal before."""
    text, last = "", None
    for item in items:
        pieces = [piece for lane, piece in item.texts if wanted(lane)]
        if pieces:
            text, last = text + "".join(pieces), item.number
            if len(text) > at:
                break
    return last if text[:at] == ideal[:at] else None
