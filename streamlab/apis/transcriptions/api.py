"""OpenAI's transcription API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Transcriptions(Api):
    """OpenAI's ``/audio/transcriptions`` and ``/audio/translations``."""

    name = "audio.transcriptions"
    path_ends = ("/audio/transcriptions", "/audio/translations")
    title = "OpenAI transcriptions"
    vendor = "OpenAI"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(kind, str) and kind.startswith("transcript.text")


API = Transcriptions()
