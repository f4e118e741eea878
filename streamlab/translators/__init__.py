"""Translators: foreign protocols into chat chunks, incrementally; one module each. Core."""

from __future__ import annotations

from streamlab.translators.base import Translator
from streamlab.wire.apis import Api


def translator_for(api: Api) -> type[Translator] | None:
    """The translator of an API's stream; None when there is none."""
    return None


__all__ = ["Translator", "translator_for"]
