"""APIs: one folder each, with what it promises, its reader, rules and repairs. Core.

To add one, add a folder with an ``api.py`` that holds its `Api` object under the name ``API``, and a line to ``APIS``
in `known`. That module loads every API; it is loaded when one of its names is asked for here. `telling` loads chat
alone, until something is no chat.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlab.apis.known import APIS, api_named, parted_path
    from streamlab.apis.telling import DEFAULT, UNKNOWN, api_of_bytes, api_of_head, api_of_json, api_of_path
    from streamlab.rules.api import Api

__all__ = [
    "APIS",
    "DEFAULT",
    "UNKNOWN",
    "Api",
    "api_named",
    "api_of_bytes",
    "api_of_head",
    "api_of_json",
    "api_of_path",
    "parted_path",
]


_TELLING = frozenset({"DEFAULT", "UNKNOWN", "api_of_bytes", "api_of_head", "api_of_json", "api_of_path"})


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "streamlab.rules.api" if name == "Api" else f"{__name__}.{'telling' if name in _TELLING else 'known'}"
    value = globals()[name] = getattr(import_module(module), name)
    return value
