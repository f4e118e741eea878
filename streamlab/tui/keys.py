"""Says which keys do something, as people know them."""

from __future__ import annotations

from typing import Any

_NAMES = {
    "slash": "/", "right_square_bracket": "]", "left_square_bracket": "[", "right_curly_bracket": "}",
    "left_curly_bracket": "{", "greater_than_sign": ">", "less_than_sign": "<", "full_stop": ".", "comma": ",",
    "question_mark": "?", "plus": "+", "equals_sign": "=", "minus": "-", "colon": ":", "space": "Space",
    "enter": "Enter", "escape": "Esc", "tab": "Tab", "f1": "F1", "f2": "F2", "f12": "F12", "left": "←", "right": "→",
    "up": "↑", "down": "↓", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
}  # fmt: skip


def keys_of(node: Any, action: str) -> str:
    """The keys of an action of a widget, screen or app; "" where it has none."""
    keys = [key for key, found in node._bindings.key_to_bindings.items() for one in found if one.action == action]
    return " ".join(_NAMES.get(key, key.replace("ctrl+", "^")) for key in keys)
