"""The list of a lake, page by page; an exchange of it comes into the workbench's own capture when it is opened."""

from __future__ import annotations

from array import array
from pathlib import Path

from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange
from streamlab.storage.filtering import Filter, parse
from streamlab.storage.lake.list_fields import FIELDS
from streamlab.storage.lake.place import need_fleet
from streamlab.tui.lake_link import LakeLink, PendingAnswer
from streamlab.tui.lake_protocol import LakeOpened
from streamlab.tui.watcher import ListRow, Watcher


class LakeWatcher(Watcher):
    """A lake as it was when it was opened. Raises NotFoundError where there is none, CouldNotRunError.

    What was judged is shown; `streamlab check` judges the rest. Nothing is ever written to the lake.
    """

    def __init__(self, path: Path, lake: str) -> None:
        need_fleet()
        self._link = LakeLink(lake)
        super().__init__(path)
        self._brought: set[int] = set()
        self._loaded: tuple[str, str] | None = None
        try:
            opened: LakeOpened = self._link.ask("opened").wait()
        except BaseException:
            self.close()
            raise
        self._total = opened.total
        # Worked out while the workbench is loaded.
        self._coming: PendingAnswer | None = None
        more = len(opened.unreadable) - 1
        if opened.unreadable:
            self.news = opened.unreadable[0] + (f" (and {more} more)" if more else "")
        elif opened.waiting:
            self.news = f"{opened.waiting:,} not judged by these rules yet: streamlab check {lake}"

    def close(self) -> None:
        """See `Watcher`."""
        self._link.close()
        super().close()

    @property
    def wanted(self) -> Filter:
        """See `Watcher`."""
        return parse(self.filter, FIELDS)

    def first(self, count: int) -> tuple[int, array[int]]:
        """See `Watcher`."""
        found: array[int] = self._link.ask("first", count).wait()
        self._coming = self._link.ask("ids", "", "newest")
        return self._total, found

    def load_ids(self) -> array[int]:
        """See `Watcher`."""
        self._loaded = self.filter, self.sort
        coming, self._coming = self._coming, None
        asked = coming if coming and self._loaded == ("", "newest") else self._link.ask("ids", self.filter, self.sort)
        found: array[int] = asked.wait()
        return found

    load_ids_apart = load_ids  # each question has a thread of its own there

    def refresh(self) -> bool:
        """See `Watcher`. Nothing comes while one looks."""
        if self._loaded == (self.filter, self.sort):
            return False
        self.ids = self.load_ids()
        return True

    def rows(self, ids: list[int]) -> dict[int, ListRow]:
        """See `Watcher`."""
        marked = super().rows([one for one in ids if one in self._brought])
        try:
            found: dict[int, ListRow] = self._link.ask("rows", ids).wait()
        except StreamlabError as error:
            self.problem = str(error)
            return {}
        return {one: row._replace(marks=marked[one].marks if one in marked else 0) for one, row in found.items()}

    def unanalyzed(self, shown: dict[int, ListRow | None]) -> list[int]:
        """See `Watcher`. The lake keeps what is said of it."""
        return []

    def bring(self, exchange_id: int) -> None:
        """See `Watcher`."""
        if exchange_id in self._brought:
            return
        self._link.ask("bring", exchange_id, str(self.path)).wait()
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
