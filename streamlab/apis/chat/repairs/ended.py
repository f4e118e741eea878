"""Where a stream stops without its end: an error event says so; on request the end is guessed."""

from __future__ import annotations

from collections.abc import Iterator

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.repair import (
    ABSENT,
    ENVELOPE_KEYS,
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
from streamlab.wire import error_objects, reading
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import Fact

_MAX_HELD = 256
#: An event that nobody could read may have held anything: then no end is guessed.
_UNREAD = frozenset(
    {
        "json-truncated",
        "json-not-object",
        "json-python-repr",
        "plain-text-in-data",
        "sse-json-split-across-events",
        "sse-spliced-frames",
    }
)
_ANSWER = ("content", "tool_calls", "function_call", "refusal", "audio", *reading.REASONING_KEYS)


class Ended(Repair):
    """What has to stand at the end, and an error event where the end is not one.

    ``[DONE]`` is added only when every choice has finished and the HTTP message ended properly. A stream that broke
    off, or brought nothing, ends with an error event, so that a client raises instead of taking half an answer for a
    whole one; a stream that says ``[DONE]`` without a ``finish_reason`` gets one only on request.
    """

    rules = ("done-missing", "error-in-comment", "empty-200", "only-done", "html-body-200", "body-not-event-stream")
    stage = Stage.END
    on = Fact.DONE | Fact.ERROR | Fact.COMMENT
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def __init__(self, story: RepairState) -> None:
        super().__init__(story)
        self._done = False
        self._failed = False  # whether an error was the last that came
        self._chunks = False  # whether any came this way; those that no repair waits for do not
        self._told: Draft | None = None  # the last comment that tells of a failure

    def event(self, draft: Draft) -> Drafts:
        if isinstance(draft.event, ErrorPayload):
            self.story.errors += 1
            self._failed = True
        if draft.is_chunk:
            self._chunks, self._failed = True, False
            self.story.opened.update(map(reading.choice_index, reading.choices(draft.json)))
        if isinstance(draft.event, Comment) and error_objects.tells_of_failure(draft.event.sse.raw):
            self._told = draft
        if not isinstance(draft.event, Done):
            return (draft,)
        self._done = self.story.done = True
        return (*self._before_done(draft), draft)

    def _before_done(self, draft: Draft) -> Iterator[Draft]:
        story = self.story
        if story.errors:
            return
        if not self._any:
            yield self._error("only-done", "the upstream sent [DONE] and no answer", "empty_stream", draft.sources)
        elif not self._finished and not story.audio and self._told is not None:
            yield self._error_told(self._told)
        elif not self._finished and not story.audio and not reading.is_of_audio_model(story.last or {}):
            why = "whether the answer is whole is not on the wire"
            unread = story.calls_open or _UNREAD & story.account.unrepaired.keys()
            if story.unsafe and story.last is not None and not unread:
                yield from self._guess(draft)
            else:
                story.account.cannot("finish-reason-missing", why)

    def _guess(self, draft: Draft) -> Iterator[Draft]:
        story = self.story
        for index in sorted(story.opened - set(story.finished)):
            reason = "tool_calls" if story.calls else "stop"
            said: JsonObject = {"text": ""} if story.api.name == api_names.COMPLETIONS else {"delta": {}}
            choice: JsonObject = {"index": index, **said, "logprobs": None, "finish_reason": reason}
            envelope = {key: value for key, value in (story.last or {}).items() if key in ENVELOPE_KEYS}
            made = Draft(Chunk(None, {**envelope, "choices": [choice]}), draft.sources, [], True)
            made.note("finish-reason-missing", f"choices[{index}].finish_reason", ABSENT, reason, Origin.INVENTED)
            yield made

    @property
    def _any(self) -> bool:
        return self._chunks or self.story.chunks > 0

    @property
    def _finished(self) -> bool:
        return bool(self.story.finished) and self.story.opened <= set(self.story.finished)

    def end(self, ending: Ending) -> Drafts:
        story = self.story
        if self._done or self._failed:
            return ()
        if ending is Ending.COMPLETE and self._any and self._finished:
            change = Change("done-missing", "", ABSENT, "[DONE]", Origin.INVENTED)
            return (Draft(Done(None), (), [change], True),)
        if story.errors or ending in (Ending.CLIENT_LEFT, Ending.INTERRUPTED):
            return ()
        if self._told is not None and ending is Ending.COMPLETE and self._any:
            return (self._error_told(self._told),)
        why = unended(
            story, ending, begun=self._any, what="answer", missing="finish-reason-missing", stops="without finishing"
        )
        return (self._error(*why),)

    def _error_told(self, told: Draft) -> Draft:
        """The failure that a comment told of, as an error event."""
        self.story.errors += 1
        sse = told.event.sse
        text = b" ".join(one.strip() for one in (sse.comments if sse is not None else ())).decode("utf-8", "replace")
        change = Change("error-in-comment", "error", text, ABSENT)
        return Draft(error_event(text, "upstream_error"), told.sources, [change])

    def _error(self, rule: str, message: str, code: str, sources: tuple[int, ...] = ()) -> Draft:
        self.story.errors += 1
        self.story.account.cannot(rule, message)
        return Draft(error_event(message, code), sources, [Change(rule, "error", ABSENT, code, Origin.INVENTED)], True)
