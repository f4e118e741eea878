"""OpenAI's Realtime API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

_KINDS = (
    "session.",
    "transcription_session.",
    "conversation.",
    "input_audio_buffer.",
    "output_audio_buffer.",
    "response.",
    "rate_limits.",
)


class Realtime(Api):
    """Frames of a web socket; each has an id of its own (``event_id``), which events of a response have not."""

    name = "realtime"
    title = "OpenAI Realtime"
    vendor = "OpenAI"
    path_ends = ("/realtime",)
    path = "/v1/realtime"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return (
            isinstance(kind, str)
            and kind.startswith(_KINDS)
            and isinstance(value.get("event_id"), str)
            and "sequence_number" not in value
        )


API = Realtime()
