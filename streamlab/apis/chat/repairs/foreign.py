"""Objects among the chunks of an answer that are no chunks: events of the server's own, errors, the end."""

from __future__ import annotations

from streamlab.apis import api_names
from streamlab.exchange import Ending
from streamlab.rules.repair import Change, Done, Draft, Drafts, ErrorPayload, Repair, Stage
from streamlab.rules.repairs.errors import error_shape
from streamlab.rules.repairs.framing import comment
from streamlab.wire import reading
from streamlab.wire.bad_payloads import DONE_EVENTS
from streamlab.wire.error_objects import may_be_remark
from streamlab.wire.hollow import is_no_chunk
from streamlab.wire.payload import encode_json
from streamlab.wire.reading import Fact
from streamlab.wire.told_errors import told_error


class ForeignEvents(Repair):
    """An object that is no chunk becomes what it is: an error, the end, or a comment. It is never made a chunk."""

    rules = ("choices-missing-or-null", "error-flat-object", "sse-done-variant")
    stage = Stage.ERROR
    minds = 0
    on = Fact.NO_CHOICES
    holds_back = "an object with a text that may be an error or a remark, until the next event"
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def event(self, draft: Draft) -> Drafts:
        held, self._held, self.awake = self._held, None, False
        if held is not None:
            return (self._settled(held, remark=_goes_on(draft)), *self.event(draft))
        if not draft.is_chunk:
            return (draft,)
        name = draft.came_named
        if not is_no_chunk(draft.json, name) or self.state.audio:
            return (draft,)
        if not name and may_be_remark(draft.json):
            self._held, self.awake = draft, True
            return ()
        return (self._settled(draft),)

    def end(self, ending: Ending) -> Drafts:
        held, self._held = self._held, None
        return () if held is None else (self._settled(held),)

    def release(self) -> Drafts:
        return self.end(Ending.COMPLETE)

    def _settled(self, draft: Draft, *, remark: bool = False) -> Draft:
        was, name = draft.json, draft.came_named
        error = None if remark else told_error(was, name)
        if error is not None:
            draft.event = ErrorPayload(None, {"error": error})
            draft.changes.append(Change("error-flat-object", "", was, {"error": dict(error)}))
            error_shape(draft)
        elif name in DONE_EVENTS:
            draft.event = Done(None)
            draft.changes.append(Change("sse-done-variant", "", was, "[DONE]"))
        else:
            draft.event = comment(b" " + (name + b" " if name else b"") + encode_json(was))
            draft.changes.append(Change("choices-missing-or-null", "", was, ":"))
        return draft


def _goes_on(draft: Draft) -> bool:
    """Whether an event is part of an answer, and not the end of one."""
    listed = reading.choices(draft.json) if draft.is_chunk else []
    return bool(listed) and not any(choice.get("finish_reason") for choice in listed)
