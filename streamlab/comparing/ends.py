"""How an answer ended, in the words of a comparison: by a finish reason, or by an error."""

from __future__ import annotations

from collections.abc import Sequence

from streamlab.comparing.reading import Item


def error_in_words(item: Item) -> str:
    """An error in a few words: what kind it is, and what it says."""
    error = next((value["error"] for value in reversed(item.values()) if value.get("error")), None)
    if not isinstance(error, dict):
        return str(error or "an error")
    words = [error.get(key) for key in ("type", "code", "message")]
    kind = next((str(word) for word in words[:2] if word), "")
    return ": ".join(word for word in (kind, str(words[2] or "")) if word) or "an error"


def same_word(was: str | None, now: str | None, here: Item | None) -> bool:
    """Whether b says in its own letters, or of a failure that it was an ``error``, how a ended."""
    failed = here is not None and here.kind == "error"
    return was is not None and now is not None and (was.lower() == now.lower() or (failed and now == "error"))


def finish_tags(item: Item) -> list[str]:
    return [tag for tag in item.tags if tag.startswith("finish_reason")]


def told_finish(tags: Sequence[str]) -> str | None:
    """The first finish_reason of these tags."""
    return tags[0].partition("=")[2] if tags else None


def finishes_of(items: Sequence[Item]) -> dict[str, list[tuple[str | None, Item | None]]]:
    found: dict[str, list[tuple[str | None, Item | None]]] = {}
    for item in items:
        for tag in item.tags:
            name, _, value = tag.partition("=")
            if name.startswith("finish_reason"):
                found.setdefault(name, []).append((value, item))
    return found
