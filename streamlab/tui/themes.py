"""The two themes, dark and light."""

from __future__ import annotations

from textual.theme import Theme

from streamlab.tui.palette import COLOURS

THEMES = tuple(Theme(name=name, dark=name.endswith("dark"), **colours) for name, colours in COLOURS.items())
