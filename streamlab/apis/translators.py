"""Translators: foreign protocols into chat chunks, incrementally; one module each. Core."""

from __future__ import annotations

from streamlab.apis.anthropic.translator import Anthropic
from streamlab.apis.gemini.translator import Gemini
from streamlab.apis.ollama.translator import Ollama
from streamlab.apis.translator import Translator
from streamlab.wire.apis import Api

_TRANSLATORS: dict[Api, type[Translator]] = {one.api: one for one in (Gemini, Anthropic, Ollama)}


def translator_for(api: Api) -> type[Translator] | None:
    """The translator of an API's stream; None when there is none."""
    return _TRANSLATORS.get(api)


__all__ = ["Translator", "translator_for"]
