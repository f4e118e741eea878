"""All rules over a long stream beside openai-python merely parsing it, and a bare JSON parse, in one run.

CPU seconds of one process, the subjects taking turns; memory is the peak of a process of its own. The stream is
200,000 chunks of a text answer, framed as OpenAI frames it, fed in reads of 4 KiB and in one read per event.

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
_LIMIT = 1 / 6
#: Memory grows by the text of the completion alone once gaps are no longer kept one by one.
_BYTES_A_CHUNK = 64
_GROWN = (100_000, 300_000)
_READ = 4096
_URL = "http://127.0.0.1/v1/chat/completions"


def stream(chunks: int) -> list[bytes]:
    """The events of a text answer, as OpenAI sends them."""
    envelope = {
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
        "object": "chat.completion.chunk",
        "created": 1741570283,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_fc9f1d7035",
    }

    def event(delta: dict[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        payload = json.dumps({**envelope, "choices": [choice]}, separators=(",", ":"))
        return f"data: {payload}\n\n".encode()

    opening = event({"role": "assistant", "content": "", "refusal": None})
    words = [event({"content": f" word{at}"}) for at in range(1000)]
    middle = [words[at % len(words)] for at in range(chunks - 2)]
    return [opening, *middle, event({}, "stop"), b"data: [DONE]\n\n"]


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def check(reads: list[bytes]) -> None:
    """Every rule, with request, head and timing known."""
    from streamlab.exchange import Request, ResponseHead
    from streamlab.judging.analyzer import Analyzer

    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": []}).encode()
    head = ResponseHead(200, (("content-type", "text/event-stream"), ("transfer-encoding", "chunked")), 190_000)
    analyzer = Analyzer(Request("POST", _URL, (), body), head, timing_known=True)
    for at, data in enumerate(reads):
        analyzer.feed(200_000 + 30_000 * at, data)
    report = analyzer.finish()
    if report.findings:
        raise AssertionError(f"the stream is meant to be perfect: {report.findings}")


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
    for event in b"".join(reads).split(b"\n\n"):
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


def _against(name: str, ours: list[float], theirs: list[float], chunks: int, detail: str) -> Row:
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    median = statistics.median(ratios)
    each = f"{statistics.median(ours) / chunks * 1e6:.1f} µs a chunk, {detail}"
    return Row(name, median, min(ratios), max(ratios), f"at most {_LIMIT:.3f}", median <= _LIMIT, each)


def run(quick: bool = False) -> list[Row]:
    """Measure; ``quick`` takes a tenth of the stream."""
    chunks = _QUICK_CHUNKS if quick else _CHUNKS
    events = stream(chunks)
    body = b"".join(events)
    pieces = [body[at : at + _READ] for at in range(0, len(body), _READ)]
    for work in (check, parse_as_openai):
        work(stream(100))  # imports and caches
    by_4k, by_event, openai, bare = [], [], [], []
    for _ in range(_ROUNDS):
        by_4k.append(_cpu(lambda: check(pieces)))
        by_event.append(_cpu(lambda: check(events)))
        openai.append(_cpu(lambda: parse_as_openai(pieces)))
        bare.append(_cpu(lambda: parse_bare(pieces)))
    each = statistics.median(openai) / chunks * 1e6
    detail = f"openai-python {each:.1f}, a bare parse {statistics.median(bare) / chunks * 1e6:.1f}"
    few, many = _GROWN
    small, large = _peak_kb(few), _peak_kb(many)
    grown = (large - small) * 1024 / (many - few)
    return [
        _against("check / openai-python, CPU, reads of 4 KiB", by_4k, openai, chunks, detail),
        _against("check / openai-python, CPU, one read per event", by_event, openai, chunks, detail),
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
