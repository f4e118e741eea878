"""A card as one page: everything is in it, nothing is fetched, and every byte that was captured is text.

The page forbids itself everything but its own style and script, by their hashes (Content-Security-Policy), so that not
even a mistake in escaping would let a captured byte run.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from streamlab.about import requirement
from streamlab.report.card.card import MOST_ROWS, Card
from streamlab.report.card.svg import STYLE, timeline_svg
from streamlab.report.units import milliseconds


def page(card: Card, bundle: bytes, name: str) -> str:
    """The page of a card; ``bundle`` can be saved from it, as ``name``."""
    script, style = _data("page.js").strip(), (_data("page.css").strip() + "\n" + STYLE)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["ms"] = milliseconds
    return environment.from_string(_data("page.html.jinja")).render(
        card=card,
        rows=card.rows[:MOST_ROWS],
        more_rows=max(0, len(card.rows) - MOST_ROWS),
        timeline=Markup(timeline_svg(card, alone=False)),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        bundle=base64.b64encode(bundle).decode(),
        bundle_bytes=len(bundle),
        name=name,
        requirement=requirement(),
    )


def _data(name: str) -> str:
    found = pkgutil.get_data(__package__, name)
    assert found is not None, f"{name} is missing from the installation"
    return found.decode()


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
