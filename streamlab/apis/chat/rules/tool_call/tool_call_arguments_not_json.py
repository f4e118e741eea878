"""See the class."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.apis.chat.arguments_rule import finishes_of, item_calls, legacy_calls, whose
from streamlab.apis.chat.numbering import calls_of
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, Rule, quote
from streamlab.rules.finding import Repairability, Severity
from streamlab.rules.sources import CHAT_CHUNK_TOOL_CALLS
from streamlab.rules.whole import Whole
from streamlab.wire.arguments import ArgumentsFault, fault_of, read_arguments


class ToolCallArgumentsNotJson(Rule):
    """The arguments of a finished tool call are not a JSON object.

    ## What OpenAI does
    Sends text that is a JSON object when joined; its documentation warns that a model may fail to.

    ## Why it matters
    The function cannot be called: {clients: raises when they are no JSON} measured clients raise, {count: wrong when
    they are no JSON} hand on something else. LangChain (Python) makes a valid call with ``{}`` of it. Sent back as
    history, vLLM rejects the next request.

    Of ``null`` for a call without arguments, {clients: wrong when they are null} measured clients make other
    arguments, most of them ``null``. Other JSON that is no object (a list), and ``null`` in a response or in the old
    form of calls, is a warning: it parses, and nobody was asked. Arguments that break off because the answer did are
    tool-call-arguments-truncated; doubled, cumulative and doubly encoded arguments and a leading ``{}`` have rules of
    their own. No text at all counts as no arguments in a chat stream, where tool-call-arguments-null tells of it, and
    is a warning in a response.

    ## Repair
    None: completing or mending arguments would call a function with values nobody gave. But where a call without a name
    has the whole call in its arguments, as TGI sent it, name and arguments are taken out of them.
    """

    name = "tool-call-arguments-not-json"
    severity = Severity.ERROR
    source = CHAT_CHUNK_TOOL_CALLS
    answer_fact = "arguments-no-json"
    of_some = Repairability.SAFE
    repairability = Repairability.NONE
    apis = frozenset({api_names.CHAT, api_names.RESPONSES})
    ends_after = Whole.CALLS | Whole.TRACKED
    variants = ("they are no JSON", "they are null")

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        if ctx.api.name == api_names.RESPONSES:
            yield from self._items()
            return
        if not ctx.is_over(ending):
            return
        finish_of = finishes_of(ctx)
        for call in calls_of(ctx):
            if finish_of(call.choice) in (None, "length", "content_filter") or ctx.seen.error_at is not None:
                continue
            text = str(call.arguments)
            if not text.strip() or fault_of(call) is not ArgumentsFault.NOT_JSON:
                continue
            parses = read_arguments(text).ok
            if parses and call.not_text:
                continue  # tool-call-arguments-object
            from streamlab.apis.chat.repairs.call_arguments import unwrapped  # deferred: what repairs is loaded for few

            finding = self.found(
                f"the arguments of {whose(call.name)} are no JSON{' object' if parses else ''}: {quote(text)}",
                call.at,
                path=f"{call.path}.function.arguments",
                span=call.span(".function.arguments"),
                expected="the text of a JSON object",
                actual=text,
                severity=Severity.WARNING if parses and text.strip() != "null" else None,
                variant=_variant(text, parses),
                repairability=Repairability.SAFE if not call.name and unwrapped(text) is not None else None,
            )
            yield changed(finding, offset_us=call.offset_us)

        yield from self._legacy()

    def _legacy(self) -> Findings:
        ctx = self.ctx
        finish_of = finishes_of(ctx)
        for number, legacy in legacy_calls(ctx):
            text = str(legacy.arguments)
            read = read_arguments(text)
            ended = finish_of(number) not in (None, "length", "content_filter") and ctx.seen.error_at is None
            if ended and text.strip() and type(read.value) is not dict:
                yield self.found(
                    f"the arguments of {whose(legacy.name)} are no JSON{' object' if read.ok else ''}: {quote(text)}",
                    path=f"choices[{ctx.accumulator.choice(number).place}].delta.function_call.arguments",
                    expected="the text of a JSON object",
                    actual=text,
                    severity=Severity.WARNING if read.ok else None,
                )

    def _items(self) -> Findings:
        """The calls of a response. One that was cut still gets its end, with arguments that break off."""
        for call in item_calls(self.ctx):
            text = call.arguments
            read = read_arguments(text)
            nothing = not text.strip()  # OpenAI says {} where there are none
            done = call.closed_at is not None and self.ctx.finished
            if call.kind != "function_call" or call.is_cut or type(read.value) is dict or (nothing and not done):
                continue
            no_json = f"no JSON{' object' if read.ok else ''}: {quote(text)}"
            yield self.found(
                f"the arguments of {whose(call.name)} are {'empty' if nothing else no_json}",
                call.closed_at,
                path="item.arguments",
                expected="the text of a JSON object",
                actual=text,
                severity=Severity.WARNING if read.ok or nothing else None,
            )


def _variant(text: str, parses: bool) -> str | None:
    """Which form of the deviation it is; None for one that no client was asked about."""
    return ("they are null" if text.strip() == "null" else None) if parses else "they are no JSON"
