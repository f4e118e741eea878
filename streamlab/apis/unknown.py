"""The API of a stream that betrays none, or none yet."""

from __future__ import annotations

from streamlab.rules.api import Api


class Unknown(Api):
    """No API."""

    name = "unknown"

    @property
    def asked_as(self) -> str:
        return ""

    @property
    def not_judged(self) -> str:
        return "nothing in it betrays an API that is known here"


API = Unknown()
