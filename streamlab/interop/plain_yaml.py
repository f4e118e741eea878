"""YAML as plain data: text, bytes, numbers, lists and mappings, no more of them than a cassette can need.

PyYAML's own constructor merges mappings and repeats what an anchor names, so that a page of text becomes gigabytes.
Here a document is built event by event, what an alias repeats is counted each time, and tags build nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

import yaml

#: Nodes of one document, what aliases repeat counted each time: some ten thousand interactions.
MOST_NODES = 1_000_000
#: A cassette is six deep.
_DEEPEST = 50
_TAG = "tag:yaml.org,2002:"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))


class NotPlainError(ValueError):
    """A document that is no YAML, or more than plain data; in one line."""


def parse_yaml(text: bytes, largest: int = 1 << 30) -> Any:
    """The document's value, its texts together at most ``largest`` bytes. Raises NotPlainError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _Builder(yaml.parse(text, Loader=loader), largest).document()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise NotPlainError(f"not YAML: {' '.join(str(error).split())[:200]}") from None


class _Builder:
    """Values out of parsing events."""

    def __init__(self, events: Iterator[Any], largest: int) -> None:
        self._events = events
        self._left = [MOST_NODES, largest]  # nodes and bytes
        self._anchors: dict[str, tuple[Any, int, int]] = {}  # the value, its nodes, its bytes

    def document(self) -> Any:
        """The first document's value; None when there is none."""
        for event in self._events:
            if not isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
                return None if isinstance(event, yaml.StreamEndEvent) else self._value(event, 0)
        return None

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event)
        before = list(self._left)
        self._spend(1, 0)
        if depth > _DEEPEST:
            raise NotPlainError(f"nested more than {_DEEPEST} deep")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif event.tag is not None and event.tag not in (f"{_TAG}map", f"{_TAG}seq"):
            raise NotPlainError(f"a tag that is no plain data: {event.tag[:60]}")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._value(one, depth + 1) for one in self._until(yaml.SequenceEndEvent)]
        else:
            value = {}
            for one in self._until(yaml.MappingEndEvent):
                key = self._value(one, depth + 1)
                if isinstance(key, list | dict):
                    raise NotPlainError("a key that is no plain text")
                value[key] = self._value(next(self._events), depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, *(was - now for was, now in zip(before, self._left, strict=True)))
        return value

    def _until(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event

    def _repeated(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise NotPlainError(f"nothing has the anchor {event.anchor[:60]}")
        value, nodes, size = self._anchors[event.anchor]
        self._spend(nodes, size)
        return value

    def _spend(self, nodes: int, size: int) -> None:
        self._left[0] -= nodes
        self._left[1] -= size
        if min(self._left) < 0:
            raise NotPlainError(f"more than {MOST_NODES} values, or more text than the file may have")

    def _scalar(self, event: Any) -> Any:
        text, tag = str(event.value), event.tag
        self._spend(0, len(text))
        if tag is not None and tag not in (f"{_TAG}str", f"{_TAG}binary", f"{_TAG}int", f"{_TAG}null", "!"):
            # Cassettes of Python 2 tag their texts; what is built from any tag is text.
            if not tag.startswith((f"{_TAG}python/unicode", f"{_TAG}python/str")):
                raise NotPlainError(f"a tag that is no plain data: {tag[:60]}")
            return text
        if tag == f"{_TAG}binary":
            try:
                return base64.b64decode(text)
            except binascii.Error:
                raise NotPlainError("a !!binary that is not base64") from None
        if event.implicit[0] or tag in (f"{_TAG}int", f"{_TAG}null"):
            if text in _NULLS:
                return None
            if len(text) < 19 and text.removeprefix("-").isdecimal() and text.isascii():
                return int(text)
        return text
