"""Keeps how the events of a long stream differ, on disk beyond the memory of the process."""

from __future__ import annotations

import pickle
from typing import IO

from streamlab.comparing.event_outcomes import EventDiff, EventOutcome

_KEPT_DIFFS = 50_000


class DiffStore:
    """Comparisons by event, on disk beyond the memory of this process; at most `_KEPT_DIFFS` of them."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._offsets: dict[int, int] = {}
        self._added: dict[int, EventDiff] = {}
        self.last = -1

    @property
    def full(self) -> bool:
        """Whether comparisons were left out."""
        return len(self._offsets) >= _KEPT_DIFFS

    def add(self, diffs: list[EventDiff]) -> None:
        """Keep these; a later one of the same event replaces an earlier one."""
        for diff in diffs:
            if diff.outcome is EventOutcome.ADDED:
                self._keep_added(diff)
            elif not self.full or diff.event in self._offsets:
                self._keep(diff)

    def _keep(self, diff: EventDiff) -> None:
        if self._file is None:
            import tempfile  # which brings much that a stream without differences does not need

            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as this object
        self._offsets[diff.event] = self._file.seek(0, 2)
        pickle.dump(diff, self._file, pickle.HIGHEST_PROTOCOL)
        self.last = max(self.last, diff.event)

    def _keep_added(self, diff: EventDiff) -> None:
        before = self._added.get(diff.event)
        outputs = (*(before.outputs if before is not None else ()), *diff.outputs)
        if len(self._added) < _KEPT_DIFFS:
            self._added[diff.event] = EventDiff(diff.event, EventOutcome.ADDED, outputs)

    def get(self, event: int) -> list[EventDiff]:
        """What is known of an event."""
        found = []
        if self._file is not None and event in self._offsets:
            self._file.seek(self._offsets[event])
            found.append(pickle.load(self._file))
        if event in self._added:
            found.append(self._added[event])
        return found

    def close(self) -> None:
        """Give the disk back."""
        if self._file is not None:
            self._file.close()
