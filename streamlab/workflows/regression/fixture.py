"""A regression fixture: reading one, and writing down what is expected of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlab.errors import UnreadableInputError
from streamlab.exchange import Exchange
from streamlab.storage.exchange_dir import read_exchange_dir
from streamlab.storage.files import read_regular, write_regular
from streamlab.workflows.regression.findings import findings_text, found_in
from streamlab.workflows.regression.machines import our_machine, run

EXPECTED, FINDINGS = "expected.sse", "findings.json"


@dataclass(frozen=True, slots=True)
class Fixture:
    """A regression fixture: an exchange directory, with what is expected of it where it has been written down."""

    path: Path
    exchange: Exchange
    expected: bytes | None
    findings: list[dict[str, Any]] | None


def read_fixture(path: Path) -> Fixture:
    """Read a fixture directory. Raises UnreadableInputError."""
    exchange, within = read_exchange_dir(path), str(path)
    expected, findings = os.path.join(within, EXPECTED), os.path.join(within, FINDINGS)
    listed = None
    if os.path.exists(findings):
        try:
            listed = json.loads(read_regular(findings, within=within))
        except ValueError as error:
            raise UnreadableInputError(f"{findings}: not JSON ({error})") from None
    repaired = read_regular(expected, within=within) if os.path.exists(expected) else None
    return Fixture(path, exchange, repaired, listed)


def write_expectations(path: Path, exchange: Exchange) -> None:
    """Write what our normalizer and our rules make of an exchange beside it."""
    repaired, _ = run(our_machine(exchange), [exchange.body])
    write_regular(path / EXPECTED, repaired)
    write_regular(path / FINDINGS, findings_text(found_in(exchange)).encode())
