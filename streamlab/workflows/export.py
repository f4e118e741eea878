"""Exports: an exchange as a regression fixture, in somebody else's format, or as a card. Secrets are taken out."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from streamlab import __version__
from streamlab.errors import CouldNotRunError, UsageError
from streamlab.exchange import Exchange
from streamlab.interop import curl_log, vcr
from streamlab.interop.har import to_har
from streamlab.sharing.wanted import ALL_KNOWN, Masking
from streamlab.storage.exchange_dir import read_exchange_dir, write_exchange_dir
from streamlab.storage.files import write_regular
from streamlab.storage.naming import directory_name, free_directory, safe_name
from streamlab.storage.targets import find
from streamlab.workflows.bundling import masked_lines
from streamlab.workflows.cards import FORMS as CARDS
from streamlab.workflows.cards import card
from streamlab.workflows.regression.fixture import write_expectations
from streamlab.workflows.share import masking_of, prepared

__all__ = [
    "FORMATS", "Exported", "ExportedText", "export", "safe_name", "texts", "write_fixture", "write_masked_fixture",
    "write_test_module",
]  # fmt: skip

#: What ``--as`` takes and can be read again; a fixture is a directory, the others are files. There are cards and spans
#: beside them (`_WRITERS`).
FORMATS = ("fixture", "sse", "har", "vcr", "curl")


class Exported(NamedTuple):
    """Where an exchange went, what the format cannot hold of it, and the command that makes the bundle it names."""

    path: Path
    lost: list[str]
    masked: Sequence[str] = ()
    bundling: str | None = None


class ExportedText(NamedTuple):
    """An exchange as text, what was masked in it, and the command that makes the bundle it names."""

    text: str
    masked: list[str]
    bundling: str | None = None


def export(
    targets: Iterable[str],
    folder: Path,
    form: str = "fixture",
    db: Path | None = None,
    masking: Masking | None = ALL_KNOWN,
) -> Iterator[Exported]:
    """Write each exchange below ``folder``, masked (None: as it is); what is there is not overwritten."""
    write = _WRITERS[form]
    folder.mkdir(parents=True, exist_ok=True)
    for target in targets:
        for found in find(target, db):
            shared = prepared(found.read(), masking)
            name = directory_name(shared.exchange, found.source)
            written = write(shared.exchange, folder, name)
            yield written._replace(masked=masked_lines([shared]), bundling=_bundling(form, found.source, name))


def texts(targets: Iterable[str], form: str, db: Path | None, masking: Masking | None) -> Iterator[ExportedText]:
    """Each exchange as a card or spans, for standard output or a file that is named."""
    for target in targets:
        for found in find(target, db):
            shared = prepared(found.read(), masking)
            name = directory_name(shared.exchange, found.source)
            text = _text(shared.exchange, form, name, masking is not None)
            yield ExportedText(text, masked_lines([shared]), _bundling(form, found.source, name))


def _bundling(form: str, source: str, name: str) -> str | None:
    """What makes the bundle that a card names; None where it names none, or has it inside."""
    return f"streamlab bundle {shlex.quote(source)} -o {name}.slab" if form == "markdown" else None


def _text(exchange: Exchange, form: str, name: str, redacted: bool) -> str:
    if form == "otel":
        from streamlab.interop.otel import spans

        return spans(exchange)
    return card(exchange, form, name, redacted=redacted)


def write_test_module(path: Path, fixtures: Sequence[Path]) -> None:
    """A plain test module for exported fixtures. Raises UsageError when there is a file already."""
    from streamlab.interop.pytest_module import module

    text = module([(home, read_exchange_dir(home)) for home in fixtures], path)
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_regular(path, text.encode())


def write_fixture(exchange: Exchange, folder: Path, name: str) -> Exported:
    """A regression fixture in a directory of its own below ``folder``, with what our rules and repairs make of it."""
    home = free_directory(folder, name)
    write_exchange_dir(exchange, home)
    try:
        write_expectations(home, read_exchange_dir(home))
    except CouldNotRunError:
        shutil.rmtree(home, ignore_errors=True)  # half of one would fail as a test
        raise
    return Exported(home, [])


def write_masked_fixture(exchange: Exchange, folder: Path, name: str) -> Path:
    """The same without secrets; where it is."""
    return write_fixture(prepared(exchange, masking_of()).exchange, folder, name).path


def _file(folder: Path, name: str, data: bytes, missing: list[str]) -> Exported:
    path = free_directory(folder, name)
    write_regular(path, data)
    return Exported(path, missing)


def _sse(exchange: Exchange, folder: Path, name: str) -> Exported:
    missing = ["request", "response head", "arrival times", "HTTP chunks", "the ending"]
    return _file(folder, f"{name}.sse", exchange.body, missing)


def _har(exchange: Exchange, folder: Path, name: str) -> Exported:
    document = json.dumps(to_har([exchange], __version__), indent=1, ensure_ascii=True)
    return _file(folder, f"{name}.har", document.encode() + b"\n", [])


def _vcr(exchange: Exchange, folder: Path, name: str) -> Exported:
    return _file(folder, f"{name}.yaml", vcr.to_vcr([exchange]).encode("utf-8", "surrogatepass"), vcr.lost(exchange))


def _curl(exchange: Exchange, folder: Path, name: str) -> Exported:
    return _file(folder, f"{name}.curl.txt", curl_log.to_curl_log(exchange), curl_log.lost(exchange))


def _card(form: str, exchange: Exchange, folder: Path, name: str) -> Exported:
    text = _text(exchange, form, name, redacted=True)
    return _file(folder, f"{name}{CARDS.get(form, '.otlp.json')}", text.encode("utf-8", "backslashreplace"), [])


_WRITERS: dict[str, Callable[[Exchange, Path, str], Exported]] = {
    "fixture": write_fixture,
    "sse": _sse,
    "har": _har,
    "vcr": _vcr,
    "curl": _curl,
    **{form: partial(_card, form) for form in (*CARDS, "otel")},
}
