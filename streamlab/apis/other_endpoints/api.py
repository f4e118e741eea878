"""OpenAI's endpoints that hold no answer of a model's in words, as the rest of the house may know them."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject

_OBJECTS = frozenset({"model", "embedding", "file", "batch", "upload", "vector_store", "fine_tuning.job"})
_TYPES = ("image_generation.", "image_edit.")


class OtherEndpoints(Api):
    """Lists of models, embeddings, files, images and the like."""

    name = "openai.other"
    title = "no chat answer, but another endpoint's (models, embeddings, files, …)"
    vendor = "OpenAI"
    foreign = False
    path_ends = (
        "/models",
        "/embeddings",
        "/moderations",
        "/files",
        "/batches",
        "/images/generations",
        "/images/edits",
        "/images/variations",
    )
    path = "/v1/models"

    def owns_path(self, path: str) -> bool:
        return "/v1/models/" in path and ":" not in path

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("object")
        if kind == "list":
            return isinstance(value.get("data"), list)
        if isinstance(kind, str):
            return kind in _OBJECTS
        kind = value.get("type")
        return isinstance(kind, str) and kind.startswith(_TYPES)


API = OtherEndpoints()
