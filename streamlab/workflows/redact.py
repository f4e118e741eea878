"""What the command `streamlab redact` does: exchanges without secrets, written where they are wanted, and verified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streamlab.errors import UsageError
from streamlab.exchange import Exchange
from streamlab.record import changed
from streamlab.sharing.shared import Shared
from streamlab.sharing.wanted import Masking
from streamlab.storage.capture_db import CaptureDB
from streamlab.storage.exchange_dir import write_exchange_dir
from streamlab.storage.files import write_regular
from streamlab.storage.naming import directory_name, free_directory
from streamlab.storage.targets import find
from streamlab.workflows.bundling import bundle_of, masked_lines
from streamlab.workflows.share import kept_findings, leftovers, leftovers_of, prepared

__all__ = ["Redacted", "redact", "verify", "verify_made"]


@dataclass(frozen=True, slots=True)
class Redacted:
    """What came of it: the exchanges and where they were from, what was masked, and findings that are not the same."""

    shared: tuple[tuple[str, Shared], ...]
    findings: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        """What was masked, for people."""
        return masked_lines([one for _, one in self.shared]) or ["nothing to mask"]

    @property
    def body(self) -> bytes:
        """The one body."""
        return self.shared[0][1].exchange.body


def redact(targets: Sequence[str], output: Path | None, masking: Masking, db: Path | None = None) -> Redacted:
    """Mask the exchanges that TARGETs name and write them to ``output``. Raises UsageError."""
    shared, findings = [], []
    for target in targets:
        for found in find(target, db):
            before = found.read()
            one = prepared(before, masking)
            shared.append((found.source, one))
            findings += [f"{found.source}: {line}" for line in kept_findings(before, one.exchange)]
    if len(shared) != 1 and (output is None or output.suffix == ".sse"):
        raise UsageError(f"{len(shared)} exchanges have {len(shared)} bodies: write a bundle, a database or a folder")
    if output is not None:
        _write([(source, one.exchange) for source, one in shared], output)
    return Redacted(tuple(shared), tuple(findings))


def _write(exchanges: Sequence[tuple[str, Exchange]], output: Path) -> None:
    kind = output.suffix.lower()
    if kind == ".slab":
        write_regular(output, bundle_of((changed(one, id=None) for _, one in exchanges), redacted=True))
    elif kind == ".sse":
        write_regular(output, exchanges[0][1].body)
    elif kind in (".db", ".sqlite", ".sqlite3"):
        if output.exists():
            raise UsageError(f"{output} is there already; what is masked goes into a database of its own")
        with CaptureDB(output, write=True) as database:
            for _, one in exchanges:
                database.add(one)
    else:
        output.mkdir(parents=True, exist_ok=True)
        for source, one in exchanges:
            write_exchange_dir(one, free_directory(output, directory_name(one, source)))


def verify(targets: Sequence[str], masking: Masking, db: Path | None = None) -> list[str]:
    """What is wrong with TARGETs as they are: secrets in them, and findings that masking would change."""
    wrong = [str(one) for target in targets for one in leftovers_of(target, db, masking)]
    for target in targets:
        for found in find(target, db):
            before = found.read()
            after = prepared(before, masking).exchange
            wrong += [f"{found.source}: {line}" for line in kept_findings(before, after)]
    return wrong


def verify_made(made: Redacted, output: Path | None, masking: Masking) -> list[str]:
    """What is wrong with what was made: secrets that are left in it, findings that are not."""
    if output is not None:
        left = list(leftovers_of(str(output), None, masking))
    else:
        left = [one for source, shared in made.shared for one in leftovers(shared.exchange, source, masking)]
    return [*map(str, left), *made.findings]
