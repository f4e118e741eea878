"""Findings while they are counted: those of one rule at one path are one, with every place where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from streamlab.record import changed
from streamlab.rules.finding import Finding, Repairability

#: Places remembered for one finding; beyond that they are only counted.
_MAX_PLACES = 10_000

Key = tuple[str, str | None]


class _Place:
    """A finding while it is being counted."""

    __slots__ = ("count", "events", "finding")

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        self.count = 1
        self.events = [finding.event] if finding.event is not None else []

    def also(self, finding: Finding) -> None:
        """It was seen in these forms too, and is promised to be mended without a guess only where each of them is.

        What cannot be mended is often what the first left open, and goes with it."""
        known, variants = self.finding, finding.variants
        if variants != known.variants:
            self.finding = changed(self.finding, variants=tuple(dict.fromkeys((*known.variants, *variants))))
        if finding.repairability is Repairability.UNSAFE and known.repairability is Repairability.SAFE:
            self.finding = changed(self.finding, repairability=Repairability.UNSAFE)

    def again(self, event: int | None) -> None:
        self.count += 1
        if event is not None and len(self.events) < _MAX_PLACES and self.events[-1:] != [event]:
            self.events.append(event)

    def again_in_a_row(self, first: int, events: int, times: int) -> None:
        """It stands in so many events from ``first`` on, so many times in each."""
        self.count += events * times
        room = min(events, _MAX_PLACES - len(self.events))
        if room > 0:
            self.events.extend(range(first, first + room))


class Places:
    """All findings of an exchange, by rule and path."""

    def __init__(self) -> None:
        self._places: dict[Key, _Place] = {}

    def knows(self, finding: Finding) -> bool:
        """Whether a finding counts as one that is there, and is no graver: its bytes need not be worked out."""
        place = self._places.get((finding.rule, finding.path))
        return place is not None and finding.severity.rank >= place.finding.severity.rank

    def count(self, finding: Finding) -> None:
        """One more place of a finding that is known."""
        place = self._places[finding.rule, finding.path]
        place.again(finding.event)
        place.also(finding)

    def add(self, finding: Finding) -> None:
        """A finding that is new, or graver than what is known: the gravest speaks for all."""
        key = (finding.rule, finding.path)
        place = self._places.get(key)
        if place is None:
            self._places[key] = _Place(finding)
            return
        place.again(finding.event)
        place.also(finding)
        guess = place.finding.repairability is Repairability.UNSAFE and finding.repairability is Repairability.SAFE
        repairability = Repairability.UNSAFE if guess else finding.repairability
        place.finding = changed(finding, variants=place.finding.variants, repairability=repairability)

    def again(self, keys: Iterable[Key], event: int) -> None:
        """What was found in a chunk of the same shape stands here too."""
        for key in keys:
            self._places[key].again(event)

    def again_in_a_row(self, keys: Sequence[Key], first: int, events: int) -> None:
        """What was found in an event stands in each of so many that are like it."""
        if events == 1 or not keys:
            self.again(keys, first)
            return
        times: dict[Key, int] = {}
        for key in keys:
            times[key] = times.get(key, 0) + 1
        for key, count in times.items():
            self._places[key].again_in_a_row(first, events, count)

    def findings(self, known: frozenset[str]) -> tuple[Finding, ...]:
        """The findings in order of their first place. ``known`` are the rules that the dialect lists."""
        found = [
            changed(
                place.finding,
                count=place.count,
                events=tuple(sorted(place.events)),
                known=place.finding.rule in known,
            )
            for place in self._places.values()
        ]
        found.sort(key=lambda one: (one.event is None, one.event or 0, one.severity.rank, one.rule, one.path or ""))
        return tuple(found)
