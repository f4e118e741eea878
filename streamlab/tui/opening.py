"""What a TARGET of `streamlab tui` comes to: a capture, and perhaps one exchange in it.

Files and folders are copied into a capture of their own that lives as long as the workbench, so that everything works
on them as it does on a database; the files themselves are never written to. Of a lake only what is looked at is copied.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange, Segment
from streamlab.record import changed
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.location import LAKE, default_db
from streamlab.storage.targets import Target, find, find_files

#: Up to this much is copied before the first screen; more comes in while one looks.
_AT_ONCE_BYTES = 4 * 1024 * 1024
_AT_ONCE_COUNT = 30
#: A bare body comes as one piece; smaller ones can be read here and there.
_PIECE = 64 * 1024


@dataclass
class Opened:
    """``path`` is the capture, ``exchange_id`` the exchange to show at once. ``coming`` are TARGETs still to be
    copied into it. ``temporary`` is the folder to remove at the end, None for somebody's own capture. ``lake`` is the
    TARGET whose exchanges are the list, each copied into the capture when it is opened."""

    path: Path
    exchange_id: int | None = None
    coming: tuple[str, ...] = ()
    temporary: Path | None = None
    lake: str | None = None

    @property
    def own(self) -> bool:
        """Whether this is a capture of its own, and not a copy of files."""
        return self.temporary is None

    @property
    def title(self) -> str:
        """What is being looked at."""
        if not self.own:
            return self.lake or ", ".join(self.coming) or "files"
        try:
            return str(self.path.absolute().relative_to(Path.cwd()))
        except (OSError, ValueError):
            return self.path.name

    def close(self) -> None:
        """Remove the copy."""
        if self.temporary is not None:
            import shutil

            shutil.rmtree(self.temporary, ignore_errors=True)


def open_target(target: str | None, db: Path | None) -> Opened:
    """Where to look. Raises NotFoundError, UnreadableInputError; a database that is not there yet is none of these."""
    if target is None:
        return Opened(db or default_db())
    is_lake = target.startswith(LAKE) and "#" not in target
    if not is_lake:
        first, *more = islice(find(target, db), 2)
        if first.id is not None:
            return Opened(Path(first.path), None if more and "#" not in target else first.id)
    import tempfile  # which brings much that a database does not need

    folder = Path(tempfile.mkdtemp(prefix="streamlab-tui-"))
    opened = Opened(folder / "files.db", temporary=folder, lake=target if is_lake else None)
    try:
        if is_lake:
            CaptureDB(opened.path, write=True).close()
        elif _small(target):
            copied = list(copy_into(opened.path, (target,)))
            opened.exchange_id = copied[0][0] if len(copied) == 1 else None
        else:
            CaptureDB(opened.path, write=True).close()
            opened.coming = (target,)
    except BaseException:
        opened.close()
        raise
    return opened


def _small(target: str) -> bool:
    size = 0
    for count, found in enumerate(find_files(target)):
        size += _size(found)
        if size > _AT_ONCE_BYTES or count >= _AT_ONCE_COUNT:
            return False
    return True


def _size(found: Target) -> int:
    if os.path.isdir(found.path):
        return sum(os.path.getsize(Path(found.path) / name) for name in os.listdir(found.path))
    return os.path.getsize(found.path)


def copy_into(path: Path, targets: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Copy what TARGETs on disk name into a capture; gives (id, source) of each. Raises where none can be read."""
    failed: StreamlabError | None = None
    copied = 0
    with CaptureDB(path, write=True) as database:
        for target in targets:
            for found in find_files(target):
                try:
                    exchange = found.read()
                except StreamlabError as error:
                    failed = error  # one broken fixture hides no others
                    continue
                copied += 1
                yield database.add(_named(found, exchange)), found.source
    if failed is not None and not copied:
        raise failed


def _named(found: Target, exchange: Exchange) -> Exchange:
    label = exchange.label or Path(found.path).name
    return changed(exchange, label=label, segments=tuple(_cut(exchange)), notes={**exchange.notes, "file": found.path})


def _cut(exchange: Exchange) -> Iterator[Segment]:
    for segment in exchange.segments:
        if segment.offset_us is not None or len(segment.data) <= _PIECE:
            yield segment
            continue
        for at in range(0, len(segment.data), _PIECE):
            yield Segment(None, segment.data[at : at + _PIECE])
