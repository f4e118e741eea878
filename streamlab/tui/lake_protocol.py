"""What the screen and the process that reads a lake say to each other, in the way of `tui.protocol`."""

from __future__ import annotations

from typing import Any, NamedTuple


class AskLake(NamedTuple):
    """Asks the process that reads a lake for what a method of it answers."""

    number: int
    call: str
    arguments: tuple[object, ...]


class LakeAnswer(NamedTuple):
    """The answer to the question of this number; a StreamlabError where there is none. An array may come in pieces,
    the last of which says that no ``more`` follow."""

    number: int
    content: Any
    more: bool


class LakeOpened(NamedTuple):
    """How many exchanges a lake holds, how many of them are not judged, and which files cannot be read, and why."""

    total: int
    waiting: int
    unreadable: tuple[str, ...]
