"""Observers of a recorder under test."""

from __future__ import annotations

from streamlab.storage.draft import Draft


class Silent:
    """Watches nothing."""

    def changed(self, draft: Draft) -> None: ...
    def warn(self, message: str) -> None: ...
    def tick(self) -> bool:
        return False

    def close(self) -> None: ...
