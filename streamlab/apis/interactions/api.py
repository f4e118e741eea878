"""Google's Interactions API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api
from streamlab.wire.payload import JsonObject


class Interactions(Api):
    """Google's ``/interactions``."""

    name = "google.interactions"
    path_ends = ("/interactions",)
    title = "Google Interactions"
    vendor = "Google"

    def recognises(self, value: JsonObject) -> bool:
        kind = value.get("event_type")
        return isinstance(kind, str) and kind.startswith(("interaction.", "content."))


API = Interactions()
