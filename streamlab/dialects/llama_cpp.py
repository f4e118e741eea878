"""llama.cpp server: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign

DIALECT = Dialect(
    name="llama.cpp",
    title="llama.cpp server",
    signs=(
        Sign(Kind.FINGERPRINT, r"b\d+-[0-9a-f]{7,}", 10),
        Sign(Kind.CHUNK_KEY, "timings", 7),
        Sign(Kind.HEADER, "server=llama.cpp", 10),
        Sign(Kind.CHUNK_KEY, "__verbose", 8),
        Sign(Kind.ID, "chatcmpl-[A-Za-z0-9]{32}", 2),
    ),
    deviations=(
        "content-null-placeholder",
        "created-wrong-type",
        "reasoning-field-variants",
        "unknown-extension-fields",
    ),
    reported=(
        "anti-buffering-headers-missing",
        "error-code-shape",
        "error-field-line",
        "error-midstream-standard",
        "model-missing-or-changes",
        "sse-missing-blank-line",
        "sse-unterminated-final-event",
    ),
    evidence="37 streams recorded by others, 37 recognised without the host.",
)
