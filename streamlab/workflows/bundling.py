"""Bundles: what the command `streamlab bundle` puts into one, and the page does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlab import __version__
from streamlab.clients.table import table_version
from streamlab.errors import UsageError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.record import changed
from streamlab.report.json import report_json
from streamlab.sharing.shared import Shared
from streamlab.sharing.wanted import Masking
from streamlab.storage.bundle import Bundled, bundle
from streamlab.storage.files import write_regular
from streamlab.storage.targets import find
from streamlab.workflows.share import prepared

__all__ = ["WrittenBundle", "bundle_of", "masked_lines", "write_bundle"]


@dataclass(frozen=True, slots=True)
class WrittenBundle:
    """What was put into a bundle, and what was masked in it."""

    shared: tuple[Shared, ...]

    def lines(self) -> list[str]:
        """What was masked, for people."""
        return masked_lines(self.shared)


def masked_lines(shared: Sequence[Shared]) -> list[str]:
    """What was masked, a line a kind, and which findings are not the same."""
    counts: dict[tuple[str, str], int] = {}
    for one in shared:
        for part, masked in one.masked:
            counts[part, masked.kind] = counts.get((part, masked.kind), 0) + 1
    lines = [
        f"masked in the {part}: {kind}" + (f" ({count})" if count > 1 else "") for (part, kind), count in counts.items()
    ]
    return lines + [f"not the same finding with filler: {line}" for one in shared for line in one.findings]


def bundle_of(exchanges: Iterable[Exchange], *, redacted: bool) -> bytes:
    """The bytes of a bundle of exchanges that are fit to be shown."""
    about = {"streamlab": __version__, "client_table": table_version(), "redacted": redacted}
    return bundle([Bundled(one, _findings(one)) for one in exchanges], about)


def _findings(exchange: Exchange) -> dict[str, Any]:
    found = report_json("body.sse", None, analyze(exchange))
    return {"format": "streamlab.check/1", "version": __version__, "exchanges": [found]}


def write_bundle(
    targets: Iterable[str], output: Path, masking: Masking | None, db: Path | None = None
) -> WrittenBundle:
    """Write the exchanges that TARGETs name into one file, replacing it. Raises UsageError when there are none."""
    shared = tuple(prepared(found.read(), masking) for target in targets for found in find(target, db))
    if not shared:
        raise UsageError("nothing to put into a bundle")
    plain = (changed(one.exchange, id=None) for one in shared)
    write_regular(output, bundle_of(plain, redacted=masking is not None))
    return WrittenBundle(shared)
