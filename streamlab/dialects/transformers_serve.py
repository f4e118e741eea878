"""transformers serve: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

DIALECT = Dialect(
    name="transformers-serve",
    title="transformers serve",
    signs=(
        Sign(Kind.MODEL, ".+@main", 6),
        Sign(Kind.FINGERPRINT, "", 1),
        Sign(Kind.ID, r"req_\d+", 6),
        Sign(Kind.HEADER, "server=uvicorn", 1),
    ),
    evidence="No stream was read: signs and deviations are what its documentation and issue tracker say.",
    witnessed=False,
)
