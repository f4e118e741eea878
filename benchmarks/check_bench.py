"""All rules over a long stream beside openai-python merely parsing it, and a bare JSON parse, in one run.

CPU seconds of one process, the subjects taking turns; memory is the peak of a process of its own. The streams are
200,000 chunks each, fed in reads of 4 KiB and in one read per event: a text answer and the arguments of a tool call as
OpenAI sends them, and a call as GLM-4 sends it, whose every fragment has six findings.

``python -m benchmarks.check_bench [--quick]``
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.relay_bench import Row
from streamlab.apis import api_named

_CHUNKS, _QUICK_CHUNKS = 200_000, 20_000
_ROUNDS = 3
#: Against openai-python, by stream and by reads of 4 KiB or one an event; and against a bare parse.
_LIMITS = {"text": (1 / 40, 1 / 6), "tools": (1 / 40, 1 / 6), "broken": (1 / 6, 1 / 3)}
_BARE_LIMIT = 1.0
#: Memory grows by the text of the completion alone once gaps are no longer kept one by one.
_BYTES_A_CHUNK = 64
_GROWN = (100_000, 300_000)
_READ = 4096
_URL = "http://127.0.0.1/v1/chat/completions"
_ENVELOPE = {
    "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
    "object": "chat.completion.chunk",
    "created": 1741570283,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "system_fingerprint": "fp_fc9f1d7035",
}


def _event(delta: dict[str, object], finish: str | None = None, end: str = "\n\n") -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    payload = json.dumps({**_ENVELOPE, "choices": [choice]}, separators=(",", ":"))
    return f"data: {payload}{end}".encode()


def _repeated(words: list[bytes], chunks: int) -> list[bytes]:
    return [words[at % len(words)] for at in range(chunks)]


def stream(chunks: int) -> list[bytes]:
    """The events of a text answer, as OpenAI sends them."""
    opening = _event({"role": "assistant", "content": "", "refusal": None})
    middle = _repeated([_event({"content": f" word{at}"}) for at in range(1000)], chunks - 2)
    return [opening, *middle, _event({}, "stop"), b"data: [DONE]\n\n"]


def _call(index: int = 0, **members: object) -> dict[str, object]:
    return {"tool_calls": [{"index": index, **members}]}


def tools(chunks: int) -> list[bytes]:
    """The events of one tool call, as OpenAI sends them."""
    function = {"name": "f", "arguments": ""}
    opening = _event({"role": "assistant", "content": None, **_call(id="call_1", type="function", function=function)})
    words = [_event(_call(function={"arguments": f"w{at}"})) for at in range(1000)]
    begin, close = (_event(_call(function={"arguments": text})) for text in ('{"a":"', '"}'))
    return [opening, begin, *_repeated(words, chunks - 4), close, _event({}, "tool_calls"), b"data: [DONE]\n\n"]


def broken(chunks: int) -> list[bytes]:
    """The same with six findings in every fragment: lines in CRLF; role, name, id, function_call null; type again."""

    def event(text: str, role: str | None = None, call_id: str | None = None, name: str | None = None) -> bytes:
        call = _call(id=call_id, type="function", function={"name": name, "arguments": text})
        return _event({"role": role, "content": None, "function_call": None, **call}, end="\r\n\r\n")

    opening = event("", "assistant", "call_1", "f")
    middle = _repeated([event(f"w{at}") for at in range(1000)], chunks - 4)
    end = [event('"}'), _event({}, "tool_calls", "\r\n\r\n"), b"data: [DONE]\r\n\r\n"]
    return [opening, event('{"a":"'), *middle, *end]


STREAMS = {"text": stream, "tools": tools, "broken": broken}


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def check(reads: list[bytes]) -> int:
    """Every rule, with request, head and timing known; how many findings, each counted as often as it stands there."""
    from streamlab.exchange import Request, ResponseHead
    from streamlab.judging.analyzer import Analyzer

    offered = [{"type": "function", "function": {"name": "f"}}]
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": [], "tools": offered}).encode()
    head = ResponseHead(200, (("content-type", "text/event-stream"), ("transfer-encoding", "chunked")), 190_000)
    analyzer = Analyzer(Request("POST", _URL, (), body), head, timing_known=True)
    for at, data in enumerate(reads):
        analyzer.feed(200_000 + 30_000 * at, data)
    return sum(finding.count for finding in analyzer.finish().findings)


def parse_as_openai(reads: list[bytes]) -> None:
    """openai-python's own client over the same reads; its transport hands them over without a socket."""
    import openai
    from openai import _base_client

    httpx: Any = getattr(_base_client, "httpx2", None) or getattr(_base_client, "httpx", None)

    class Body(httpx.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(reads)

    def answer(request: object) -> object:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    with httpx.Client(transport=httpx.MockTransport(answer)) as transport:
        client = openai.OpenAI(api_key="none", base_url="http://127.0.0.1/v1", http_client=transport)
        for _ in client.chat.completions.create(model="gpt-4o", messages=[], stream=True):
            pass


def parse_bare(reads: list[bytes]) -> None:
    """The fastest thing that can be done with the stream at all: split it and decode the JSON."""
    import msgspec

    decode = msgspec.json.decode
    body = b"".join(reads)
    for event in body.split(b"\r\n\r\n" if b"\r" in body else b"\n\n"):
        if event.startswith(b"data: {"):
            decode(event[6:])


def _peak_kb(chunks: int) -> int:
    """The peak memory of a process that checks a stream of this length, made as it goes."""
    code = f"from benchmarks.check_bench import checked_alone; checked_alone({chunks})"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout)


def checked_alone(chunks: int) -> None:
    """Check a stream that is never held as a whole, then print the peak memory in kB."""
    from streamlab.judging.analyzer import Analyzer

    opening, *words, finish, done = stream(1002)
    analyzer = Analyzer(api=api_named("chat.completions"), timing_known=True)
    analyzer.feed(0, opening)
    for at in range(chunks):
        analyzer.feed(30_000 * at, words[at % len(words)])
    analyzer.feed(30_000 * chunks, finish + done)
    analyzer.finish()
    status = Path("/proc/self/status").read_text(encoding="ascii")  # ru_maxrss would be the parent's
    print(status.partition("VmHWM:")[2].split()[0])


def _against(name: str, ours: list[float], theirs: list[float], limit: float, chunks: int, detail: str) -> Row:
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    median = statistics.median(ratios)
    each = f"{statistics.median(ours) / chunks * 1e6:.1f} µs a chunk, {detail}"
    return Row(name, median, min(ratios), max(ratios), f"at most {limit:.3f}", median <= limit, each)


def _measured(name: str, chunks: int) -> list[Row]:
    events = STREAMS[name](chunks)
    body = b"".join(events)
    pieces = [body[at : at + _READ] for at in range(0, len(body), _READ)]
    found = check(pieces) / chunks
    if (found > 5.9) is not (name == "broken") or (found and name != "broken"):
        raise AssertionError(f"{name} has {found} findings a chunk")
    by_4k, by_event, openai, bare = [], [], [], []
    for _ in range(_ROUNDS):
        by_4k.append(_cpu(lambda: check(pieces)))
        by_event.append(_cpu(lambda: check(events)))
        openai.append(_cpu(lambda: parse_as_openai(pieces)))
        bare.append(_cpu(lambda: parse_bare(pieces)))
    each = statistics.median(openai) / chunks * 1e6
    detail = f"openai-python {each:.1f}, a bare parse {statistics.median(bare) / chunks * 1e6:.1f}"
    large, single = _LIMITS[name]
    rows = [
        _against(f"check / openai-python, CPU, {name}, reads of 4 KiB", by_4k, openai, large, chunks, detail),
        _against(f"check / openai-python, CPU, {name}, one read per event", by_event, openai, single, chunks, detail),
    ]
    if name == "text":
        rows.append(_against("check / a bare parse, CPU, reads of 4 KiB", by_4k, bare, _BARE_LIMIT, chunks, detail))
    return rows


def run(quick: bool = False) -> list[Row]:
    """Measure; ``quick`` takes a tenth of the streams."""
    chunks = _QUICK_CHUNKS if quick else _CHUNKS
    for work in (check, parse_as_openai):
        work(stream(100))  # imports and caches
    few, many = _GROWN
    small, large = _peak_kb(few), _peak_kb(many)
    grown = (large - small) * 1024 / (many - few)
    return [
        *(row for name in STREAMS for row in _measured(name, chunks)),
        Row(
            "check, bytes of memory a chunk",
            grown,
            grown,
            grown,
            f"at most {_BYTES_A_CHUNK}",
            grown <= _BYTES_A_CHUNK,
            f"peak {small // 1024} MB at {few:,} chunks, {large // 1024} MB at {many:,}",
        ),
    ]


def main() -> None:
    """Print the rows; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    rows = run(parser.parse_args().quick)
    for row in rows:
        print(
            f"{'ok  ' if row.met else 'MISS'} {row.name}: {row.ratio:.3f} ({row.low:.3f}-{row.high:.3f}) {row.target}"
        )
        print(f"     {row.detail}")
    sys.exit(0 if all(row.met for row in rows) else 1)


if __name__ == "__main__":
    main()
