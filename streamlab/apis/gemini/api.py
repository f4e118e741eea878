"""Gemini's streamGenerateContent, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.apis.gemini.answers import answer_in, is_answer
from streamlab.apis.gemini.translator import GeminiTranslator
from streamlab.apis.translator import Translator
from streamlab.rules.api import Api
from streamlab.rules.sources import Source
from streamlab.wire.payload import JsonObject


class Gemini(Api):
    """``POST …:streamGenerateContent``, as an event stream (``alt=sse``) or one JSON array that grows.

    Code Assist, of Gemini CLI, is the same under ``/v1internal``, each answer in ``response``.
    """

    name = "gemini.generateContent"
    title = "Gemini"
    vendor = "Google"
    sends_bare_values = True
    streaming = errors = Source(
        "Gemini API documentation", "streamGenerateContent", "https://ai.google.dev/api/generate-content"
    )

    def owns_path(self, path: str) -> bool:
        return ":streamGenerateContent" in path or ":generateContent" in path

    def recognises(self, value: JsonObject) -> bool:
        return is_answer(answer_in(value).value)

    def asks_for_events(self, url: str) -> bool:
        return "alt=sse" in url

    def translator(self) -> type[Translator] | None:
        return GeminiTranslator


API = Gemini()
