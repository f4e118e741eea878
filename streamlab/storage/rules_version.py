"""Which rules judged: what is kept of an analysis holds for this version of everything that an analysis reads."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from streamlab import __version__

#: The rooms that decide what an analysis says, and what of it is masked.
_ROOMS = ("apis", "dialects", "judging", "redaction", "rules", "sharing", "wire")
_ENDINGS = (".py", ".toml", ".json", ".yaml")


@cache
def rules_version() -> str:
    """The release, and a digest of the code and data that judge: the same on every machine that has the same."""
    import hashlib  # deferred: it loads OpenSSL, and most who may ask for the version do not

    package = Path(__file__).parents[1]
    found = hashlib.sha256()
    for path in sorted(
        (package / "exchange.py", *_files(package)),
        key=lambda one: one.relative_to(package).as_posix(),
    ):
        found.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{__version__}-{found.hexdigest()[:12]}"


def _files(package: Path) -> list[Path]:
    return [
        Path(folder) / name
        for room in _ROOMS
        for folder, _, names in os.walk(package / room)
        for name in names
        if name.endswith(_ENDINGS)
    ]
