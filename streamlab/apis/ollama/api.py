"""Ollama's own API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.apis.ollama.translator import OllamaTranslator
from streamlab.apis.translator import Translator
from streamlab.rules.api import Api
from streamlab.rules.sources import Source
from streamlab.wire.payload import JsonObject


class Ollama(Api):
    """``/api/chat`` and ``/api/generate``: one JSON object a line."""

    name = "ollama"
    path_ends = ("/api/generate", "/api/chat")
    title = "Ollama"
    vendor = "Ollama"
    path = "/api/chat"
    sends_bare_values = True
    stream_start = "{...}, a line for each"
    shortest_stream = "a line with done"
    streaming = Source("Ollama documentation", "Streaming", "https://docs.ollama.com/api/streaming")
    errors = Source("Ollama documentation", "Errors", "https://docs.ollama.com/api/errors")

    def recognises(self, value: JsonObject) -> bool:
        return "done" in value and ("message" in value or "response" in value)

    def asks_for_stream(self, body: JsonObject, url: str) -> bool:
        return body.get("stream") is not False  # Ollama streams unless told not to

    def translator(self) -> type[Translator] | None:
        return OllamaTranslator


API = Ollama()
