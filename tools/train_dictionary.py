"""Trains the dictionary that captures are packed with, on the streams of this repository and no others.

``python tools/train_dictionary.py NUMBER`` writes streamlab/storage/dictionaries/NUMBER.zdict, and refuses a number
that is taken: captures that were packed with it could not be read any more. What is packed with next is
`packed_rows.DICTIONARY`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import zstandard

_ROOT = Path(__file__).resolve().parent.parent
_FOLDERS = ("captures", "corpus", "fixtures")
_SIZE, _LEVEL = 32 * 1024, 3
#: Of a body so much: a long one is not to outweigh the others. Numbers below and above are reserved by the format.
_MOST, _NUMBERS = 20_000, range(32768, 65536)


def _samples() -> list[bytes]:
    bodies = [path.read_bytes()[:_MOST] for folder in _FOLDERS for path in sorted((_ROOT / folder).rglob("body.sse"))]
    return [body for body in dict.fromkeys(bodies) if len(body) > 64]


def main() -> None:
    """Train and write; exit 1 when the number cannot be had."""
    number = int(sys.argv[1])
    path = _ROOT / "streamlab" / "storage" / "dictionaries" / f"{number}.zdict"
    if number not in _NUMBERS or path.exists():
        sys.exit(f"{number} is taken, or reserved by the format")
    samples = _samples()
    trained = zstandard.train_dictionary(_SIZE, samples, level=_LEVEL, dict_id=number)
    path.write_bytes(trained.as_bytes())
    print(f"{path}: {len(samples)} streams, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
