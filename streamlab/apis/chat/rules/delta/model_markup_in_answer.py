"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Severity
from streamlab.rules.sources import CHAT_CHUNK_DELTA
from streamlab.wire.accumulate import ChoiceState
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.leaks import leaked_call, markup_in_arguments, markup_in_name, markup_in_text, scrap_at_end
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_list, as_object


class ModelMarkupInAnswer(Rule):
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
                where, markup = found
                yield self.found(
                    f"the text {where} the model's own markup: {quote(markup)}",
                    path=f"choices[{state.place}].delta.content",
                    actual=markup,
                    variant=f"the text {where} it",
                )
            if state.calls and found is None:
                yield from self._beside_call(index, state)
            for call in state.calls.values():
                path = f"choices[{state.place}].delta.tool_calls[].function."
                yield from self._in_call(str(call.name or ""), str(call.arguments or ""), path)

    def _in_answer(self, held: JsonObject) -> Findings:
        """What an API without choices gave: one text, and calls."""
        text, calls = str(held.get("content") or ""), as_list(held.get("tool_calls"))
        found = markup_in_text(text)
        leaked = leaked_call(text, self.ctx.tools) if self.ctx.tools and not calls else None
        if found is not None and not (leaked and text.lstrip().startswith(leaked)):
            where, markup = found
            said = f"the text {where} the model's own markup: {quote(markup)}"
            yield self.found(said, actual=markup, variant=f"the text {where} it")
        for call in calls:
            called = as_object(as_object(call).get("function"))
            yield from self._in_call(str(called.get("name") or ""), str(called.get("arguments") or ""), "")

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
                yield self.found(
                    f"the {what} beside a call ends in the model's own markup: {quote(scrap)}",
                    path=f"choices[{state.place}].delta.{member}",
                    actual=scrap,
                    severity=Severity.WARNING,
                )

    def _in_call(self, name: str, arguments: str, path: str) -> Findings:
        if markup_in_name(name):
            yield self.found(
                f"the name of a call holds markup of the model: {quote(name)}",
                path=f"{path}name" if path else None,
                variant="the name of a call holds it",
            )
        elif (shown := markup_in_arguments(arguments)) is not None:
            yield self.found(
                f"a string of a call's arguments ends in a token of the model: {quote(shown)}",
                path=f"{path}arguments" if path else None,
                severity=Severity.WARNING,
            )
