"""Files that somebody names, read without being led astray: regular files only, and no more of them than asked for.

A FIFO would wait for ever, a device has no end, and a link below a folder may point at anything: folders come from
other people's repositories and archives.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING, BinaryIO

from streamlab.errors import CouldNotRunError, UnreadableInputError

if TYPE_CHECKING:
    from pathlib import Path

#: Bytes of one input that are read at most; ``--max-input`` sets another limit for a command.
LARGEST = 256 * 1024 * 1024
largest_input: ContextVar[int] = ContextVar("largest_input", default=LARGEST)
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
# Windows has neither.
_WAIT_FOR_NOBODY = getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


def read_regular(path: str | os.PathLike[str], largest: int | None = None, within: str | None = None) -> bytes:
    """The bytes of a regular file, which lies below the folder ``within`` when that is given, links resolved.

    ``largest`` defaults to what the running command reads at most. Raises UnreadableInputError in one line.
    """
    largest = largest_input.get() if largest is None else largest
    try:
        descriptor = _open(os.fspath(path), within)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _refuse_special(path, found.st_mode)
            if found.st_size > largest:
                raise _too_large(path, largest)
            data = file.read(found.st_size + 1)  # memory for as much as may be read would take longer than to read
            return data if len(data) <= found.st_size else data + read_at_most(file, largest - len(data), str(path))
    except FileNotFoundError:
        raise UnreadableInputError(f"{path}: no such file") from None
    except OSError as error:
        raise UnreadableInputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _open(path: str, within: str | None) -> int:
    """A file to read, below ``within`` when that is given. Raises OSError, and UnreadableInputError where it is not."""
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0) | _WAIT_FOR_NOBODY
    if _NO_LINK and within is not None and os.path.dirname(path) == within:
        try:
            return os.open(path, flags | _NO_LINK)  # what is no link lies where its name says
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
    place = os.path.realpath(path)
    if within is not None:
        from pathlib import Path

        if not Path(place).is_relative_to(os.path.realpath(within)):
            raise UnreadableInputError(f"{path}: a link that points out of its directory, {within}")
    return os.open(place, flags)


def read_at_most(file: BinaryIO, largest: int, name: str) -> bytes:
    """All that a file or pipe gives, which may grow meanwhile. Raises UnreadableInputError when it is too much."""
    data = file.read(largest + 1)
    if len(data) > largest:
        raise _too_large(name, largest)
    return data


def write_regular(path: Path, data: bytes) -> None:
    """Write a new file, or in the place of a regular one, whole or not at all; never through a link. Raises
    CouldNotRunError in one line."""
    try:
        with contextlib.suppress(FileNotFoundError):
            mode = os.lstat(path).st_mode
            if stat.S_ISLNK(mode):
                raise CouldNotRunError(f"{path}: a symbolic link, not written through")
            if str(path) == os.devnull:
                return
            _refuse_special(path, mode, "not written to")
        replace_file(path, (data,))
    except OSError as error:
        raise CouldNotRunError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Write beside and rename over: a link at ``path`` is replaced and never followed, and where the disk is full
    nothing is left, and what was there is there still. Raises OSError."""
    import tempfile  # for writing alone, and it brings much

    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
        os.chmod(temporary, _mode_of(path))
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _mode_of(path: Path) -> int:
    """The permissions of the regular file that is there, or of a new one."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if stat.S_ISREG(mode):
            return stat.S_IMODE(mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def require_regular(path: str | os.PathLike[str]) -> None:
    """Refuse what is there and is no regular file. Raises UnreadableInputError."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # whoever opens it says why
    _refuse_special(path, mode)


def _refuse_special(path: str | os.PathLike[str], mode: int, why: str = "not a regular file") -> None:
    if stat.S_ISREG(mode):
        return
    for is_kind, name in _KINDS:
        if is_kind(mode):
            hint = "; - reads standard input" if name == "a FIFO" else ""
            raise UnreadableInputError(f"{path}: {name}, {why}{hint}")


def _too_large(path: str | os.PathLike[str], largest: int) -> UnreadableInputError:
    return UnreadableInputError(f"{path}: larger than {largest} bytes; --max-input raises the limit")
