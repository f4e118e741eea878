"""Where a lake is: a folder, or an address of fsspec's (``s3://…``, ``memory://…``).

Files appear whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from streamlab.about import requirement
from streamlab.errors import CouldNotRunError, NotFoundError
from streamlab.storage.location import LAKE

if TYPE_CHECKING:
    import fsspec

SCHEME = LAKE
EXCHANGES, FINDINGS = "exchanges", "findings"


def need_fleet(what: str = "a lake") -> None:
    """Raise CouldNotRunError, in one line, where the extra is not installed: ``what`` needs it."""
    from importlib.util import find_spec

    for name in ("pyarrow", "fsspec", "duckdb"):
        if find_spec(name) is None:
            raise CouldNotRunError(f"{what} needs {name}: pip install '{requirement('fleet')}'")


def parted(target: str) -> tuple[str, str | None]:
    """The address in ``lake:PATH`` or ``lake:PATH#HASH``, and the hash."""
    path, mark, wanted = target.removeprefix(SCHEME).rpartition("#")
    return (path, wanted) if mark else (wanted, None)


@dataclass(frozen=True)
class LakePlace:
    """A lake by its address; picklable, opened where it is used."""

    address: str

    @cached_property
    def _opened(self) -> tuple[fsspec.AbstractFileSystem, str]:
        import fsspec

        try:
            system, root = fsspec.core.url_to_fs(self.address)
        except (ValueError, ImportError) as error:
            raise CouldNotRunError(f"{self.address}: {_line(error)}") from None
        return system, str(root).rstrip("/")

    def __getstate__(self) -> dict[str, str]:
        return {"address": self.address}

    def __setstate__(self, state: dict[str, str]) -> None:
        object.__setattr__(self, "address", state["address"])

    @property
    def system(self) -> fsspec.AbstractFileSystem:
        """Its file system."""
        return self._opened[0]

    @property
    def is_folder(self) -> bool:
        """Whether it is one of this machine."""
        return "file" in (self.system.protocol if isinstance(self.system.protocol, tuple) else (self.system.protocol,))

    @property
    def is_only_here(self) -> bool:
        """Whether other processes see nothing of it."""
        return "memory" in self.system.protocol

    def full(self, name: str) -> str:
        """A file's whole path, as its file system takes it."""
        return f"{self._opened[1]}/{name}"

    def require(self) -> None:
        """Raise NotFoundError where there is no lake."""
        with self.complaints():
            if not self.system.isdir(self.full(EXCHANGES)):
                raise NotFoundError(
                    f"{SCHEME}{self.address}: no lake here: `streamlab lake add CAPTURE --to PATH` makes one"
                )

    def names(self, below: str) -> list[str]:
        """The Parquet files below a folder of the lake, in order, each from the lake's root."""
        start = len(self._opened[1]) + 1
        with self.complaints():
            self.system.invalidate_cache()
            try:
                found = self.system.find(self.full(below))
            except FileNotFoundError:
                return []
        return sorted(name[start:] for name in found if name.endswith(".parquet"))

    def is_special(self, name: str) -> bool:
        """Whether it is a pipe or a device, which may never end."""
        path = self.full(name)
        return self.is_folder and os.path.exists(path) and not os.path.isfile(path)

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[Any]:
        """A file to read from."""
        with self.complaints(), self.system.open(self.full(name), "rb") as file:
            yield file

    def write(self, name: str, data: bytes) -> None:
        """Put a file there, whole or not at all; one that is there is replaced. Raises CouldNotRunError."""
        path = self.full(name)
        with self.complaints():
            if self.is_folder:
                _write_atomically(path, data)
                return
            try:
                self.system.pipe_file(path, data)
            except FileNotFoundError:
                raise CouldNotRunError(
                    f"{SCHEME}{self.address}: nothing can be put there: is there such a bucket?"
                ) from None

    def size(self, name: str) -> int:
        """How many bytes a file has."""
        with self.complaints():
            return int(self.system.size(self.full(name)))

    def remove(self, name: str) -> None:
        """Delete a file; one that is gone is no fault. Raises CouldNotRunError."""
        with self.complaints(), contextlib.suppress(FileNotFoundError):
            self.system.rm_file(self.full(name))

    @contextlib.contextmanager
    def complaints(self) -> Iterator[None]:
        """What a file system raises, as one clear line."""
        try:
            yield
        except FileNotFoundError:
            raise NotFoundError(f"{SCHEME}{self.address}: a file of it is gone") from None
        except OSError as error:
            raise CouldNotRunError(f"{SCHEME}{self.address}: {_line(error)}") from None
        except Exception as error:
            # Clients of object stores raise what is theirs, of no common kind; whoever reads tells what is Arrow's.
            if type(error).__module__.partition(".")[0] in ("builtins", "pyarrow", "streamlab"):
                raise
            raise CouldNotRunError(f"{SCHEME}{self.address}: {_line(error)}") from None


def _write_atomically(path: str, data: bytes) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    handle, waiting = tempfile.mkstemp(dir=folder, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(waiting, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(waiting)
        raise


def file_name(parts: Iterator[str] | list[str]) -> str:
    """The name of a file by what it holds, so that the same written twice is one file."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] + ".parquet"


def partition(name: str) -> str:
    """A text as a part of a path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip(".-") or "unknown"


def _line(error: Exception) -> str:
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(told).split())[:200].lower()
