"""The values of headers."""

from __future__ import annotations

from streamlab.exchange import Headers


def values(headers: Headers, name: str) -> list[str]:
    """All values of a header, split at commas, stripped, by case-insensitive name."""
    wanted = name.lower()
    return [part.strip() for key, value in headers if key.lower() == wanted for part in value.split(",")]
