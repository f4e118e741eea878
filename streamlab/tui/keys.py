"""Says which keys do something, as people know them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "slash": "/", "right_square_bracket": "]", "left_square_bracket": "[", "right_curly_bracket": "}",
    "left_curly_bracket": "{", "greater_than_sign": ">", "less_than_sign": "<", "full_stop": ".", "comma": ",",
    "question_mark": "?", "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":", "space": "Space",
    "enter": "Enter", "escape": "Esc", "tab": "Tab", "f1": "F1", "f2": "F2", "f12": "F12", "left": "←", "right": "→",
    "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
}  # fmt: skip


_HELD = {"ctrl+": "^", "shift+": "Shift+", "super+": "Super+"}


def keys_of(node: Any, action: str, leads_to: Mapping[str, str] | None = None) -> str:
    """The keys of an action of a widget, screen or app; "" where it has none. ``leads_to`` says what each key does
    in the end, where another part may have taken it."""
    keys = [key for key, found in node._bindings.key_to_bindings.items() for one in found if one.action == action]
    return " ".join(_named(key) for key in keys if leads_to is None or leads_to.get(key) == action)


def _named(key: str) -> str:
    for held, name in _HELD.items():
        if key.startswith(held):
            return name + _named(key.removeprefix(held))
    return _NAMES.get(key, key)
