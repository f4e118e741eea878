"""The names of the APIs of OpenAI, for rules and repairs in these folders that concern several of them."""

from __future__ import annotations

from typing import Final

CHAT: Final = "chat.completions"
COMPLETIONS: Final = "completions"
RESPONSES: Final = "responses"
