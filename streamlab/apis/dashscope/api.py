"""DashScope's own API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject
from streamlab.wire.reading import as_object


class DashScope(Api):
    """Alibaba Cloud's own ``/generation``; its other one is OpenAI's."""

    name = "dashscope.generation"
    path_ends = ("/text-generation/generation", "/multimodal-generation/generation")
    title = "DashScope's own API"
    vendor = "Alibaba Cloud"

    def recognises(self, value: JsonObject) -> bool:
        output = as_object(value.get("output"))
        return "choices" not in value and "request_id" in value and ("choices" in output or "text" in output)


API = DashScope()
