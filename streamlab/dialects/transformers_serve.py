"""transformers serve: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

DIALECT = Dialect(
    name="transformers-serve",
    title="transformers serve",
    signs=(
        Sign(Kind.CALL_ID, rf"{_UUID}_tool_call_\d+", 10),
        Sign(Kind.MODEL, ".+@main", 6),
        Sign(Kind.FINGERPRINT, "", 3),
        Sign(Kind.ID, rf"{_UUID}", 3),
        Sign(Kind.ID, r"req_\d+", 6),
        Sign(Kind.ORDER, "id,choices,created,model,object,system_fingerprint", 5),
        Sign(Kind.HEADER, "server=uvicorn", 1),
    ),
    reported=(
        "created-wrong-type",
        "done-missing",
        "finish-reason-key-absent",
        "reasoning-field-variants",
        "tool-call-leaked-as-text",
        "usage-on-content-or-finish-chunk",
    ),
    evidence="No stream was recorded: signs and deviations are what the source of 5.24 does, read.",
    witnessed=False,
)
