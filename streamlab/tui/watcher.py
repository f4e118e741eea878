"""Answers what the screens ask of a capture: pages of the list, exchanges, marks, and whether somebody has written.

Screens know no storage but through here. What takes longer than a few milliseconds is not asked while somebody waits:
it goes to the analyst process, which reads captures too, or (`Watcher.load_ids_apart`) to a thread.
"""

from __future__ import annotations

from array import array
from pathlib import Path

from streamlab import __version__
from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange
from streamlab.judging.event_index import IndexPart
from streamlab.storage.browsing import Browser, ListRow
from streamlab.storage.filtering import SORTS, Filter, parse
from streamlab.tui.events import Events, body_of
from streamlab.tui.opening import Opened

__all__ = ["POLL_SECONDS", "ListRow", "WatchedSide", "Watcher"]

#: Orders of the list that need every exchange to have been analyzed.
_DERIVED_SORTS = ("events", "TTFT", "worst finding")
#: Exchanges that are summarized because a filter or an order needs them, before the list is looked at again.
_AT_ONCE = 2_000
#: Seconds from one look at the database to the next: often enough to follow, and the cores are left to others.
POLL_SECONDS = 0.1


def watching(opened: Opened) -> Watcher:
    """What answers for a TARGET that was opened. Raises NotFoundError, CouldNotRunError where there is no lake."""
    if opened.lake is None:
        return Watcher(opened.path)
    from streamlab.tui.lake_watcher import LakeWatcher

    return LakeWatcher(opened.path, opened.lake)


class Watcher:
    """A capture that may not be there yet. ``pending`` are exchanges deleted in this session, until it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.browser: Browser | None = None
        self.pending: list[int] = []
        self.filter = ""
        self.sort = "newest"
        self.ids: array[int] = array("q")
        self.problem: str | None = None
        #: What is to be told once, when the list is there.
        self.news: str | None = None
        self._version = -1
        self._open()

    def _open(self) -> None:
        if self.browser is None and self.path.exists():
            try:
                self.browser = Browser(self.path)
                self.problem = None
            except StreamlabError as error:
                self.problem = str(error)

    def close(self) -> None:
        """Delete for good what was deleted, and close the file."""
        if self.browser is not None:
            self.browser.close()
            self.browser = None
            if self.pending:
                writer = Browser(self.path, write=True)
                writer.db.prune(ids=self.pending)
                writer.close()

    def changed(self) -> bool:
        """Whether somebody has written since the last call."""
        self._open()
        if self.browser is None:
            return False
        version = self.browser.data_version()
        before, self._version = self._version, version
        return version != before

    # -- the list

    @property
    def wanted(self) -> Filter:
        """The filter in force."""
        return parse(self.filter)

    def first(self, count: int) -> tuple[int, array[int]]:
        """How many exchanges there are, and the first of the list, for a screen that is drawn before all are known."""
        self.refresh()
        return len(self.ids), self.ids[:count]

    def load_ids(self) -> array[int]:
        """The ids of the list as filter and sort order want it, asked of the database anew."""
        if self.browser is None:
            return array("q")
        return self.not_deleted(self.browser.ids(self.wanted, self.sort))

    def not_deleted(self, ids: array[int]) -> array[int]:
        """Those that nobody has deleted here."""
        gone = set(self.pending)
        return ids if not gone else array("q", (one for one in ids if one not in gone))

    def load_ids_apart(self) -> array[int]:
        """The same over a connection of its own, for a thread: a filter over many exchanges takes a while."""
        own = Watcher(self.path)
        own.filter, own.sort, own.pending = self.filter, self.sort, list(self.pending)
        try:
            return own.load_ids()
        finally:
            own.pending = []  # what was deleted here is still the other one's to delete
            own.close()

    def sort_by_next(self, step: int) -> None:
        """The order after (1) or before (-1) the one in force."""
        names = list(SORTS)
        self.sort = names[(names.index(self.sort) + step) % len(names)]

    @property
    def needs_summaries(self) -> bool:
        """Whether filter or order want every exchange to have been analyzed."""
        return self.wanted.derived or self.sort in _DERIVED_SORTS

    def unanalyzed(self, shown: dict[int, ListRow | None]) -> list[int]:
        """Exchanges for the analyst to summarize: those on the screen, and where filter or order needs it all."""
        ids = [
            one
            for one, row in shown.items()
            if row is not None and row.summary is None and not row.overview.in_progress
        ]
        return list(dict.fromkeys(ids + (self.not_summarized(_AT_ONCE) if self.needs_summaries else [])))

    def not_summarized(self, limit: int) -> list[int]:
        """Finished exchanges that were never analyzed, or by another version; newest first."""
        return [] if self.browser is None else self.browser.not_summarized(__version__, limit)

    def refresh(self) -> bool:
        """Bring ``ids`` up to date; whether they changed. Cheap where only newer exchanges can have come."""
        if self.browser is not None and self.ids and self.sort == "newest" and not self.filter:
            newer = self.not_deleted(self.browser.ids(after=self.ids[0]))
            if newer:
                self.ids = newer + self.ids
            return bool(newer)
        before, self.ids = self.ids, self.load_ids()
        return self.ids != before

    def rows(self, ids: list[int]) -> dict[int, ListRow]:
        """The list's rows of these exchanges."""
        return {} if self.browser is None else self.browser.rows(ids)

    def delete(self, exchange_id: int) -> None:
        """Take an exchange off the list; it goes for good when the workbench is left."""
        self.pending.append(exchange_id)
        self.ids = array("q", (one for one in self.ids if one != exchange_id))

    def undo(self) -> int | None:
        """Bring the exchange back that was deleted last; its id."""
        if not self.pending:
            return None
        back = self.pending.pop()
        self.ids = self.load_ids()
        return back

    # -- one exchange

    def bring(self, exchange_id: int) -> None:
        """Have an exchange in the capture, where it lies elsewhere, before others than this read it there.
        Raises NotFoundError, UnreadableInputError."""

    def exchange(self, exchange_id: int) -> Exchange:
        """See `Browser.exchange`."""
        assert self.browser is not None
        return self.browser.exchange(exchange_id)

    def events(self, exchange: Exchange) -> Events:
        """The events of an exchange; what is not indexed yet is missing."""
        assert self.browser is not None
        return Events(body_of(self.browser, exchange), exchange.end_us)

    def neighbour(self, exchange_id: int, step: int) -> int | None:
        """The exchange below (1) or above (-1) in the list; the one recorded before or after where it is not in it."""
        try:
            at = self.ids.index(exchange_id) + step
        except ValueError:
            return None if self.browser is None else self.browser.neighbour(exchange_id, -step)
        return self.ids[at] if 0 <= at < len(self.ids) else None

    def marks(self, exchange_id: int) -> dict[int, str]:
        """Marked events and their notes."""
        return {} if self.browser is None else self.browser.marks(exchange_id)

    def set_mark(self, exchange_id: int, event: int, note: str | None) -> None:
        """See `Browser.set_mark`. Raises CouldNotRunError where the capture cannot be written."""
        writer = Browser(self.path, write=True)
        try:
            writer.set_mark(exchange_id, event, note)
        finally:
            writer.close()


class WatchedSide:
    """One of two exchanges that are compared: its events, from a capture that is opened for it."""

    def __init__(self, path: str, exchange_id: int, part: IndexPart) -> None:
        self._browser = Browser(path)
        exchange = self._browser.exchange(exchange_id)
        self.events = Events(body_of(self._browser, exchange), exchange.end_us)
        self.events.index.extend(part)
        self.events.whole = True

    def close(self) -> None:
        """Close the capture."""
        self._browser.close()
