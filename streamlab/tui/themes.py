"""The two themes, dark and light."""

from __future__ import annotations

from textual.theme import Theme

from streamlab.tui.palette import COLOURS


def _theme(name: str, colours: dict[str, str]) -> Theme:
    return Theme(
        name=name,
        dark=name.endswith("dark"),
        primary=colours["primary"],
        secondary=colours["secondary"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        success=colours["success"],
        warning=colours["warning"],
        error=colours["error"],
    )


THEMES = tuple(_theme(name, colours) for name, colours in COLOURS.items())
