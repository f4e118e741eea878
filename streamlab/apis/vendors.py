"""Whose promises streams are held to, by the name of their API: for lists, which load no API to say so."""

from __future__ import annotations

from typing import Final

from streamlab.apis.api_names import CHAT, COMPLETIONS, RESPONSES

#: Of the APIs that are judged; a test holds it to what they say of themselves.
VENDORS: Final = {CHAT: "OpenAI", COMPLETIONS: "OpenAI", RESPONSES: "OpenAI", "anthropic.messages": "Anthropic"}
