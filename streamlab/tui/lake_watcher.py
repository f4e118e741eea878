"""The list of a lake, page by page; an exchange of it comes into the workbench's own capture when it is opened."""

from __future__ import annotations

from array import array
from dataclasses import replace
from pathlib import Path

from streamlab.exchange import Exchange
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.filtering import Filter, parse
from streamlab.storage.lake.listing import FIELDS, LakeList
from streamlab.storage.targets import Target
from streamlab.tui.watcher import ListRow, Watcher
from streamlab.workflows.fleet import Lake, place_of


class LakeWatcher(Watcher):
    """A lake as it was when it was opened. Raises NotFoundError where there is none, CouldNotRunError.

    What was judged is shown; `streamlab check` judges the rest. Nothing is ever written to the lake.
    """

    def __init__(self, path: Path, lake: str) -> None:
        super().__init__(path)
        self._lake = lake
        unreadable: list[str] = []
        looked_at = Lake(place_of(lake), unreadable.append)
        self._list = LakeList(looked_at.place, looked_at.files, looked_at.version)
        self._brought: set[int] = set()
        self._loaded: tuple[str, str] | None = None
        if unreadable:
            self.news = unreadable[0] + (f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else "")
        elif self._list.waiting:
            self.news = f"{self._list.waiting:,} not judged by these rules yet: streamlab check {lake}"

    @property
    def wanted(self) -> Filter:
        """See `Watcher`."""
        return parse(self.filter, FIELDS)

    def load_ids(self) -> array[int]:
        """See `Watcher`."""
        self._loaded = self.filter, self.sort
        return self._list.ids(self.wanted, self.sort)

    load_ids_apart = load_ids  # each question has a connection of its own

    def refresh(self) -> bool:
        """See `Watcher`. Nothing comes while one looks."""
        if self._loaded == (self.filter, self.sort):
            return False
        self.ids = self.load_ids()
        return True

    def rows(self, ids: list[int]) -> dict[int, ListRow]:
        """See `Watcher`."""
        marked = super().rows([one for one in ids if one in self._brought])
        found = self._list.rows(ids)
        return {one: row._replace(marks=marked[one].marks if one in marked else 0) for one, row in found.items()}

    def unanalyzed(self, shown: dict[int, ListRow | None]) -> list[int]:
        """See `Watcher`. The lake keeps what is said of it."""
        return []

    def bring(self, exchange_id: int) -> None:
        """See `Watcher`."""
        if exchange_id in self._brought:
            return
        row = self._list.row(exchange_id)
        name = f"{self._lake}#{row.hash[:16]}"
        exchange = Target(name, row.place.address, row=row).read()
        with CaptureDB(self.path, write=True) as database:
            database.add(replace(exchange, notes={**exchange.notes, "file": name}), exchange_id)
        self._brought.add(exchange_id)

    def exchange(self, exchange_id: int) -> Exchange:
        """See `Watcher`."""
        self.bring(exchange_id)
        return super().exchange(exchange_id)

    def neighbour(self, exchange_id: int, step: int) -> int | None:
        """See `Watcher`."""
        return super().neighbour(exchange_id, step) if exchange_id in self.ids else None

    def marks(self, exchange_id: int) -> dict[int, str]:
        """See `Watcher`."""
        return super().marks(exchange_id) if exchange_id in self._brought else {}
