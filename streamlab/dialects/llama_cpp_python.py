"""llama-cpp-python: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="llama-cpp-python",
    title="llama-cpp-python",
    signs=(
        Sign(Kind.ID, "chatcmpl-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", 3),
        Sign(Kind.ORDER, "id,model,created,object,choices", 6),
        Sign(Kind.TRAIT, Trait.CRLF, 2),
        Sign(Kind.TRAIT, Trait.NO_FINGERPRINT, 1),
        Sign(Kind.COMMENT, "ping - ", 2),
    ),
    reported=("sse-comment-keepalive", "sse-line-endings"),
    evidence="No stream was recorded: signs and deviations are as its users report them; its source was not read.",
    witnessed=False,
)
