"""Cards: an exchange as a page, as text for an issue, as a picture; the bundle that goes with it inside or beside."""

from __future__ import annotations

from streamlab.exchange import Exchange
from streamlab.record import changed
from streamlab.report.card.card import card_of
from streamlab.workflows.bundling import bundle_of

__all__ = ["FORMS", "card"]

#: ``--as`` -> the ending of the file's name.
FORMS = {"html": ".html", "markdown": ".md", "svg": ".svg"}


def card(exchange: Exchange, form: str, name: str, *, redacted: bool) -> str:
    """The card of an exchange that is fit to be shown; ``name`` is what its bundle is called."""
    made = card_of(exchange)
    if form == "svg":
        from streamlab.report.card.svg import timeline_svg

        return timeline_svg(made)
    if form == "markdown":
        from streamlab.report.card.markdown import markdown

        return markdown(made, f"{name}.slab") + "\n"
    from streamlab.report.card.page import page

    return page(made, bundle_of([changed(exchange, id=None)], redacted=redacted), f"{name}.slab")
