"""See the class."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right

from streamlab.apis.chat.calls_in_text import calls_in, is_read
from streamlab.apis.chat.repairs.emptied import no_logprobs
from streamlab.apis.chat.text_places import SignPlaces
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.repair import ABSENT, Draft, Drafts, Origin, Repair, RepairState, Stage
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.state import RuleState
from streamlab.wire import reading
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.events import Done, StreamEvent
from streamlab.wire.leaks import SHOWN, bare_call, leaked_call, markup_in_text, whole_call
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact
from streamlab.wire.runs import Run
from streamlab.wire.text_pieces import TEXTS
from streamlab.wire.thoughts import opens_thought, thought_in


class CallsFromText(Repair):
    """Text that may be a tool call is kept until the answer is over; when all of it is markup, it becomes calls."""

    rules = ("tool-call-leaked-as-text",)
    safe = False
    stage = Stage.TOOL_CALL
    on = Fact.CONTENT | Fact.FINISH
    holds_back = "text from a bracket on that may begin a tool call: 300 characters, or to the end where it does"

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._held: list[Draft] = []
        self._text = ""
        self._made = 0  # calls that it read out of text
        self._several = False  # whether there is a choice beside the first

    def _is_plain(self, listed: list[JsonObject]) -> bool:
        """Whether text stays text: the call itself came, or there are several answers."""
        self._several = self._several or any(map(reading.choice_index, listed))
        came = any(map(reading.tool_calls, map(reading.delta, listed)))
        return self._several or came or self.state.calls > self._made

    def event(self, draft: Draft) -> Drafts:
        tools = self.state.tools
        listed = reading.choices(draft.json) if draft.is_chunk else []
        if not tools or self._is_plain(listed):
            return (*self._let_go(), draft)
        text = reading.content(reading.delta(listed[0])) if len(listed) == 1 else ""
        if not self._held and not ("<" in text or "[" in text):
            if self._made:
                self._finish(draft, listed)  # behind [DONE]
            return (draft,)
        if isinstance(draft.event, Done) and calls_in(self._text, tools)[1]:
            return (*self._settled(), draft)
        if isinstance(draft.event, Done):  # text may come behind it
            self._held.append(draft)
            return ()
        over = not draft.is_chunk or any(choice.get("finish_reason") for choice in listed)
        open_markup = over and draft.is_chunk and self._is_half(self._text + text, tools)
        if not over or text or open_markup:
            self._held.append(draft)
            self._text += text
            self.awake = True
        if over and not open_markup:
            return (*self._settled(draft), *(() if text else (draft,)))
        if len(self._text) > _PATIENCE and leaked_call(self._text, tools) is None:
            return self._let_go()
        return ()

    def _is_half(self, text: str, tools: frozenset[str]) -> bool:
        """Whether the markup that waits breaks off here: the rest may come behind the finish."""
        begun = bool(self._held) or leaked_call(text, tools) is not None
        return begun and not calls_in(text, tools)[1]

    def _finish(self, draft: Draft, listed: list[JsonObject]) -> None:
        for choice in listed:
            if choice.get("finish_reason") == "stop":
                draft.put(self.rules[0], choice, "finish_reason", "tool_calls", "choices[0].")

    def end(self, ending: Ending) -> Drafts:
        return tuple(self._settled())

    def release(self) -> Drafts:
        return tuple(self._settled()) if any(isinstance(one.event, Done) for one in self._held) else ()

    def _let_go(self) -> list[Draft]:
        held, self._held, self._text, self.awake = self._held, [], "", False
        return held

    def _settled(self, closing: Draft | None = None) -> list[Draft]:
        text, tools = self._text, self.state.tools or frozenset()
        before, calls = calls_in(text, tools)
        held = self._let_go()
        if not calls:
            for one in (*held, *([closing] if closing is not None else [])) if self._made else ():  # behind [DONE]
                self._finish(one, reading.choices(one.json) if one.is_chunk else [])
            return held
        made: list[Draft] = []
        says = [one.is_chunk and bool(reading.choices(one.json)) for one in held]
        beside = [one for one, said in zip(held, says, strict=True) if not said]  # usage says nothing, and stays
        held = [one for one, said in zip(held, says, strict=True) if said]
        told = [one for one in held if reading.choices(one.json)[0].get("finish_reason") is not None]
        last = told[-1] if told else held[-1]
        reason = reading.choices(last.json)[0].get("finish_reason")
        path = "choices[0].delta"
        starts = [*([0] if before else []), len(before), *(call.end for call in calls[:-1])]
        came = iter(_parted([one for one in held if one is not last or reason is None or _text_of(one)], starts))
        if before:
            made.append(_of(next(came), self.rules[0], _part(last, {"content": before}), path))
        for at, (name, arguments, _) in enumerate(calls, self._made):  # the same text may come again
            index = self.state.calls
            self.state.calling[0] += 1
            import hashlib  # deferred: it loads OpenSSL

            made_id = "call_" + hashlib.sha256(f"{text}/{at}".encode()).hexdigest()[:24]
            function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
            call = {"index": index, "id": made_id, "type": "function", "function": function}
            made.append(_of(next(came), self.rules[0], _part(last, {"tool_calls": [call]}), path))
            made[-1].note(self.rules[0], f"{path}.tool_calls[0].type", ABSENT, "function", Origin.INVENTED)
            made[-1].note(self.rules[0], f"{path}.tool_calls[0].id", ABSENT, made_id, Origin.INVENTED)
        self._made += len(calls)
        if closing is not None and closing.is_chunk and closing is not held[-1]:
            self._finish(closing, reading.choices(closing.json))
        if reason is not None:
            made.append(last.like(self.rules[0], _part(last, {}, "tool_calls" if reason == "stop" else reason), path))
        _take_role(held, made[0], path)
        self._count(held, made[-1])
        return made + beside

    def _count(self, held: list[Draft], last: Draft) -> None:
        """Usage beside text that becomes a call goes with the last chunk of that."""
        counted = [one.json["usage"] for one in held if one.json.get("usage")]
        if counted:
            last.put(self.rules[0], last.json, "usage", counted[-1], "")


#: Characters after a bracket in which a marker and the name of a tool must have come.
_PATIENCE = 300


def _text_of(draft: Draft) -> str:
    listed = reading.choices(draft.json)
    return reading.content(reading.delta(listed[0])) if len(listed) == 1 else ""


def _parted(held: list[Draft], starts: list[int]) -> list[list[Draft]]:
    """The events of each part of a text, of which ``starts`` says where they begin; one without text goes with what it
    stands behind."""
    found: list[list[Draft]] = [[] for _ in starts]
    at = 0
    for one in held:
        end = at + len(_text_of(one))
        for number in range(bisect_right(starts, at) - 1, bisect_left(starts, max(end, at + 1))):
            found[number].append(one)
        at = end
    return found


def _take_role(held: list[Draft], made: Draft, path: str) -> None:
    """The role that was said first goes with what stands for the event that said it, and so what was changed of it."""
    for one in held:
        delta = next((delta for delta in reading.deltas(one.json) if "role" in delta), None)
        if delta is not None:
            first = reading.choices(made.json)[0]
            first["delta"] = {"role": delta["role"], **first["delta"]}
            made.changes += [change for change in one.changes if change.path == f"{path}.role"]
            return


def _of(held: list[Draft], rule: str, choice: JsonObject, path: str) -> Draft:
    """A chunk made of what stands in several."""
    made = held[0].like(rule, choice, path)
    made.sources = tuple(at for one in held for at in one.sources)
    return made


def _part(like: Draft, delta: JsonObject, finish: str | None = None) -> JsonObject:
    return {"index": 0, "delta": delta, **no_logprobs(like.json), "finish_reason": finish}


_WHERE = {"content": "text", "reasoning": "reasoning"}


class ToolCallLeakedAsText(LateRule):
    """A tool call stands in the text, or in the reasoning, as the model wrote it.

    ## What OpenAI does
    Sends calls as ``tool_calls``, never as text.

    ## Why it matters
    The user is shown the markup and no function is called; {clients: any when it stands in the text} measured clients
    find no call. The server's parser is off, is made for another model, or lost its way.

    Judged where the request offers tools, and a known marker stands beside the name of such a tool: people also talk
    about markers. Without a marker it is told only where the call is the whole text: JSON that names a tool and its
    arguments, between fences or escaped, too, or ``name(argument="…")``. Reasoning that an answer follows has to end in
    the markup, closed and all. Where the call came too, or an answer follows, only markup is shown: a warning.

    ## Repair
    Only when asked for: reading a call out of text is a guess. It is made where name and arguments stand there as JSON,
    nothing follows them, no call came beside it, and there is one answer.
    """

    name = "tool-call-leaked-as-text"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    answer_fact = "call-in-text"
    repairability = Repairability.UNSAFE
    repair = CallsFromText
    needs_request = True
    on = TEXTS
    variants = (
        "it stands in the text",
        "it stands in the text behind a <think> that never ends",
        "it stands in the text behind a <think> that never ends, a piece of its own",
        "it stands in reasoning_content",
        "it stands in reasoning",
        "it stands in the text, and the call came too",
    )

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._places = SignPlaces()

    def event(self, at: int, event: StreamEvent) -> None:
        if self.ctx.tools:
            self._places.note(self, at, event)
        else:
            self.retire()

    def passes(self, run: Run) -> bool:
        return self._places.passes(run)

    def odd(self, run: Run) -> int | None:
        return self._places.odd(run)

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if not ctx.tools:
            return
        for index, state in sorted(ctx.accumulator.choices.items()):
            for member, text in (("content", state.content), ("reasoning", state.reasoning)):
                over = member == "reasoning" and bool(state.calls or _answers(str(state.content)))
                said = str(text)
                markup = _leak(said, ctx.tools, goes_on=over) if said else None
                if markup is None or (member == "content" and _is_framed(said, markup, state)):
                    continue  # the latter is model-markup-in-answer
                also = ", beside the call itself" if state.calls else ""
                start = said.rfind(markup) if over else said.find(markup)
                place = self._places.of(self.ctx, (index, member), said, start)
                several = len(calls_in(said[start:], ctx.tools)[1])
                stands = f"{several} tool calls stand" if several > 1 else "a tool call stands"
                yield self.found_at(
                    place,
                    f"{stands} in the {_WHERE[member]}{also}: {quote(markup)}",
                    path=f"choices[{state.place}].delta.{member}",
                    expected="delta.tool_calls",
                    actual=markup + "…" * (len(markup) == SHOWN and start + SHOWN < len(said)),
                    severity=Severity.WARNING if state.calls or over else None,
                    repairability=self._repairability(member, state),
                    variant=self._variant(place, member, state, over=over),
                )

    def _variant(self, place: Place | None, member: str, state: ChoiceState, *, over: bool) -> str | None:
        """Which form of the deviation it is: some clients take a thought out of the text, some know a key alone."""
        if member == "reasoning":
            key = str(place.path).rpartition(".")[2] if place is not None else ""
            named = f"it stands in {key}"
            return None if over else self.form_asked(named)
        text, whole = str(state.content), "it stands in the text"
        tag = opens_thought(text)
        thinks = tag is not None and not thought_in(text, tag)[1]
        if state.calls:
            return None if thinks else f"{whole}, and the call came too"
        if not thinks:
            return whole
        alone = ", a piece of its own" * self._opens_alone(str(tag))
        return f"{whole} behind a <think> that never ends{alone}" if tag == "<think>" else None

    def _opens_alone(self, tag: str) -> bool:
        """Whether the first piece of the text is the tag and nothing else."""
        first = self.ctx.seen.first_content
        choices = reading.choices(first[1]) if first is not None else []
        return tag in [reading.delta(choice).get("content") for choice in choices]

    def _repairability(self, member: str, state: ChoiceState) -> Repairability:
        """Unsafe where the call can be read out of the text of the only answer."""
        readable = member == "content" and is_read(state, self.ctx.accumulator.choices, self.ctx.tools)
        return Repairability.UNSAFE if readable else Repairability.NONE


def _leak(text: str, names: frozenset[str], *, goes_on: bool) -> str | None:
    """The markup of a call. Models that reason also talk about calls, so where an answer follows it has to be whole."""
    return whole_call(text, names) if goes_on else leaked_call(text, names) or bare_call(text, names)


def _answers(text: str) -> bool:
    """Whether a text is one of an answer; the end marker, as text, is none."""
    return bool(text.replace("[DONE]", "").strip() if "[DONE]" in text else text)


def _is_framed(text: str, markup: str, state: ChoiceState) -> bool:
    """Whether the markup beside a call is that of a message's frame, with which the text begins."""
    return bool(state.calls) and text.lstrip().startswith(markup) and markup_in_text(text) is not None
