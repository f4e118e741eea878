"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.arguments_rule import item_calls, legacy_calls
from streamlab.apis.chat.text_places import TextEnds, begin_of
from streamlab.exchange import Ending
from streamlab.record import Record
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Finding, Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.rules.state import RuleState
from streamlab.wire.accumulate import CallState, ChoiceState
from streamlab.wire.call_reader import Call
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import StreamEvent
from streamlab.wire.leaks import leaked_call, markup_in_arguments, markup_in_name, markup_in_text, scrap_at_end
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact, as_list, as_object
from streamlab.wire.runs import Run
from streamlab.wire.text_pieces import TextKey


class ModelMarkupInAnswer(LateRule):
    """Special tokens of the model stand in the text, in a tool's name or in its arguments.

    Told only where nothing else can be meant: a text that begins with the frame of a harmony message or ends in a token
    that ends a turn, what opens or closes a call at the end of the text beside it, a name with a token or a bracket in
    it, a string of the arguments that ends in Gemma's token for a quotation mark or in what closes a call.

    ## What OpenAI does
    Never sends special tokens.

    ## Why it matters
    The user is shown markup, a tool of that name does not exist, a file of that path neither. The server's parser is
    made for another model or lost its way.

    ## Repair
    None: where the token ends and the answer begins is a guess.
    """

    name = "model-markup-in-answer"
    severity = Severity.ERROR
    source = CHAT_CHUNK_DELTA
    answer_fact = "markup"
    variants = ("the text begins with it", "the text ends in it", "the name of a call holds it")
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS, api_names.RESPONSES})

    on = Fact.FINISH | Fact.FRAGMENT

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._ends = TextEnds()

    def event(self, at: int, event: StreamEvent) -> None:
        self._ends.note(self, at, event)

    def passes(self, run: Run) -> bool:
        return self._ends.passes(self, run)

    def end(self, ending: Ending) -> Findings:
        choices = sorted(self.ctx.accumulator.choices.items())
        if not choices:
            yield from self._in_answer(self.ctx.accumulator.completion())
        parts = one_answer(dict(choices), self.ctx.seen.finish_values, self.ctx.n)
        for index, state in choices:
            text = str(state.content or "")
            if parts:  # under several indexes: the last has the end of it
                text = "".join(str(one.content or "") for _, one in choices) if index == choices[-1][0] else ""
            found = markup_in_text(text)
            if found is not None and not self._is_of_a_call(text, state):
                place = self._place_of((index, "content"), str(state.content or ""), *found)
                yield self._in_text(place, f"choices[{state.place}].delta.content", *found)
            if state.calls and found is None:
                yield from self._beside_call(index, state)
            for call in state.calls.values():
                yield from self._in_call(str(call.name or ""), str(call.arguments or ""), self._called(index, call))
        for _, legacy in legacy_calls(self.ctx):
            yield from self._in_call(str(legacy.name or ""), str(legacy.arguments), _Called(None, ""))

    def _in_answer(self, held: JsonObject) -> Findings:
        """What an API without choices gave: one text, and calls."""
        text, calls = str(held.get("content") or ""), as_list(held.get("tool_calls"))
        found = markup_in_text(text)
        leaked = leaked_call(text, self.ctx.tools) if self.ctx.tools and not calls else None
        if found is not None and not (leaked and text.lstrip().startswith(leaked)):
            yield self._in_text(self._place_of((None, "content"), text, *found), None, *found)
        for call in calls:
            called = as_object(as_object(call).get("function"))
            name, arguments = str(called.get("name") or ""), str(called.get("arguments") or "")
            closed = (one.closed_at for one in item_calls(self.ctx) if (one.name, one.arguments) == (name, arguments))
            yield from self._in_call(name, arguments, _Called(next(closed, None), "item."))

    def _place_of(self, key: TextKey, text: str, where: str, markup: str) -> Place | None:
        """Where a text begins with its markup, or where it ends, in it."""
        begins = where == "begins with" or text.strip() == markup
        return begin_of(self.ctx, key) if begins else self._ends.of(key, text)

    def _in_text(self, place: Place | None, path: str | None, where: str, markup: str) -> Finding:
        said = f"the text {where} the model's own markup: {quote(markup)}"
        return self.found_at(place, said, path=path, actual=markup, variant=f"the text {where} it")

    def _is_of_a_call(self, text: str, state: ChoiceState) -> bool:
        """Whether the markup is that of a call that another rule finds in the text: tool-call-leaked-as-text."""
        leaked = leaked_call(text, self.ctx.tools) if self.ctx.tools and not state.calls else None
        return leaked is not None and text.lstrip().startswith(leaked)

    def _beside_call(self, index: int, state: ChoiceState) -> Findings:
        for member, text in (("content", state.content), ("reasoning", state.reasoning)):
            scrap = scrap_at_end(str(text or ""))
            whole = self.ctx.tools and leaked_call(str(text or ""), self.ctx.tools)  # tool-call-leaked-as-text
            if scrap is not None and not whole:
                what = "text" if member == "content" else member
                yield self.found_at(
                    self._ends.of((index, member), str(text or "")),
                    f"the {what} beside a call ends in the model's own markup: {quote(scrap)}",
                    path=f"choices[{state.place}].delta.{member}",
                    actual=scrap,
                    severity=Severity.WARNING,
                )

    def _called(self, index: int, call: CallState) -> _Called:
        """Where a call of a choice was opened."""
        known = (
            one
            for one in self.ctx.calls.calls
            if (one.choice, one.name, str(one.arguments)) == (index, call.name, str(call.arguments))
        )
        opened = next(known, None)
        if opened is None:
            return _Called(None, "")
        return _Called(opened.at, f"{opened.path}.function.", opened)

    def _in_call(self, name: str, arguments: str, where: _Called) -> Findings:
        if markup_in_name(name):
            yield self.found_at(
                where.place("name"),
                f"the name of a call holds markup of the model: {quote(name)}",
                variant="the name of a call holds it",
            )
        elif (shown := markup_in_arguments(arguments)) is not None:
            yield self.found_at(
                where.place("arguments"),
                f"a string of a call's arguments ends in a token of the model: {quote(shown)}",
                severity=Severity.WARNING,
            )


class _Called(Record, frozen=True):
    """Where a call stands: the event, the path of what has its name and its arguments, and how it was opened."""

    at: int | None
    path: str
    opened: Call | None = None

    def place(self, member: str) -> Place | None:
        """Where one of the two stands; what the analyzer knows of the event is left to it."""
        if self.at is None:
            return None
        sse, offset_us = (self.opened.sse, self.opened.offset_us) if self.opened is not None else (None, None)
        return Place(self.at, sse, offset_us, f"{self.path}{member}")
