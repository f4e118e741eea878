"""The ``event:`` line that an API writes before the data, in the account of a repair."""

from __future__ import annotations

from typing import Final

from streamlab.rules.repair import ABSENT, Change, Draft

#: By whose repair an event has its frame: what came had none, and so no name that were wrong.
_FRAMED: Final = frozenset({"http-status-200-on-error", "sse-ndjson-instead"})


def note_line(draft: Draft, name: bytes, rule: str) -> None:
    """Note that an event which came goes out under ``name``, where its line said another or there was none. That is the
    repair of ``rule``, or, where the line named the type that was wrong, of the rule by which that was put right."""
    line, changes = draft.line, draft.changes
    if line is ABSENT or line == name or any(change.rule in _FRAMED for change in changes):
        return
    was = line.decode("utf-8", "replace") if line is not None else None
    by = next((change.rule for change in changes if change.path == "type" and change.was == was), rule)
    changes.append(Change(by if was is not None else rule, "", line or ABSENT, name.decode()))
