"""A normalizer judged by a fixture: every cutting is run; one that fails is shrunk to the smallest that still does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamlab.playback.shrinking import ddmin
from streamlab.wire.visible import visible
from streamlab.workflows.regression.comparisons import Comparison, exactly
from streamlab.workflows.regression.cutting import cuttings, pieces
from streamlab.workflows.regression.fixture import Fixture
from streamlab.workflows.regression.machines import MachineFactory, our_machine, run
from streamlab.workflows.regression.repair_blame import repairs_to_blame
from streamlab.workflows.regression.shared_piping import SharedRepairs


@dataclass(frozen=True, slots=True)
class Mismatch:
    """How a normalizer's output differs from what is expected, under which smallest cutting, and by whose fault."""

    cutting: str
    cuts: list[int]
    difference: list[str]
    error: str | None = None
    blame: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"the normalized stream is not what is expected ({self.cutting})"]
        if self.cuts:
            shown = ", ".join(map(str, self.cuts[:20])) + (" …" if len(self.cuts) > 20 else "")
            lines.append(f"smallest failing cut: after byte{'s' if len(self.cuts) > 1 else ''} {shown}")
        lines += self.blame
        if self.error:
            lines.append(visible(self.error, 300))
        return "\n".join((*lines, *self.difference))


def check_normalized(fixture: Fixture, make: MachineFactory, compare: Comparison | None = None) -> Mismatch | None:
    """Run every cutting; the first difference, shrunk. ``compare`` is `exactly` unless said otherwise."""
    if fixture.expected is None:
        return None
    body, difference = fixture.exchange.body, compare or exactly
    shared = SharedRepairs(fixture.exchange).run if make is our_machine else None

    def fails(cuts: Sequence[int]) -> bool:
        cut = pieces(body, cuts)
        actual, error = shared(cut) if shared is not None else run(make(fixture.exchange), cut)
        return error is not None or (actual != fixture.expected and bool(difference(fixture, actual)))

    for name, cuts in cuttings(body):
        if fails(cuts):
            smallest = ddmin([*cuts], fails)
            actual, error = run(make(fixture.exchange), pieces(body, smallest))
            blame = repairs_to_blame(fixture, smallest) if make is our_machine else ()
            return Mismatch(name, smallest, difference(fixture, actual), error, blame)
    return None
