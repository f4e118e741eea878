"""What the list of a lake can be filtered and ordered by, as SQL; knows nothing that reads Parquet."""

from __future__ import annotations

from streamlab.storage.filtering import Fields

_MODEL = "coalesce(e.model, s.model)"
#: The fields of a filter, as a lake has them. What the model said is in the bodies, which no list reads.
FIELDS = Fields(
    texts={
        "model": _MODEL, "label": "e.label", "tap": "e.tap", "url": "e.url", "ending": "e.ending", "api": "s.api",
        "dialect": "s.dialect", "recorder": "e.recorder", "server": "e.server",
    },
    numbers={
        "id": ("e.id", 1), "status": ("e.status", 1), "events": ("s.events", 1), "bytes": ("e.bytes", 1),
        "ttft": ("s.ttft_us", 1000), "duration": ("e.end_us", 1000), "stalls": ("s.stalls", 1),
    },
    states={"clean": "s.judged AND s.worst IS NULL"},
    rule="e.hash IN (SELECT hash FROM findings WHERE counts AND rule ILIKE ? ESCAPE '!')",
    text=None,
    like="ILIKE",
)  # fmt: skip
_NEWEST = "e.started_at DESC NULLS LAST, e.id DESC"
#: The orders of the list; the names are those of a capture's (`filtering.SORTS`).
SORTS = {
    "newest": _NEWEST,
    "model": f"lower({_MODEL}) NULLS FIRST, {_NEWEST}",
    "status": f"e.status DESC NULLS LAST, {_NEWEST}",
    "events": f"s.events DESC NULLS LAST, {_NEWEST}",
    "bytes": f"e.bytes DESC, {_NEWEST}",
    "TTFT": f"s.ttft_us DESC NULLS LAST, {_NEWEST}",
    "duration": f"e.end_us DESC NULLS LAST, {_NEWEST}",
    "worst finding": "CASE s.worst WHEN 'error' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END, " + _NEWEST,
}  # fmt: skip
