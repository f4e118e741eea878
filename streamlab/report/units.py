"""Times and sizes for people."""

from __future__ import annotations


def milliseconds(value_us: int | None) -> str:
    """A time for people; ``–`` when unknown."""
    if value_us is None:
        return "–"
    if value_us >= 10_000_000:
        return f"{value_us / 1_000_000:.1f} s"
    return f"{value_us / 1000:.0f} ms" if value_us >= 10_000 else f"{value_us / 1000:.2f} ms"


def size(count: int) -> str:
    """A number of bytes for people."""
    for unit, scale in (("B", 1), ("kB", 1_000), ("MB", 1_000_000)):
        if count < 10_000 * scale:
            return f"{count // scale} {unit}"
    return f"{count // 1_000_000_000} GB"


def counted(number: int, noun: str) -> str:
    """``1 event``, ``12,000 events``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
