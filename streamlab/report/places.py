"""Where a finding stands for tools that only know files and lines: code hosts, editors, CI servers."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

from streamlab.rules.finding import Finding

_BODY = "body.sse"
#: Bodies larger than this are not read again just to count lines.
_MAX_BODY = 64 * 1024 * 1024


class FindingPlaces:
    """The places of one exchange's findings. ``source`` is as `storage/targets.py` words it.

    ``file`` is the file that holds the body: of a fixture directory its body, of a database the database itself,
    where lines mean nothing.
    """

    def __init__(self, source: str) -> None:
        path, _, self.exchange = source.partition("#") if not Path(source).exists() else (source, "", "")
        self._body = _body_of(Path(path))
        self.file = str(self._body) if self._body is not None else path
        self._line_ends: list[int] | None = None

    @property
    def is_body(self) -> bool:
        """Whether ``file`` is the very body, so that byte offsets into it mean something."""
        return self._body is not None

    def line(self, finding: Finding) -> int:
        """The line of the body the finding starts on, counted from 1; 1 where that cannot be said."""
        if finding.span is None or self._body is None:
            return 1
        if self._line_ends is None:
            self._line_ends = _line_ends(self._body)
        return bisect_right(self._line_ends, finding.span[0]) + 1


def _body_of(path: Path) -> Path | None:
    body = path / _BODY if path.is_dir() else path
    return body if body.name.endswith(".sse") and body.is_file() else None


def _line_ends(body: Path) -> list[int]:
    """The offset after each LF; nothing for a body that is too large or has gone."""
    try:
        if body.stat().st_size > _MAX_BODY:
            return []
        with body.open("rb") as file:
            return list(accumulate(len(line) for line in file))
    except OSError:
        return []
