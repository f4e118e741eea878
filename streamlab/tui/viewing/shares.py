"""Shares the screen of an exchange among its parts, by what each of them needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlab.tui.drawing.layout import FINDINGS, body_lines, layout, medium, shared, wide_left

if TYPE_CHECKING:
    from textual.screen import Screen

_PANES = ("diff", "bytes", "client")
#: Lines that a part has beside its content: the frame, and the heading of a list.
_FRAME, _HEADED = 2, 3


class Shares:
    """A part's need is the most it had in this exchange, so that nothing jumps while the cursor goes on."""

    def __init__(self, screen: Screen[None]) -> None:
        self._screen = screen
        self._needs: dict[str, int] = {}

    def begin(self) -> None:
        """Another exchange."""
        self._needs = {}
        self.apply()

    def need(self, name: str, lines: int) -> None:
        """A part has so many lines to show."""
        wanted = lines + (_HEADED if name == "findings" else _FRAME)
        if wanted > self._needs.get(name, 0):
            self._needs[name] = wanted
            self.apply()

    def apply(self) -> None:
        """Say how high each part is; app.tcss says where it is."""
        width, height = self._screen.app.size
        name, body = layout(width, height), body_lines(height)
        heights: dict[str, int | None] = dict.fromkeys((*_PANES, "timeline", "findings"))
        findings = self._needs.get("findings", FINDINGS)
        if name == "-wide":
            heights["timeline"], heights["findings"] = wide_left(body, findings)
            heights |= zip(_PANES, shared(body, [self._needs.get(one, 0) for one in _PANES]), strict=True)
        elif name == "-medium":
            heights["timeline"], heights["findings"], pane = medium(body, findings)
            heights |= dict.fromkeys(_PANES, pane)
        for part, lines in heights.items():
            styles = self._screen.query_one(f"#{part}").styles
            now = styles.inline.height if styles.inline.has_rule("height") else None
            if (now.cells if now is not None else None) != lines:
                styles.height = lines
