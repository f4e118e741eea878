"""What sharing promises, at full length: canaries cut everywhere, recorded streams untouched, mutated bundles refused.

``python benchmarks/redaction_bench.py [canaries|recorded|bundles|filler|detect-secrets]``; exits 1 where a promise is
broken. `tests/sharing` holds the same promises over fewer examples.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from streamlab.errors import StreamlabError
from streamlab.exchange import Exchange
from streamlab.judging.analyzer import analyze
from streamlab.sharing.masking import mask_body, mask_text
from streamlab.sharing.shared import share
from streamlab.sharing.wanted import Masking
from streamlab.storage.bundle import Bundled, bundle
from streamlab.storage.targets import find
from streamlab.workflows.share import prepared
from tests import corpus, streams
from tests.sharing.canaries import canaries, tells
from tests.sharing.test_bundle import mutated
from tests.sharing.test_masking import KINDS, _deltas


def cut_everywhere() -> int:
    """120 canaries of 40 kinds, in two pieces at every offset, then over 1 to 9 events; findings compared."""
    wrong = bodies = 0
    dice = random.Random(11)
    for number, (prefix, secret) in enumerate(canaries(120)):
        text = f"say {secret} now"
        told = tells(secret, prefix).encode()
        kinds = KINDS if number < 40 else KINDS[number % len(KINDS) :][:1]
        for kind in kinds:
            cuttings = [[text[:cut], text[cut:]] for cut in range(1, len(text))] if kind == kinds[0] else []
            for count in range(1, 10):
                cuts = sorted(dice.sample(range(1, len(text)), count - 1))
                cuttings.append([text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)])
            for pieces in cuttings:
                body = _deltas(kind, pieces)
                found = mask_body(body).data
                bodies += 1
                left = told in found or any(
                    len(piece) > 6 and piece.strip() and piece not in ("say ", " now") and _shows(piece, secret, found)
                    for piece in pieces
                )
                if left or len(found) != len(body) or (bodies % 7 == 0 and _findings(found) != _findings(body)):
                    wrong += 1
                    print("BROKEN", kind, pieces)
    print(f"{bodies} bodies with canaries, {wrong} wrong")
    return wrong


def _shows(piece: str, secret: str, found: bytes) -> bool:
    """Whether a piece from the middle of a secret is still there."""
    return piece in secret and secret.find(piece) > 16 and json.dumps(piece).encode()[1:-1] in found


def _findings(body: bytes) -> list[tuple[object, ...]]:
    found = analyze(streams.exchange(body)).findings
    return [(one.rule, one.event, one.span, one.path, one.count, one.events) for one in found]


def recorded_streams() -> int:
    """Streams that others recorded hold no secret: whatever is masked in an answer is masked by mistake."""
    masked, count, size = Counter[str](), 0, 0
    began = time.process_time()
    for directory in corpus.recorded(""):
        exchange = corpus.load(directory)
        for part, one in share(exchange).masked:
            masked[part] += 1
            print("MASKED", part, directory.name, one)
        count, size = count + 1, size + sum(len(one.data) for one in exchange.segments)
    seconds = time.process_time() - began
    print(f"{count} recorded streams, {size:,} bytes, masks: {dict(masked)}, {size / 1e6 / seconds:.2f} MB/s")
    return masked["response"] + (not count)


def filled_streams() -> int:
    """Filler in place of everything that was said keeps every finding: in our corpus, fixtures and recorded streams."""
    count, differ = 0, 0
    root = corpus.CORPUS.parent
    for target in (*find(str(root / "corpus")), *find(str(root / "fixtures"))):
        count, differ = count + 1, differ + _fills(target.source, target.read())
    print(f"{count} streams of ours, filled: {differ} with other findings")
    ours, recorded = differ, corpus.recorded("")
    differ = sum(_fills(one.name, corpus.load(one)) for one in recorded)
    print(f"{len(recorded)} recorded streams, filled: {differ} with other findings")
    return ours + differ


def _fills(name: str, exchange: Exchange) -> bool:
    try:
        shared = prepared(exchange, Masking(text=True))
    except StreamlabError as error:
        print("REFUSED", name, error, flush=True)
        return False
    if shared.findings:
        print("DIFFERENT", name, shared.findings, flush=True)
    return bool(shared.findings)


def mutated_bundles() -> int:
    """2,000 bundles with some bytes changed: read as they were, or refused in one line; nothing is written."""
    exchanges = [corpus.load(one) for one in sorted((corpus.CORPUS / "seed-systems").iterdir())[:3]]
    whole = bundle([Bundled(one) for one in exchanges], {})
    dice, outcomes = random.Random(3), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.slab"
        for _ in range(2000):
            file.write_bytes(mutated(whole, dice))
            try:
                found = [one.read() for one in find(str(file))]
            except StreamlabError as error:
                outcomes["refused" if "\n" not in str(error) else "LONG"] += 1
            else:
                same = [one.body for one in found] == [one.body for one in exchanges]
                outcomes["as it was" if same else "OTHER"] += 1
        outcomes["WRITTEN"] += len(list(Path(folder).iterdir())) - 1
    print(dict(outcomes))
    return outcomes["LONG"] + outcomes["OTHER"] + outcomes["WRITTEN"]


def beside_detect_secrets() -> int:
    """What detect-secrets finds of our canaries and in clean streams (`pip install detect-secrets`)."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import default_settings

    with default_settings():
        theirs = sum(bool(list(scan_line(f'key = "{secret}"'))) for _, secret in canaries(40))
        ours = sum(mask_text(f'key = "{secret}"') != f'key = "{secret}"' for _, secret in canaries(40))
        mistaken = sum(
            bool(list(scan_line(line)))
            for directory in corpus.recorded("")[::10]
            for line in corpus.load(directory).body.decode("utf-8", "replace").splitlines()
        )
    print(f"of 40 kinds: detect-secrets {theirs}, streamlab {ours}; lines of clean streams it masks: {mistaken}")
    return 0


CHECKS = {
    "canaries": cut_everywhere,
    "recorded": recorded_streams,
    "bundles": mutated_bundles,
    "filler": filled_streams,
    "detect-secrets": beside_detect_secrets,
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or ["canaries", "recorded", "bundles"]
    sys.exit(int(sum(CHECKS[name]() for name in chosen) > 0))
