"""OpenAI's speech API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Speech(Api):
    """OpenAI's ``/audio/speech``."""

    name = "audio.speech"
    path_ends = ("/audio/speech",)
    title = "OpenAI speech"
    vendor = "OpenAI"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("type")
        return isinstance(kind, str) and kind.startswith("speech.audio")


API = Speech()
