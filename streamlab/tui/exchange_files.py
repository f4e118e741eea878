"""Writes an exchange as a fixture, a mended stream or a curl command. The first two may take a while: use a thread."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import NamedTuple

from streamlab.exchange import Exchange


def export_fixture(path: Path, exchange_id: int, folder: Path) -> Path:
    """Write a regression fixture below a folder; gives where. Raises StreamlabError or OSError."""
    from streamlab.workflows.export import export

    (exported,) = export([f"{path}#{exchange_id}"], folder)
    return exported.path


class ToShare(NamedTuple):
    """An exchange fit to be shown, what its files are called, and what was masked, in a line."""

    exchange: Exchange
    name: str
    masked: str


def prepare(path: Path, exchange_id: int, *, text: bool) -> ToShare:
    """An exchange without its secrets. Raises StreamlabError."""
    from streamlab.storage.naming import directory_name
    from streamlab.storage.targets import find
    from streamlab.workflows.bundling import masked_lines
    from streamlab.workflows.share import masking_of, prepared

    (found,) = find(f"{path}#{exchange_id}")
    shared = prepared(found.read(), masking_of(text=text))
    lines = masked_lines([shared]) or ["nothing to mask in the bodies"]
    filled = "what was said is replaced; " if text else ""
    return ToShare(shared.exchange, directory_name(shared.exchange, found.source), filled + "; ".join(lines))


def write_shared(shared: ToShare, folder: Path) -> Path:
    """Write its bundle and its page below a folder, over nothing; gives the page. Raises StreamlabError or OSError."""
    from dataclasses import replace

    from streamlab.storage.files import write_regular
    from streamlab.storage.naming import free_directory
    from streamlab.workflows.bundling import bundle_of
    from streamlab.workflows.cards import card

    folder.mkdir(parents=True, exist_ok=True)
    page = free_directory(folder, f"{shared.name}.html")
    exchange = replace(shared.exchange, id=None)
    write_regular(free_directory(folder, f"{shared.name}.slab"), bundle_of([exchange], redacted=True))
    write_regular(page, card(exchange, "html", shared.name, redacted=True).encode("utf-8", "backslashreplace"))
    return page


def write_normalized(exchange: Exchange, target: Path) -> str:
    """Write the mended stream as SSE bytes; gives what was mended in a line."""
    from streamlab.repairing.normalizer import Normalizer

    normalizer = Normalizer(exchange.request, exchange.head)
    with target.open("xb") as file:
        for segment in exchange.segments:
            file.write(normalizer.feed(segment.data))
        file.write(normalizer.finish(exchange.ending))
    repaired = len(normalizer.changes)
    left = f", {len(normalizer.unrepaired)} cannot be mended" if normalizer.unrepaired else ""
    return f"{repaired} kinds of deviation mended{left}"


def curl_command(exchange: Exchange) -> str | None:
    """The request as a command for a shell; None when the request is unknown. Secrets are taken out again."""
    from dataclasses import replace

    from streamlab.sharing.shared import share

    request = share(replace(exchange, segments=(), notes={})).exchange.request
    if request is None:
        return None
    words = ["curl", "-iN", "-X", request.method, shlex.quote(request.url)]
    skipped = {"host", "content-length", "connection", "accept-encoding", "transfer-encoding"}
    for name, value in request.headers:
        if name.lower() not in skipped:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if request.body:
        words += ["--data-raw", shlex.quote(_compact(request.body))]
    return " ".join(words)


def _compact(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")
