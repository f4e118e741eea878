"""Google's Interactions API, as the rest of the house may know it."""

from __future__ import annotations

from streamlab.rules.api import Api


class Interactions(Api):
    """Google's ``/interactions``; known by its path alone."""

    name = "google.interactions"
    path_ends = ("/interactions",)
    title = "Google Interactions"
    vendor = "Google"


API = Interactions()
