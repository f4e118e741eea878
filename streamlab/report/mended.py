"""What was said of many exchanges that were mended: by rule, in how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from streamlab.report.units import counted
from streamlab.wire.visible import visible


class MendingTally:
    """Counts exchanges; with ``each`` what became of every one is kept for `document`."""

    def __init__(self, each: bool) -> None:
        self._each: list[dict[str, Any]] | None = [] if each else None
        self._mended: Counter[str] = Counter()
        self._unmended: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._count: Counter[str] = Counter()

    def add(
        self, source: str, account: Mapping[str, Any], left: Sequence[str], *, failed: bool, unreadable: bool
    ) -> None:
        """The next exchange; ``account`` is what `report.blame.summary_json` says of it."""
        self._count["unreadable" if unreadable else "whole"] += 1
        if unreadable:
            return
        self._count["failed"] += failed
        self._count["changed"] += bool(account["mended"])
        self._count["left"] += bool(left)
        self._mended.update(account["mended"].keys())
        self._unmended.update({one["rule"] for one in account["unmended"]})
        self._left.update(left)
        if self._each is not None:
            self._each.append({"source": source, **account, "left": list(left), "failed": failed})

    @property
    def begun(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._count["whole"] or self._count["unreadable"])

    @property
    def exit_code(self) -> int:
        """0 when no error remains, 1 when some do, 2 when some could not be read, 3 when a repair failed."""
        found = self._count
        return 3 if found["failed"] else 2 if found["unreadable"] else 1 if found["left"] else 0

    def document(self, output: str) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "output": output,
            "exchanges": self._each or [],
            "mended": dict(sorted(self._mended.items())),
            "unmended": dict(sorted(self._unmended.items())),
            "left": dict(sorted(self._left.items())),
            "unreadable": self._count["unreadable"],
        }

    def lines(self, output: str) -> Iterator[str]:
        """The same in a few lines; safe to print."""
        for what, rules in (("mended", self._mended), ("not mended:", self._unmended), ("left:", self._left)):
            for rule, count in sorted(rules.items(), key=lambda one: (-one[1], one[0])):
                if rules is not self._left or rule not in self._unmended:  # which was said above
                    yield f"{what} {rule} ({counted(count, 'exchange')})"
        found = self._count
        told = [f"{counted(found['changed'], 'exchange')} of {found['whole']:,} mended"]
        told += [f"{found[name]:,} {words}" for name, words in _TOLD if found[name]]
        yield visible(f"{', '.join(told)}: {output}", 400)


_TOLD = (
    ("left", "with errors left"),
    ("failed", "in which a repair of ours failed"),
    ("unreadable", "that could not be read are left out"),
)
