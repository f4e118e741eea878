"""Writes an exchange as a fixture, a mended stream or a curl command. The first two may take a while: use a thread."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from streamlab.exchange import Exchange


def export_fixture(path: Path, exchange_id: int, folder: Path) -> Path:
    """Write a regression fixture below a folder; gives where. Raises StreamlabError or OSError."""
    from streamlab.workflows.export import export

    (exported,) = export([f"{path}#{exchange_id}"], folder)
    return exported.path


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
    """The request as a command for a shell; None when the request is unknown. Secrets were taken out on recording."""
    request = exchange.request
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
