"""OpenAI's Assistants API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Assistants(Api):
    """OpenAI's Assistants: named events about threads and runs."""

    name = "assistants"
    title = "OpenAI Assistants"
    vendor = "OpenAI"

    def owns_path(self, path: str) -> bool:
        return "/threads" in path or "/assistants" in path

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("object")
        return isinstance(kind, str) and kind.startswith("thread.")


API = Assistants()
