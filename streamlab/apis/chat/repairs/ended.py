"""Where a stream stops without its end: an error event says so; on request the end is guessed."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis import api_names
from streamlab.apis.chat.asked_tools import names_tool
from streamlab.apis.chat.repairs.emptied import no_logprobs
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    ABSENT,
    ENVELOPE_KEYS,
    WHOLE,
    Change,
    Chunk,
    Comment,
    Done,
    Draft,
    Drafts,
    ErrorPayload,
    Origin,
    Repair,
    RepairState,
    Stage,
    error_event,
    unended,
)
from streamlab.rules.repairs.errors import error_in, worded
from streamlab.wire import error_objects, reading
from streamlab.wire.finish_reasons import stray_reason
from streamlab.wire.json_values import as_it_is
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MAX_HELD = 256
#: An event that nobody could read may have held anything: then no end is guessed.
_UNREAD = frozenset(
    {
        "json-truncated",
        "json-not-object",
        "json-python-repr",
        "sse-json-split-across-events",
    }
)


class Ended(Repair):
    """What has to stand at the end, and an error event where the end is not one.

    ``[DONE]`` is added only when every choice has finished and the HTTP message ended properly. A stream that broke
    off, or brought nothing, ends with an error event, so that a client raises instead of taking half an answer for a
    whole one; a stream that says ``[DONE]`` without a ``finish_reason`` gets the one that it told where no client
    looks, and else one only on request.
    """

    rules = ("done-missing", "error-in-comment", "empty-200", "only-done", "html-body-200", "body-not-event-stream")
    stage = Stage.END
    on = Fact.DONE | Fact.ERROR | Fact.COMMENT | Fact.SHAPE
    holds_back = (
        "with --unsafe, or where the reason to finish stands in a wrong place, usage that comes before a choice has "
        "finished: until the next event"
    )
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def __init__(self, state: RepairState) -> None:
        super().__init__(state)
        self._done = False
        self._failed = False  # whether an error was the last that came
        self._chunks = False  # whether any came this way; those that no repair waits for do not
        self._told: Draft | None = None  # the last comment that tells of a failure
        self._stray: dict[int, str] = {}  # choice -> the reason to finish that stands where no client looks
        self._held: list[Draft] = []  # usage, and comments behind it, while an end may be guessed before it

    def event(self, draft: Draft) -> Drafts:
        self._look_at(draft)
        if self._may_guess and (_is_usage(draft) or (self._held and _says_no_answer(draft))):
            self._held.append(draft)
            self.awake = True
            return tuple(self._let_go()) if len(self._held) > _MAX_HELD else ()
        if isinstance(draft.event, Done):
            self._done = self.state.done = True
            ends = (*self._moved(draft.sources), *self._guessed(draft))
            return (*ends, *self._let_go(), *self._before_done(draft), draft)
        return (*self._let_go(), draft)

    @property
    def _may_guess(self) -> bool:
        """Whether an end may have to be guessed, which goes before usage."""
        return (self.state.unsafe or bool(self._stray)) and not self._done and not self._finished

    def _let_go(self) -> list[Draft]:
        held, self._held, self.awake = self._held, [], bool(self._stray) and not self._done
        return held

    def _look_at(self, draft: Draft) -> None:
        if isinstance(draft.event, ErrorPayload):
            self.state.errors += 1
            self._failed = True
        if draft.is_chunk:
            self._chunks, self._failed = True, False
            choices = reading.choices(draft.json)
            self.state.opened.update(map(reading.choice_index, choices))
            for choice in choices:
                if stray := stray_reason(draft.json, choice):
                    self._stray[reading.choice_index(choice)] = stray[0]
        if isinstance(draft.event, Comment) and error_objects.tells_of_failure(draft.event.sse.raw):
            self._told = draft

    def _before_done(self, draft: Draft) -> Iterator[Draft]:
        state = self.state
        if state.errors:
            return
        if not self._any:
            rule = "body-not-event-stream" if state.no_answer.said else "only-done"
            yield self._error(rule, "the upstream sent [DONE] and no answer", "empty_stream", draft.sources)
        elif not self._finished and not state.audio and self._told is not None:
            yield self._error_told(self._told)
        elif self._open:
            state.account.cannot("finish-reason-missing", "whether the answer is whole is not on the wire", WHOLE)

    @property
    def _open(self) -> bool:
        """Whether a choice has not finished that should have."""
        state = self.state
        return not self._finished and not state.audio and not reading.is_of_audio_model(state.last or {})

    def _moved(self, sources: tuple[int, ...]) -> Iterator[Draft]:
        """The ends that were told where no client looks, each in a chunk of its own."""
        state = self.state
        if state.errors or state.calls_open or state.audio:
            return
        for index in sorted(self._stray.keys() & (state.opened - set(state.finished))):
            called = bool(state.calling.get(index)) and not names_tool(state.body)
            reason = "tool_calls" if called and self._stray[index] == "stop" else self._stray[index]
            yield self._finish(index, reason, sources, Origin.DERIVED)

    def _finish(self, index: int, reason: str, sources: tuple[int, ...], origin: Origin) -> Draft:
        """A chunk that ends a choice."""
        state = self.state
        said: JsonObject = {"text": ""} if state.api.name == api_names.COMPLETIONS else {"delta": {}}
        last = state.last or {}
        choice: JsonObject = {"index": index, **said, **no_logprobs(last), "finish_reason": reason}
        envelope = {key: value for key, value in last.items() if key in ENVELOPE_KEYS}
        made = Draft(Chunk(None, {**envelope, "choices": [choice]}), sources, [], True)
        made.note("finish-reason-missing", "choices[0].finish_reason", ABSENT, reason, origin)
        state.finished[index] = reason
        return made

    def _guessed(self, draft: Draft) -> Iterator[Draft]:
        """An end for each choice that has none, before the usage that was held back."""
        state = self.state
        unread = state.calls_open or _UNREAD & state.account.unrepaired.keys()
        if not (state.unsafe and self._open) or unread or state.errors or self._told is not None or state.last is None:
            return
        if state.finished and state.n in (1, None) and reading.counts_tokens(sorted(state.opened), len(state.finished)):
            return  # it may be the end of all of them: one answer under several indexes
        if state.n == 1 and len(state.opened) > 1:
            return  # so may they be, where none has an end
        for index in sorted(state.opened - set(state.finished)):
            reason = "tool_calls" if state.calling.get(index) else "stop"
            yield self._finish(index, reason, draft.sources, Origin.INVENTED)

    @property
    def _any(self) -> bool:
        return self._chunks or self.state.chunks > 0

    @property
    def _finished(self) -> bool:
        return bool(self.state.finished) and self.state.opened <= set(self.state.finished)

    def end(self, ending: Ending) -> Drafts:
        moved = self._moved(()) if ending is Ending.COMPLETE and not self._done else ()
        return (*moved, *self._let_go(), *self._ended(ending))

    def release(self) -> Drafts:
        return tuple(self._let_go())

    def _ended(self, ending: Ending) -> Drafts:
        state = self.state
        if self._done or self._failed:
            return ()
        if ending is Ending.COMPLETE and self._any and self._finished:
            change = Change("done-missing", "", ABSENT, "[DONE]", Origin.INVENTED)
            return (Draft(Done(None), (), [change], True),)
        if ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED):
            return ()
        if state.errors and ending is Ending.COMPLETE:  # whoever reads on behind an error is told of a cut, too
            return ()
        if self._told is not None and ending is Ending.COMPLETE and self._any:
            return (self._error_told(self._told),)
        why = unended(
            state, ending, begun=self._any, what="answer", missing="finish-reason-missing", stops="without finishing"
        )
        return (self._error(why.rule, why.message, why.code),)

    def _error_told(self, told: Draft) -> Draft:
        """The failure that a comment told of, as an error event."""
        self.state.errors += 1
        sse = told.event.sse
        text = b" ".join(one.strip() for one in (sse.comments if sse is not None else ())).decode("utf-8", "replace")
        event = error_in(text)
        return Draft(event, told.sources, worded("error-in-comment", f": {text}", event))

    def _error(self, rule: str, message: str, code: str, sources: tuple[int, ...] = ()) -> Draft:
        self.state.errors += 1
        self.state.account.cannot(rule, message, min(sources, default=WHOLE) if rule == "only-done" else WHOLE)
        event = error_event(message, code)
        change = Change(rule, "error", ABSENT, as_it_is(event.json["error"]), Origin.INVENTED)
        return Draft(event, sources, [change], True)


def _says_no_answer(draft: Draft) -> bool:
    """A comment, or a chunk without choices."""
    return type(draft.event) is Comment or (draft.is_chunk and not reading.choices(draft.json))


def _is_usage(draft: Draft) -> bool:
    return draft.is_chunk and not reading.choices(draft.json) and reading.usage(draft.json) is not None
