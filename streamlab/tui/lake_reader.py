"""The process that reads a lake for the workbench: what reads Parquet takes more memory than everything else there.

Run as ``python -m streamlab.tui.lake_reader lake:PATH``; `lake_link` asks, and each question is a call of `LakeReader`,
answered by a thread of its own, so that a page is not waited for behind a filter. It ends when its input does.
"""

from __future__ import annotations

import os
import sys
import threading
from array import array
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

from streamlab.errors import StreamlabError
from streamlab.record import changed
from streamlab.storage.browsing import ListRow
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.filtering import parse
from streamlab.storage.lake.list_fields import FIELDS
from streamlab.storage.lake.listing import LakeList
from streamlab.storage.targets import Target
from streamlab.tui import protocol
from streamlab.tui.lake_protocol import AskLake, LakeAnswer, LakeOpened
from streamlab.workflows.fleet import Lake, place_of

#: Numbers of exchanges that are told at once.
_NUMBERS = 65_536


class LakeReader:
    """A lake as it was when it was first asked about."""

    def __init__(self, lake: str) -> None:
        self._lake = lake
        self._unreadable: list[str] = []

    @cached_property
    def _list(self) -> LakeList:
        looked_at = Lake(place_of(self._lake), self._unreadable.append)
        return LakeList(looked_at.place, looked_at.files, looked_at.version)

    def opened(self) -> LakeOpened:
        """How many exchanges there are, and what is wrong with some. Raises NotFoundError, CouldNotRunError."""
        return LakeOpened(self._list.total, self._list.waiting, tuple(self._unreadable))

    def first(self, count: int) -> array[int]:
        """The numbers of the newest."""
        return self._list.ids(parse("", FIELDS), limit=count)

    def ids(self, line: str, sort: str) -> array[int]:
        """See `LakeList.ids`."""
        found = self._list.ids(parse(line, FIELDS), sort)
        # Half of the memory, for whoever holds a million of them.
        return array("i", found) if self._list.total < 2**31 else found

    def rows(self, ids: list[int]) -> dict[int, ListRow]:
        """See `LakeList.rows`."""
        return self._list.rows(ids)

    def bring(self, number: int, capture: str) -> None:
        """Copy an exchange into a capture, under its number. Raises NotFoundError, UnreadableInputError."""
        row = self._list.row(number)
        name = f"{self._lake}#{row.hash[:16]}"
        exchange = Target(name, row.place.address, row=row).read()
        with CaptureDB(Path(capture), write=True) as database:
            database.add(changed(exchange, notes={**exchange.notes, "file": name}), number)


class _Answers:
    """What is answered, by any thread, one whole message after another."""

    def __init__(self, reader: LakeReader, pipe: IO[bytes]) -> None:
        self._reader, self._pipe = reader, pipe
        self._writing, self._opening = threading.Lock(), threading.Lock()

    def to(self, asked: AskLake) -> None:
        """Answer a question."""
        answer: object
        try:
            with self._opening:  # whoever comes first looks at the files, once
                self._reader.opened()
            answer = getattr(self._reader, asked.call)(*asked.arguments)
        except StreamlabError as error:
            answer = error
        for part, more in _parts(answer):
            with self._writing:
                protocol.send(self._pipe, LakeAnswer(asked.number, part, more))


def _parts(answer: object) -> Iterator[tuple[object, bool]]:
    """An answer in pieces, and whether more follow: whoever gets a million numbers holds them once."""
    if not isinstance(answer, array):
        yield answer, False
        return
    for at in range(0, len(answer) or 1, _NUMBERS):
        yield answer[at : at + _NUMBERS], at + _NUMBERS < len(answer)


def main() -> None:
    """Answer until the input ends, then leave at once whatever is being worked out."""
    pipe, answers = sys.stdin.buffer, _Answers(LakeReader(sys.argv[1]), sys.stdout.buffer)
    while (asked := protocol.receive(pipe)) is not None:
        threading.Thread(target=answers.to, args=(asked,), daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main()
