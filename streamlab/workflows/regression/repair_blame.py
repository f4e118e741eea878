"""Which of our repairs is to blame when our normalizer fails a fixture."""

from __future__ import annotations

from streamlab.apis.registry import repair_classes
from streamlab.judging.analyzer import analyze
from streamlab.repairing.normalizer import Normalizer
from streamlab.wire.events import Comment
from streamlab.workflows.regression.cutting import pieces
from streamlab.workflows.regression.findings import findings_about
from streamlab.workflows.regression.fixture import Fixture
from streamlab.workflows.regression.meaning import meaning_of, parsed


def repairs_to_blame(fixture: Fixture, cuts: list[int]) -> tuple[str, ...]:
    """Which of our repairs made the first event that differs, which had a reason to act and did not, and whose
    deviation is still there."""
    exchange = fixture.exchange
    normalizer = Normalizer(exchange.request, exchange.head)
    try:
        made = [one for piece in pieces(exchange.body, cuts) for one in normalizer.feed_events(piece)]
        made += normalizer.finish_events(exchange.ending)
    except Exception:  # a repair that raises names itself in the error
        return ()
    wanted = parsed(fixture.expected or b"")
    counted = [(meaning_of(one.event), one.repairs) for one in made if not isinstance(one.event, Comment)]
    at = next((at for at, (got, want) in enumerate(zip(counted, wanted, strict=False)) if got[0] != want), None)
    at = min(len(wanted), len(counted)) if at is None else at
    reasons = dict.fromkeys(one.rule for one in analyze(exchange).findings)
    still = dict.fromkeys(one.rule for one in findings_about(exchange, b"".join(one.raw for one in made)))
    settled = {one.rule for one in findings_about(exchange, fixture.expected or b"")}
    owners = _owners()
    said = {
        f"event {at} was changed by the repair of": counted[at][1] if at < len(counted) else (),
        "had a reason to act and did not: the repair of": [
            rule for rule in reasons if rule in owners and rule not in normalizer.changes and rule not in still
        ],
        "should be gone and is not: the repair of": [rule for rule in still if rule in owners and rule not in settled],
    }
    return tuple(
        f"{words} {', '.join(f'{rule} ({owners[rule]})' if rule in owners else rule for rule in rules)}"
        for words, rules in said.items()
        if rules
    )


def _owners() -> dict[str, str]:
    """rule -> the names of the repairs that mend it."""
    found: dict[str, list[str]] = {}
    for repair in repair_classes(unsafe=True):
        for rule in repair.rules:
            found.setdefault(rule, []).append(repair.__name__)
    return {rule: ", ".join(names) for rule, names in found.items()}
