"""Where somebody was: theme, filter, order and the event last looked at, per capture; in the user's state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from platformdirs import user_state_path

_MOST_CAPTURES = 50
_MOST_EXCHANGES = 200


class Memory:
    """Read when the workbench opens, written when it is left; a file that cannot be read or written is no trouble."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or user_state_path("streamlab", appauthor=False) / "workbench.json"
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            found = {}
        self.data: dict[str, Any] = found if isinstance(found, dict) else {}

    @property
    def theme(self) -> str:
        """The name of the theme."""
        return "streamlab-light" if self.data.get("theme") == "streamlab-light" else "streamlab-dark"

    def capture(self, path: Path) -> dict[str, Any]:
        """What is remembered of a capture; changes to it are remembered."""
        captures = self.data.setdefault("captures", {})
        if not isinstance(captures, dict):
            captures = self.data["captures"] = {}
        key = str(path.absolute())
        known = captures.pop(key, None)
        captures[key] = known if isinstance(known, dict) else {}
        while len(captures) > _MOST_CAPTURES:
            captures.pop(next(iter(captures)))
        kept: dict[str, Any] = captures[key]
        return kept

    def save(self) -> None:
        """Write it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(self.data, indent=1), encoding="utf-8")
        except OSError:
            return


def remember_event(capture: dict[str, Any], exchange_id: int, event: int) -> None:
    """The event last looked at in an exchange; the oldest are forgotten."""
    events = capture.get("events")
    if not isinstance(events, dict):
        events = capture["events"] = {}
    events.pop(str(exchange_id), None)
    events[str(exchange_id)] = event
    while len(events) > _MOST_EXCHANGES:
        events.pop(next(iter(events)))


def remembered_event(capture: dict[str, Any], exchange_id: int) -> int:
    """The event last looked at; 0 when nobody was there."""
    events = capture.get("events")
    found = events.get(str(exchange_id)) if isinstance(events, dict) else None
    return found if type(found) is int and found >= 0 else 0
