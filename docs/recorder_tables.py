"""The part of docs/sse-readers.md on recorders and mocks for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_READERS = Path(__file__).parents[1] / "tools" / "readers"
_COLUMNS = ("first event", "whole, replayed", "cut, recording", "cut, kept", "cut, replayed")
_COLUMNS_OF_JS = (*_COLUMNS, "kept as", "the question", "the key")
_COLUMNS_OF_MOCKS = ("first event", "whole", "fails", "fails, chunked")


def text() -> str:
    """What recorders for tests keep of a stream, and what mocks make of one."""
    measured, of_js = _measured("recorders.json"), _measured("js_recorders.json")
    python = {", ".join(reversed(name.split())): one for name, one in measured["recorders"].items()}
    lines = [*_of_python(measured["versions"], python), *_of_js(of_js), *_WHAT_HELPS, *_mocks(of_js["mocks"])]
    return "\n".join(lines) + "\n"


def _of_python(versions: Mapping[str, str], recorders: Mapping[str, Mapping[str, str]]) -> list[str]:
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [
        "",
        "## Recorders for tests",
        "",
        "`tools/readers/recorders.py` lets each record an answer whose two events come a second apart: once whole,",
        "once cut behind the second event (HTTP's last chunk is missing), and replays it in a process of its own, in",
        f"the recorder's default mode ({told}).",
        "*bare* is the client without a recorder. The first column is what the client sees while the whole answer is",
        "recorded.",
        "",
        *_table("client", _COLUMNS, recorders),
    ]


def _of_js(measured: Mapping[str, Any]) -> list[str]:
    node = measured["versions"]["node"]
    told = ", ".join(f"{name} {version}" for name, version in measured["versions"].items() if name != "node")
    return [
        "",
        f"`tools/readers/js_recorders.py` does the same to recorders of JavaScript on Node {node}, with its fetch and",
        "with openai-node, which sends by it",
        f"({told}).",
        "nock.back is in its mode `record`, SnapshotAgent (undici's) in `record` and then in `playback`, all else",
        "is as it comes. *kept as*: the form in which the file holds the answer, and one compressed by gzip. *the",
        "question*, *the key*: whether the body of the request and its `Authorization` are in the file.",
        "",
        *_table("client", _COLUMNS_OF_JS, measured["recorders"]),
    ]


_WHAT_HELPS = [
    "",
    "A recorder that reads the whole answer before it hands on a byte hides two things from the test that it",
    "records: when events come, and what comes before a cut; with nock.back the client of a cut answer waits.",
    "SnapshotAgent hands on events as they come, and keeps nothing of an answer that was cut. Of a whole one no",
    "recorder keeps when its events came. Where nothing was kept of a cut, nock.back and SnapshotAgent raise",
    "for want of a recording, an error of the kind that a cut is, and *from the live server* means that the",
    "test asks the server each time, without a word. So it does too where a recorder does not see the client:",
    "Polly's node-http adapter patches Node's `http`, and fetch goes past it.",
    "",
    "SnapshotAgent (undici 8) behind the fetch of Node 22 and 24 does not keep what was asked, and plays the",
    "answer to one question back for another ([shown](../findings/undici-snapshots-forget-the-question.sh)):",
    "give the client undici's own fetch, `new OpenAI({fetch})`. Where the key is in the file, keep it out",
    "before the first recording: `excludeHeaders: ['authorization']` of SnapshotAgent, Polly's event",
    "`beforePersist`.",
    "",
    "`streamlab record` keeps when events came and how the answer ended, and no key; `streamlab replay` sends",
    "them as they came and ends a cut stream as it was cut ([commands](commands.md)). Of the client only the",
    "base URL changes.",
]


def _mocks(measured: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [
        "",
        "## Mocks for tests",
        "",
        "Mocks of httpx (respx 0.23.1, pytest-httpx 0.36.2) do not see openai-python 3.57.0 and anthropic-python",
        "2.14.0, which send by httpx2: the live server answers the test, and nothing says so. A replay server is",
        "seen by all.",
        "",
        "Mocks of JavaScript see both clients. `tools/readers/js_recorders.py` gives each a stream for an answer,",
        "whole and failing behind its second event: MSW a `ReadableStream`, nock and undici's MockAgent a",
        "`Readable`; as it is, and with `transfer-encoding: chunked` among the answer's headers.",
        "",
        *_table("client", _COLUMNS_OF_MOCKS, measured),
        "",
        "Without that header a failure looks like the end, and a test of what a program does at a cut tests nothing",
        "([shown](../findings/mocked-streams-that-fail-end-well.sh)). MockAgent takes texts and bytes, which come",
        "at once; a stream it takes for an object and sends as JSON. `streamlab replay --fault 'at 7e: cut'` cuts",
        "any stream ([faults](faults.md)).",
    ]


def _table(first: str, columns: Sequence[str], rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [
        f"| {first} | {' | '.join(columns)} |",
        "|---" * (len(columns) + 1) + "|",
        *(f"| {name} | {' | '.join(row.get(column, '—') for column in columns)} |" for name, row in rows.items()),
    ]


def _measured(name: str) -> Any:
    return json.loads((_READERS / name).read_text(encoding="utf-8"))
