"""Text in a cell of a Markdown table."""

from __future__ import annotations

from streamlab.wire.visible import visible


def cell(text: str, longest: int) -> str:
    """Text of anybody's that neither ends the cell nor begins a tag."""
    return visible(text, longest).replace("|", "\\|").replace("<", "&lt;")
