"""Sharing: exchanges without their secrets, the proof that none is left, and that every finding is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from streamlab.config import Config, load_config
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.lazy_pattern import lazy_pattern
from streamlab.redaction import find_secrets_in_bytes
from streamlab.redaction.detectors import Secret, is_masked, without_prefix
from streamlab.sharing.masking import Masked, mask_body, mask_text
from streamlab.sharing.shared import Shared, share
from streamlab.sharing.wanted import CLOSEST_FIRST, Masking
from streamlab.storage.opening import empty_log
from streamlab.storage.targets import Target, find

__all__ = ["Leftover", "Masking", "kept_findings", "leftovers_in_file", "masking_of", "prepared", "require_clean"]

#: By what it is told which texts continue each other (`sharing.texts`): as usual, then less and less closely.
_WAYS = (CLOSEST_FIRST, (1, 2, 0), (0,))
#: Bytes of a file that are searched at once, and how much of them again with the next.
_WINDOW, _OVERLAP = 4 * 1024 * 1024, 16 * 1024
#: Lines of events, wherever in a file they lie.
_EVENT_LINE = lazy_pattern(rb"data: ?[^\r\n\0]{1,100000}")


class Leftover(NamedTuple):
    """A secret that is still there: in what, where, and what it is."""

    source: str
    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.source}: {self.place}: {self.kind}"


def masking_of(patterns: Sequence[str] = (), *, text: bool = False, configured: Config | None = None) -> Masking:
    """What is taken out: what is known, the project's own patterns and these. Raises UsageError."""
    compiled = []
    for pattern in (*(configured or load_config()).redact, *patterns):
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise UsageError(f"no regular expression: {pattern!r}: {error}") from None
    return Masking(tuple(compiled), text)


def prepared(exchange: Exchange, masking: Masking | None) -> Shared:
    """The exchange as it goes out: in memory, masked, and searched once more. None: as it is, secrets kept.

    Raises CouldNotRunError where a secret would go out all the same.
    """
    exchange = replace(exchange, segments=tuple(exchange.segments))
    if masking is None:
        return Shared(exchange)
    shared = share(exchange, masking) if not masking.text else _filled(exchange, masking)
    require_clean(shared.exchange, masking)
    return shared


def _filled(exchange: Exchange, masking: Masking) -> Shared:
    """With filler that keeps the findings: what texts continue each other is told in another way where it does not."""
    found: list[Shared] = []
    for told in _WAYS:
        shared = share(exchange, replace(masking, told=told))
        found.append(replace(shared, findings=tuple(kept_findings(exchange, shared.exchange))))
        if not found[-1].findings:
            break
    return min(found, key=lambda one: len(one.findings))


def require_clean(exchange: Exchange, masking: Masking) -> None:
    """Raise CouldNotRunError where the exchange still seems to hold a secret, with the place."""
    for one in leftovers(exchange, "exchange", masking):
        raise CouldNotRunError(f"still a secret in {one.place} ({one.kind}); --keep-secrets writes it all the same")


def leftovers(exchange: Exchange, source: str, masking: Masking) -> Iterator[Leftover]:
    """The secrets that an exchange still holds."""
    masking = replace(masking, text=False)
    again = share(exchange, masking)
    for part, one in again.masked:
        yield Leftover(source, _place(part, one), one.kind)
    request, head = exchange.request, exchange.head
    for name, was, now in (
        ("the address", request and request.url, again.exchange.request and again.exchange.request.url),
        ("the request's head", request and request.headers, again.exchange.request and again.exchange.request.headers),
        ("the response's head", head and head.headers, again.exchange.head and again.exchange.head.headers),
        ("the label", exchange.label, again.exchange.label),
        ("the notes", exchange.notes, again.exchange.notes),
    ):
        if not _same(was, now):
            yield Leftover(source, name, "secret")


def _same(was: Any, now: Any) -> bool:
    """Whether they are equal, a list and a tuple of the same too."""
    if isinstance(was, list | tuple) and isinstance(now, list | tuple):
        return len(was) == len(now) and all(map(_same, was, now))
    if isinstance(was, dict) and isinstance(now, dict):
        return was.keys() == now.keys() and all(_same(was[key], now[key]) for key in was)
    return bool(was == now)


def _place(part: str, one: Masked) -> str:
    event = f", event {one.event}" if one.event is not None else ""
    return f"the body of the {part}{event}, byte {one.at}"


# -- findings ------------------------------------------------------------------------------------------------------


def kept_findings(before: Exchange, after: Exchange) -> list[str]:
    """What is not the same of the findings before and after, in a line each; [] when all are."""
    lists = [[_identity(one) for one in analyze(exchange).findings] for exchange in (before, after)]
    lost = [f"lost: {_named(one)}" for one in lists[0] if one not in lists[1]]
    return lost + [f"new: {_named(one)}" for one in lists[1] if one not in lists[0]]


def _identity(one: Any) -> tuple[Any, ...]:
    path = mask_text(one.path) if one.path else one.path  # a member may be called as a key is
    return one.rule, str(one.severity), one.event, one.span, path, one.offset_us, one.count, tuple(one.events)


def _named(identity: tuple[Any, ...]) -> str:
    return f"{identity[0]} at event {identity[2]}" if identity[2] is not None else str(identity[0])


# -- files ---------------------------------------------------------------------------------------------------------


def leftovers_of(target: str, db: Path | None, masking: Masking) -> Iterator[Leftover]:
    """The secrets that a TARGET still holds: of each exchange, and in the bytes of the files it is in."""
    files: dict[str, None] = {}
    databases: dict[str, None] = {}
    for found in find(target, db):
        yield from leftovers(found.read(), found.source, masking)
        files.update(dict.fromkeys(_files(found)))
        if found.id is not None:
            databases[found.path] = None
    for database in databases:  # in a log there may be packed rows of what was deleted, in which nobody finds a secret
        if not empty_log(Path(database)):
            yield Leftover(f"{database}-wal", "what was packed in it", "cannot be searched while others have it open")
    for file in files:
        yield from leftovers_in_file(Path(file), masking)


def _files(target: Target) -> Iterable[str]:
    """The files an exchange rests in, with those that SQLite keeps beside a database."""
    if target.path == "-":
        return ()
    if os.path.isdir(target.path):
        return [os.path.join(target.path, name) for name in sorted(os.listdir(target.path))]
    beside = [f"{target.path}{ending}" for ending in ("-wal", "-journal")] if target.id is not None else []
    return [target.path, *(one for one in beside if os.path.isfile(one))]


def leftovers_in_file(path: Path, masking: Masking) -> Iterator[Leftover]:
    """The secrets in the bytes of a file, whatever they belong to: free pages of a database too."""
    if not path.is_file():
        return
    seen: set[int] = set()
    with path.open("rb") as file:
        start = file.read(4)
        if start[:2] == b"PK":
            return  # a bundle, whose parts were read
        at, window = 0, start
        while True:
            window += file.read(_WINDOW)
            for one in _in_window(window, masking):
                if at + one.start not in seen:
                    seen.add(at + one.start)
                    yield Leftover(str(path), f"byte {at + one.start}", one.kind)
            if len(window) < _WINDOW:
                return
            at, window = at + len(window) - _OVERLAP, window[-_OVERLAP:]


def _in_window(window: bytes, masking: Masking) -> Iterator[Secret]:
    yield from (one for one in find_secrets_in_bytes(window, masking.patterns) if not _is_ours(window, one))
    lines = list(_EVENT_LINE.finditer(window))
    stream = b"\n\n".join(line[0] for line in lines)
    starts, at = [], 0
    for line in lines:
        starts.append((at, line.start()))
        at += len(line[0]) + 2
    for masked in mask_body(stream, masking.patterns).secrets:
        if _begins_masked(stream, masked.at):
            continue  # its rest is on another page
        place = max((one for one in starts if one[0] <= masked.at), default=(0, 0))
        start = place[1] + masked.at - place[0]
        yield Secret(start, start, start, masked.kind)


def _begins_masked(stream: bytes, at: int) -> bool:
    """Whether what follows the prefix of a key begins with what we put there."""
    return is_masked(without_prefix(stream[at : at + 60].decode("latin-1"))[:2])


def _is_ours(window: bytes, one: Secret) -> bool:
    """Whether this is a name of ours beside what we wrote in place of a secret."""
    return b"REDACTED" in window[one.start : one.stop + 8]
