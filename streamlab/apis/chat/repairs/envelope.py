"""The members that are the same in every chunk of a stream: id, object, created, model; and the list of choices."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from streamlab.apis import api_names
from streamlab.rules.repair import ABSENT, Draft, Drafts, Origin, Repair, RepairState, Stage
from streamlab.wire import reading
from streamlab.wire.payload import JsonObject, encode_json
from streamlab.wire.reading import Fact

KNOWN_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_OBJECTS = {api_names.CHAT: "chat.completion.chunk", api_names.COMPLETIONS: "text_completion"}
_MILLISECONDS = 100_000_000_000


class Envelope(Repair):
    """One id, object, created and model for the whole stream: the first good value, the request's, or a made one."""

    rules = (
        "chunk-id-changes",
        "chunk-id-missing-or-empty",
        "object-wrong",
        "created-wrong-type",
        "model-missing-or-changes",
        "service-tier-unknown",
        "choices-missing-or-null",
        "usage-chunk-choices-null",
    )
    stage = Stage.ENVELOPE
    on = Fact.ENVELOPE | Fact.FIRST | Fact.NO_CHOICES
    apis = frozenset({api_names.CHAT, api_names.COMPLETIONS})

    def __init__(self, story: RepairState) -> None:
        super().__init__(story)
        self._constants: JsonObject = {}

    def event(self, draft: Draft) -> Drafts:
        if not draft.is_chunk or _is_azure_prelude(draft.json):
            return (draft,)
        chunk = draft.json
        made = draft.event.sse is None and "choices" in chunk and draft.changes
        if made and "id" not in chunk and "object" not in chunk:
            self._complete(chunk)
            return (draft,)
        before = len(draft.changes)
        self._choices(draft, chunk)
        if not self._constants:
            self._settle(chunk)
        for key, rule in _CONSTANTS:
            value = self._constants[key]
            if chunk.get(key, ABSENT) != value or type(chunk[key]) is not type(value):
                draft.put(rule(chunk.get(key)), chunk, key, value, "", self._origin(key, chunk))
        tier = chunk.get("service_tier")
        if tier is not None and not (isinstance(tier, str) and tier in KNOWN_TIERS):
            draft.drop("service-tier-unknown", chunk, "service_tier", "")
        if len(draft.changes) > before:
            self.awake = True
        return (draft,)

    def _complete(self, chunk: JsonObject) -> None:
        """A chunk that another repair made gets the stream's envelope."""
        if not self._constants:
            self._settle(chunk)
        members = dict(chunk)
        chunk.clear()
        chunk.update({**self._constants, **members})

    def _origin(self, key: str, chunk: JsonObject) -> Origin:
        return Origin.INVENTED if key == self._made_up else Origin.DERIVED

    _made_up = ""

    def _settle(self, chunk: JsonObject) -> None:
        """The constants, from the first chunk that has any choice or usage."""
        body = self.story.body
        call_id, model = chunk.get("id"), chunk.get("model")
        if not (isinstance(call_id, str) and call_id):
            self._made_up = "id"
            call_id = "chatcmpl-" + hashlib.sha256(encode_json([body, chunk])).hexdigest()[:29]
        if not (isinstance(model, str) and model):
            asked = body.get("model")
            model = asked if isinstance(asked, str) and asked else "unknown"
        created = seconds_of(chunk.get("created"))
        if created is None:
            created = _date_of(self.story)
        self._constants = {
            "id": call_id,
            "object": _OBJECTS[self.story.api.name],
            "created": created,
            "model": model,
        }

    def _choices(self, draft: Draft, chunk: JsonObject) -> None:
        if type(chunk.get("choices")) is list or "type" in chunk:
            return
        if "choices" not in chunk and (self.story.audio or reading.is_of_audio_model(chunk)):
            return  # OpenAI's own audio chunks
        rule = "usage-chunk-choices-null" if reading.usage(chunk) is not None else "choices-missing-or-null"
        listed = chunk.get("choices")
        draft.put(rule, chunk, "choices", [listed] if type(listed) is dict else [], "")


def _is_azure_prelude(chunk: JsonObject) -> bool:
    """Azure's chunks without choices carry filter results and an empty envelope, by design."""
    return chunk.get("choices") == [] and "usage" not in chunk and not chunk.get("id") and not chunk.get("object")


def _id_rule(value: Any) -> str:
    return "chunk-id-changes" if isinstance(value, str) and value else "chunk-id-missing-or-empty"


_CONSTANTS = (
    ("id", _id_rule),
    ("object", lambda value: "object-wrong"),
    ("created", lambda value: "created-wrong-type"),
    ("model", lambda value: "model-missing-or-changes"),
)


def seconds_of(value: Any) -> int | None:
    """A creation time as whole Unix seconds, from whatever form it came in; None when it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return _iso_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e15:
        return None
    return int(value) // 1000 if value > _MILLISECONDS else int(value)


def _iso_seconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text.strip())
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _date_of(story: RepairState) -> int:
    """The answer's Date header as seconds; 0 without one."""
    header = story.head.header("date") if story.head is not None else None
    try:
        moment = datetime.strptime(header or "", "%a, %d %b %Y %H:%M:%S GMT")
    except ValueError:
        return 0
    return int(moment.replace(tzinfo=UTC).timestamp())
