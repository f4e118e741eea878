"""Whose fault a deviation is, when the same questions were asked through a gateway and past it.

These are two generations, not one conversation: what one of them shows by chance is nobody's fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from streamlab.comparing.features import Feature, Said, Support
from streamlab.wire.visible import visible


def attributed(gateway: Sequence[Feature], direct: Sequence[Feature]) -> tuple[Feature, ...]:
    """The gateway's outcomes, each with whose fault it is: the same questions were asked past the gateway."""
    steady = _steady(gateway, direct)
    return tuple(_attributed(one, other, steady) for one, other in zip(gateway, direct, strict=True))


def _attributed(gateway: Feature, direct: Feature, steady: frozenset[str]) -> Feature:
    changed = _changed(gateway, direct)
    blame = "; ".join(part for part in (_blame(gateway, direct, steady), changed) if part)
    return replace(gateway, blame=blame, changed=changed)


def _blame(gateway: Feature, direct: Feature, steady: frozenset[str]) -> str:
    """In one line; "" when nothing is wrong, or nothing but what one answer shows by chance and the next does not."""
    here, there = _complaints(gateway), _complaints(direct)
    own, shared = here - there - (_by_chance(gateway) - steady), here & there
    if not here:
        return "mended by the gateway" if there - _by_chance(direct) else ""
    if not own:
        return "the server does it already" if shared else ""
    if not there:
        return f"introduced by the gateway: {', '.join(sorted(own))}"
    return (
        f"the server already: {', '.join(sorted(shared or there))}; the gateway makes of it: {', '.join(sorted(own))}"
    )


def _complaints(feature: Feature) -> set[str]:
    """What is wrong, in words that are the same for the same fault."""
    found = set(feature.rules)
    for outcome in (feature.streamed, feature.whole):
        if outcome.state is Support.DEVIATES and not outcome.findings:
            found.add(outcome.reason.partition(":")[0])
    return found


#: Rules whose word depends on when the answer came, and forms of others that do: a second that ticks over.
_TIMED = frozenset({"stall-gap", "idle-before-first-byte", "burst-delivery", "utf8-split-over-reads"})
_TICKING = ("created-wrong-type", ("it changes",))


def _by_chance(feature: Feature) -> set[str]:
    found = (*feature.streamed.findings, *feature.whole.findings)
    return {one.rule for one in found if one.rule in _TIMED or (one.rule, one.variants) == _TICKING}


def _steady(gateway: Sequence[Feature], direct: Sequence[Feature]) -> frozenset[str]:
    """What could be chance in one answer, and is none: behind the gateway most answers show it, past it none does."""
    counts = Counter(rule for feature in gateway for rule in _by_chance(feature))
    seen = {rule for feature in direct for rule in feature.rules}
    return frozenset(rule for rule, count in counts.items() if 2 * count > len(gateway) and rule not in seen)


def _changed(gateway: Feature, direct: Feature) -> str:
    """What the gateway made of what the server says; "" where the server itself does not say the same twice."""
    steady = direct.streamed.said
    if steady is None or steady != direct.whole.said:
        return ""
    for mode, outcome in (("streamed", gateway.streamed), ("whole", gateway.whole)):
        if outcome.said is not None and not _same(outcome.said, steady):
            here, there = (_shown(one) for one in (outcome.said, steady))
            return f"the gateway changes the answer ({mode}): {there} becomes {here}"
    return ""


def _same(one: Said, other: Said) -> bool:
    """White space at the ends of a text aside: templates begin answers with a line end or a space."""
    return [(text.strip(), calls) for text, calls in one] == [(text.strip(), calls) for text, calls in other]


def _shown(said: Said) -> str:
    text, calls = said[0] if said else ("", ())
    words = [f"“{visible(text, 40)}”"] if text or not calls else []
    words += [f"{visible(name, 30)}({visible(arguments, 40)})" for name, arguments in calls[:2]]
    return " and ".join(words) + (f" ({len(said)} choices)" if len(said) > 1 else "")
