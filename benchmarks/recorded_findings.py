"""Every finding over recorded streams, or a seeded sample of them beside its bytes, to be judged by eye.

The sample is six errors in ten, and spread over vendors and rules.

    python benchmarks/recorded_findings.py FOLDER                    findings by vendor and rule
    python benchmarks/recorded_findings.py FOLDER --sample 100 --seed 20261128

FOLDER holds API/VENDOR/EXCHANGE directories. What came of it the last time stands in docs/false-positives.md.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streamlab.rules.finding import Finding
from streamlab.wire.sse import SSEDecoder
from streamlab.workflows.check import CheckOptions, check, find

_SHOWN = 420


class Said(NamedTuple):
    """A finding, where it was made, and on whose stream."""

    path: str
    api: str
    vendor: str
    finding: Finding

    @property
    def order(self) -> tuple[str, str, str, str]:
        return self.path, self.finding.rule, self.finding.path or "", self.finding.message


def said(folder: Path) -> Iterator[Said]:
    """Every finding below a folder."""
    for outcome in check(find(str(folder)), CheckOptions()):
        api, vendor = Path(outcome.target.path).relative_to(folder).parts[:2]
        for finding in outcome.report.findings if outcome.report is not None else ():
            yield Said(outcome.target.path, api, vendor, finding)


def is_openai(one: Said) -> bool:
    """Whether OpenAI or Azure sent it: those are argued one by one, not sampled."""
    return is_openai_vendor(one.vendor)


def is_openai_vendor(vendor: str) -> bool:
    """Whether a vendor is OpenAI or Azure."""
    return vendor in ("openai", "github-models") or vendor.startswith("azure")


def drawn(shuffled: list[Said], most: int) -> list[Said]:
    """Errors first, then warnings, then remarks; of each, no rule twice at a vendor while others are left."""
    turns: Counter[tuple[str, str]] = Counter()
    order: list[tuple[int, int, int, Said]] = []
    for place, one in enumerate(shuffled):
        key = one.vendor, one.finding.rule
        order.append((turns[key], one.finding.severity.rank, place, one))
        turns[key] += 1
    errors = [entry for entry in sorted(order) if entry[1] == 0][: most * 6 // 10]
    rest = [entry for entry in sorted(order) if entry[1]][: most - len(errors)]
    return [one for _, _, _, one in (*errors, *rest)]


def show(number: int, one: Said) -> None:
    """A finding beside the bytes of its event and of the one before."""
    finding = one.finding
    print(f"#{number} {one.api}/{one.vendor} {Path(one.path).name}")
    print(f"   {finding.severity} {finding.rule} ×{finding.count} {finding.path or ''}: {finding.message}")
    decoder, body = SSEDecoder(), (Path(one.path) / "body.sse").read_bytes()
    events = [*decoder.feed(body), *decoder.finish()]
    at = finding.event
    for position in range(max(0, at - 1), at + 1) if at is not None else (0, len(events) - 1):
        if 0 <= position < len(events):
            raw = events[position].raw
            print(f"   [{position}/{len(events)}] {raw[:_SHOWN]!r}")


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    found = list(said(asked.folder))
    if asked.sample is None:
        counts = Counter((one.vendor, one.api, one.finding.rule, str(one.finding.severity)) for one in found)
        for key, number in sorted(counts.items()):
            print(f"{number:6} {' '.join(key)}")
        return
    others = sorted((one for one in found if not is_openai(one)), key=lambda one: one.order)
    random.Random(asked.seed).shuffle(others)
    for number, one in enumerate(drawn(others, asked.sample)):
        show(number, one)


if __name__ == "__main__":
    main()
