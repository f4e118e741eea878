"""A thread covers blocks that wait on disk, and a writer that died is forked anew meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import ciphers

from streamlab.storage.block_cipher import BlockCipher, RequestCipher, in_use
from streamlab.storage.frames import FRAME, Kind
from streamlab.storage.recorder_process import RecorderProcess, Recording


class _Stream:
    """A cipher's stream that notes whether somebody could be forked while it works."""

    def __init__(self, stream: Any, held: list[bool]) -> None:
        self._stream, self._held = stream, held

    def update(self, data: bytes) -> bytes:
        self._held.append(in_use.locked())
        return bytes(self._stream.update(data))


@pytest.mark.parametrize("make", [BlockCipher, lambda: RequestCipher(b"a key".ljust(32))])
def test_no_writer_is_forked_while_the_cipher_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], BlockCipher | RequestCipher]
) -> None:
    """Locks that the library holds at the time of a fork are never given back in the new process, which then hangs."""
    held: list[bool] = []
    encryptor = ciphers.Cipher.encryptor

    def watched(cipher: Any) -> _Stream:
        held.append(in_use.locked())
        return _Stream(encryptor(cipher), held)

    monkeypatch.setattr(ciphers.Cipher, "encryptor", watched)
    block = FRAME.pack(int(Kind.REQUEST_BODY), 1, 1, 200_000) + bytes(200_000)
    assert make().applied(bytes(16), block) != block
    assert len(held) > 3
    assert all(held)

    def fork() -> int:
        held.append(in_use.locked())
        raise InterruptedError

    monkeypatch.setattr("streamlab.storage.recorder_process.os.fork", fork)
    with pytest.raises(InterruptedError):
        RecorderProcess(Recording(tmp_path / "x.db", None, lambda: pytest.fail("no writer is made")))
    assert held[-1]
    assert not in_use.locked()
