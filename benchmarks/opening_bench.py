"""How long the workbench's analyst takes over an exchange of a million events, and how another checkout does.

``python -m benchmarks.opening_bench [--events N] [--rounds N] [--against CHECKOUT]``: seconds of the clock and of the
processor until the findings are whole, and until the comparison with what OpenAI would have sent is; the peak of the
process. Each build writes a capture of its own first. Checkouts run with this environment's packages, by turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.relay_bench import Row

_OURS = Path(__file__).parents[1]
_MAKE = """
import sys
from streamlab.exchange import Ending, Exchange, Request, ResponseHead, Segment
from streamlab.storage.capture_db import CaptureDB
event = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1741570283,"model":"bench",'
    b'"service_tier":"default","system_fingerprint":"fp_fc9f1d7035","choices":[{"index":0,'
    b'"delta":{"content":"tick%d "},"logprobs":null,"finish_reason":null}]}\\n\\n'
)
count = int(sys.argv[2])
body = b'{"model":"bench","stream":true,"messages":[{"role":"user","content":"count"}]}'
exchange = Exchange(
    request=Request("POST", "http://127.0.0.1/v1/chat/completions", (), body),
    head=ResponseHead(200, (("content-type", "text/event-stream"),), 100_000),
    segments=[Segment(100_000 + 20_000 * at, event % at) for at in range(count)],
    ending=Ending.COMPLETE,
    end_us=100_000 + 20_000 * count,
    started_at="2026-01-01T00:00:00.000000Z",
)
with CaptureDB(sys.argv[1], write=True) as database:
    database.add(exchange)
"""
_OPEN = """
import json, os, queue, re, sys, time
from pathlib import Path
from streamlab.tui import protocol
from streamlab.tui.link import Link
link, heard = Link(), queue.SimpleQueue()
link.listener = heard.put
tick = os.sysconf("SC_CLK_TCK")
def cpu():
    fields = Path(f"/proc/{link.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / tick
link.start()
time.sleep(1)  # as the first screen starts it before anybody opens anything
began, spent, came = time.perf_counter(), cpu(), {}
link.send(protocol.Open(1, sys.argv[1], 1))
while "diff" not in came:
    answer = heard.get(timeout=600)
    name = {"Analyzed": "findings", "Compared": "diff"}.get(type(answer).__name__)
    if name and answer.whole:
        came[name], came[name + "_cpu"] = time.perf_counter() - began, cpu() - spent
peak = re.search(r"VmHWM:\\s+(\\d+)", Path(f"/proc/{link.pid}/status").read_text())
came["peak_mb"] = int(peak[1]) / 1024
link.close()
print(json.dumps(came))
"""


class Opened(NamedTuple):
    """Seconds of the clock and of the processor, and the peak in megabytes."""

    findings: float
    findings_cpu: float
    diff: float
    diff_cpu: float
    peak_mb: float


def _python(checkout: Path, script: str, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, cwd=checkout, check=True, capture_output=True, text=True).stdout


def measured(checkouts: dict[str, Path], folder: Path, events: int, rounds: int) -> dict[str, list[Opened]]:
    """What opening an exchange of so many events takes each checkout, by turns."""
    for name, checkout in checkouts.items():
        _python(checkout, _MAKE, str(folder / f"{name}.db"), str(events))
    found: dict[str, list[Opened]] = {name: [] for name in checkouts}
    for _ in range(rounds):
        for name, checkout in checkouts.items():
            found[name].append(Opened(**json.loads(_python(checkout, _OPEN, str(folder / f"{name}.db")))))
    return found


def rows(events: int, rounds: int, against: Path | None = None) -> list[Row]:
    """The seconds of this build, and over those of another one the processor's."""
    checkouts = {"ours": _OURS, **({"theirs": against} if against is not None else {})}
    with tempfile.TemporaryDirectory(prefix="streamlab-bench-") as name:
        found = measured(checkouts, Path(name), events, rounds)
    made: list[Row] = []
    for what, most in (("findings", 5.0), ("diff", 8.0)):
        clock = sorted(getattr(one, what) for one in found["ours"])
        cpu, middle = [getattr(one, f"{what}_cpu") for one in found["ours"]], statistics.median(clock)
        peak = max(one.peak_mb for one in found["ours"])
        said = f"{statistics.median(cpu):.1f} s of the processor, {peak:.0f} MB"
        made.append(
            Row(f"{what} of {events:,} events, s", middle, clock[0], clock[-1], f"<= {most:.0f}", middle <= most, said)
        )
        if against is not None:
            theirs = [getattr(one, f"{what}_cpu") for one in found["theirs"]]
            ratios = sorted(one / other for one, other in zip(cpu, theirs, strict=True))
            other_peak = max(one.peak_mb for one in found["theirs"])
            said = (
                f"{statistics.median(cpu):.1f} s / {statistics.median(theirs):.1f} s, {peak:.0f} / {other_peak:.0f} MB"
            )
            middle = statistics.median(ratios)
            made.append(Row(f"{what}: CPU over {against.name}'s", middle, ratios[0], ratios[-1], "none", True, said))
    return made


def main() -> int:
    """Print the rows; 1 when a target was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    found = rows(given.events, given.rounds, given.against)
    for row in found:
        sign = "ok    " if row.met else "MISSED"
        print(f"{sign} {row.name:<40} {row.ratio:8.2f} ({row.low:.2f} to {row.high:.2f}) {row.target:<6} {row.detail}")
    return 0 if all(row.met for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
