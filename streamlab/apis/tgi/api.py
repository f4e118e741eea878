"""Text Generation Inference's own API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Tgi(Api):
    """Text Generation Inference's own ``/generate_stream``."""

    name = "tgi.generate_stream"
    path_ends = ("/generate_stream",)
    title = "Text Generation Inference's own API"
    vendor = "Hugging Face"

    def recognises(self, value: JsonObject) -> bool:
        return isinstance(value.get("token"), dict)


API = Tgi()
