"""Tells what this user's own streamlab wrote into a capture from what came with it.

A capture passes from hand to hand, and its tables can say anything. What is derived from an exchange and kept beside it
carries a seal made with a key that lies in the user's state folder and never leaves it; what has none of ours is worked
out again.
"""

from __future__ import annotations

import os
import secrets
from hashlib import blake2b
from hmac import compare_digest
from pathlib import Path

from platformdirs import user_state_path

_KEY_BYTES = 32
#: Bytes of a seal.
LENGTH = 16


class Seal:
    """Seals with this user's key, which is made when it is first wanted. Without a key nothing is sealed or ours."""

    def __init__(self, path: Path | None = None) -> None:
        self._key = _key(path or user_state_path("streamlab", appauthor=False) / "seal.key")

    def of(self, kept: bytes, *about: object) -> bytes | None:
        """The seal of what is kept about something; None where there is no key."""
        if self._key is None:
            return None
        return blake2b(
            repr(about).encode("utf-8", "surrogatepass") + b"\0" + kept, digest_size=LENGTH, key=self._key
        ).digest()

    def key_for(self, *about: object) -> bytes | None:
        """A key of 32 bytes for something else, which only this user can make again; None where there is no key."""
        if self._key is None:
            return None
        said = repr(about).encode("utf-8", "surrogatepass")
        return blake2b(said, digest_size=_KEY_BYTES, key=self._key, person=b"key").digest()

    def opened(self, sealed: bytes, *about: object) -> bytes | None:
        """What was kept, given its seal and it; None unless this user sealed it about this."""
        kept = sealed[LENGTH:]
        seal = self.of(kept, *about)
        return kept if seal is not None and compare_digest(seal, sealed[:LENGTH]) else None


def _key(path: Path) -> bytes | None:
    try:
        return _read(path) or _made(path)
    except OSError:
        return None


def _read(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    return key if len(key) == _KEY_BYTES else None


def _made(path: Path) -> bytes | None:
    """A new key, whole from the first moment that others see it; another process's where that was faster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
    try:
        os.link(new, path)
    except FileExistsError:
        if _read(path) is None:  # half a key, of a disk that was full
            os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)
    return _read(path)
