"""See the class."""

from __future__ import annotations

from collections.abc import Iterable

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.record import changed
from streamlab.rules.base import Findings, quote
from streamlab.rules.deferred import LateRule, Place
from streamlab.rules.finding import Finding, Repairability, Severity
from streamlab.rules.raw_answers import is_answer_again
from streamlab.rules.sources import CHAT_CHUNK_FINISH
from streamlab.rules.state import RuleState
from streamlab.rules.told_failures import tells_a_failure
from streamlab.wire import error_objects, reading
from streamlab.wire.arguments import is_open
from streamlab.wire.bad_payloads import Misfit, Named, ends_otherwise
from streamlab.wire.choice_parts import one_answer
from streamlab.wire.events import Chunk, StreamEvent
from streamlab.wire.finish_reasons import is_blank, stray_reason
from streamlab.wire.reading import Fact


class FinishReasonMissing(LateRule):
    """A choice never gets a ``finish_reason``.

    ## What OpenAI does
    Sends exactly one per choice: 2,672 of 2,672 recorded streams that ran to their end. Without one are only audio
    streams and streams that an error event ended.

    ## Why it matters
    Nobody can tell a complete answer from a cut one. The openai-node ``.stream()`` helper, the AI SDK's
    openai-compatible provider and LiteLLM raise; {clients: not raises when the answer is text} measured clients take
    what arrived for the whole answer. Where ``[DONE]`` never comes either, the answer was cut, and who raises is right.
    Where another choice finishes, both ``.stream()`` helpers of openai-node raise, and most clients never look. One
    that is told where no client looks, as ``finishReason``, in the delta or beside the choice, is none to them either
    (jakobdylanc/llmcord#84).

    ## Repair
    A reason that is told elsewhere in the chunk goes where it belongs, in a chunk of its own at the end. Else
    ``stop`` is a guess, so it is only made when asked for, and only when ``[DONE]`` and a proper end of the HTTP
    message say that nothing was cut. Never after a cut or an error: what stops without an end gets an error event.
    Nor where an event could not be read, the arguments of a call are no JSON object, or choices came that nobody asked
    for: that stays as it is.
    """

    name = "finish-reason-missing"
    severity = Severity.ERROR
    source = CHAT_CHUNK_FINISH
    of_some = Repairability.UNSAFE
    answer_fact = "unfinished"
    repairability = Repairability.TOLD
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})
    variants = (
        "the answer is text",
        "the answer is tool calls",
        "the answer is text, and [DONE] never comes",
        "the answer is tool calls, and [DONE] never comes",
        "another choice finishes",
    )
    on = Fact.FINISH | Fact.SHAPE | Fact.COMMENT | Fact.UNDECODABLE | Fact.NO_CHOICES

    def __init__(self, ctx: RuleState) -> None:
        super().__init__(ctx)
        self._finished: set[int] = set()
        self._audio = False
        self._failed = False  # something came that looks like an error in a form of the server's own
        self._announced = False  # the end is told otherwise than by [DONE]
        self._again = False  # the whole answer came once more, as raw text
        self._hidden = False  # a finish_reason stands in an event that is no JSON object
        self._stray: dict[int, tuple[str, str]] = {}  # choice -> a reason that stands elsewhere, and where
        self._misfits: list[Named] = []  # which nobody can read, or which become an error

    def event(self, at: int, event: StreamEvent) -> None:
        self._failed = self._failed or tells_a_failure(event)
        self._announced = self._announced or ends_otherwise(event)
        if not isinstance(event, Chunk):
            self._hidden |= event.sse is not None and error_objects.hides_finish(event.sse.raw)
            self._again = self._again or is_answer_again(self.ctx, event)
            self._note(self.ctx.misfits.feed(at, self.ctx.seen.data_events, event, self.ctx.offset_us))
            return
        self._audio = self._audio or reading.is_of_audio_model(event.json)
        for choice in reading.choices(event.json):
            reason = reading.finish_reason(choice)
            index = reading.choice_index(choice)
            if "audio" in reading.delta(choice):
                self._audio = True
            elif reason is not None and not is_blank(reason):  # what those leave open: finish-reason-empty-string
                self._finished.add(index)
            elif stray := stray_reason(event.json, choice):
                self._stray[index] = stray

    def _note(self, misfits: Iterable[Named]) -> None:
        """Keep the first misfit that takes the guess away, and the last one, which may be all that came at the end."""
        self._misfits += [one for one in misfits if _is_unread(one) or one.kind is Misfit.TEXT]
        del self._misfits[1:-1]

    def end(self, ending: Ending) -> Findings:
        ctx = self.ctx
        self._note(ctx.misfits.finish())
        # A cut or abandoned stream has its own rule, unless [DONE] said that it was whole; OpenAI's audio streams never
        # had a finish_reason.
        if (
            (ending is not Ending.COMPLETE and ctx.seen.done_at is None and not self._announced)
            or not ctx.seen.chunks
            or self._audio
            or self._hidden
        ):
            return
        if ctx.seen.error_at is not None and ctx.seen.done_at is not None:
            return  # this is how OpenAI ends a stream after an error
        if one_answer(ctx.accumulator.choices, self._finished, ctx.n):
            if not self._finished:
                yield self._missing(next(iter(ctx.accumulator.choices)))
            return  # choice-index-is-token-counter: these are no choices
        together: dict[int, list[int]] = {}  # choices that stand at the same place have one path
        for index, state in sorted(ctx.accumulator.choices.items()):
            if index not in self._finished:
                together.setdefault(state.place, []).append(index)
        for indexes in together.values():
            yield self._missing(*indexes)
        if not ctx.accumulator.choices and ctx.seen.done_at is not None:
            yield self._missing(0)

    def _missing(self, *indexes: int) -> Finding:
        ctx = self.ctx
        known = [ctx.accumulator.choices[index] for index in indexes if index in ctx.accumulator.choices]
        whose = f"choice {indexes[0]} has" if len(indexes) == 1 else f"choices {', '.join(map(str, indexes))} have"
        # The path says where it stands in its chunks, which may be another number.
        of_whom = f"choice {indexes[0]}" if any(indexes) and len(indexes) == 1 else "the choice"
        if ctx.seen.error_at is not None or self._failed:
            end, severity = "an error", Severity.INFO
        else:
            end, severity = "[DONE]" if ctx.seen.done_at is not None else "the end of the stream", Severity.ERROR
        path = f"choices[{known[0].place if known else 0}].finish_reason"
        found = self.found_at(
            self._last_place(path, indexes, known[0].place if known else 0),
            f"{whose} no finish_reason before {end}{self._elsewhere(indexes)}",
            path=path,
            expected=f'"stop", "length", "tool_calls" or "content_filter" in the last chunk of {of_whom}',
            actual="(never)",
            severity=severity,
            repairability=self._repairability(severity, told=all(index in self._stray for index in indexes)),
        )
        return changed(found, variants=self._forms(indexes) if severity is Severity.ERROR else ())

    def _last_place(self, path: str, indexes: tuple[int, ...], place: int) -> Place | None:
        """Where the last chunk says why it stops, or does not; None where that has none of these choices there."""
        listed = reading.choices(self.ctx.seen.last_chunk or {})
        if place >= len(listed) or reading.choice_index(listed[place]) not in indexes:
            return None
        return self.keep_last(path)

    def _forms(self, indexes: tuple[int, ...]) -> tuple[str, ...]:
        """Which forms of the deviation these choices are: clients read the first choice, and most of them no other."""
        choices = self.ctx.accumulator.choices
        cut = self.ctx.seen.done_at is None and not self._announced  # who raises says what is true
        if 0 in self._finished:
            return () if cut else (self.variants[4],)
        known = [choices[index] for index in indexes if index in choices]
        return tuple(dict.fromkeys(self.variants[bool(choice.calls) + 2 * cut] for choice in known))

    def _elsewhere(self, indexes: tuple[int, ...]) -> str:
        """Where the reason of the first of these choices stands instead; "" where it is not told."""
        reason, path = self._stray.get(indexes[0], ("", ""))
        return f": {quote(reason)} stands in {path}, where no client looks" if path else ""

    def _repairability(self, severity: Severity, *, told: bool) -> Repairability:
        """``told``: the reason stands elsewhere."""
        if self._again and not self.ctx.calls.calls:
            return Repairability.SAFE  # that answer was whole: plain-text-in-data
        if severity is not Severity.ERROR:
            return Repairability.NONE
        if told and not self._calls_open and not self._may_be_one:
            return Repairability.SAFE
        if self.ctx.seen.done_at is None or any(map(self._is_told, self._misfits)):
            return Repairability.TOLD
        unread = any(map(_is_unread, self._misfits)) or self._calls_open
        return Repairability.NONE if unread or self._may_be_one else Repairability.UNSAFE

    def _is_told(self, one: Named) -> bool:
        """Whether a misfit is what the answer ends with, and becomes an error event."""
        told = one.kind is Misfit.TRUNCATED or not _is_unread(one)
        return told and one.at > (self.ctx.seen.last_chunk_at or 0)

    @property
    def _calls_open(self) -> bool:
        """Whether the arguments of a call are no JSON object, and cannot be made one."""
        return any(map(is_open, self.ctx.calls.calls))

    @property
    def _may_be_one(self) -> bool:
        """Whether several choices came, of which the end of one may be that of all."""
        choices, asked = self.ctx.accumulator.choices, self.ctx.n
        if len(choices) < 2 or one_answer(choices, self._finished, asked):
            return False
        counted = bool(self._finished) and reading.counts_tokens(sorted(choices), len(self._finished))
        return asked == 1 or (asked is None and counted)


def _is_unread(one: Named) -> bool:
    """Whether a misfit may have held anything: then no end is guessed."""
    looks = one.kind is Misfit.TEXT and (one.event.sse.data or b"").lstrip()[:1] == b"{"
    return looks or one.kind in (Misfit.TRUNCATED, Misfit.MALFORMED)
