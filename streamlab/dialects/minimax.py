"""MiniMax: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, host

DIALECT = Dialect(
    name="minimax",
    title="MiniMax",
    signs=(
        *host("api.minimax.io", "api.minimax.chat", "api.minimaxi.com", "api.minimaxi.chat"),
        Sign(Kind.CHUNK_KEY, "base_resp", 8),
        Sign(Kind.CHUNK_KEY, "input_sensitive", 6),
        Sign(Kind.USAGE_KEY, "total_characters", 7),
        Sign(Kind.MODEL, "(minimax|abab).*", 4),
        Sign(Kind.CALL_ID, "call_function_.*", 5),
        Sign(Kind.ID, "[0-9a-f]{32}", 2),
        Sign(Kind.DELTA_KEY, "audio_content", 3),
    ),
    deviations=(
        "created-wrong-type",
        "done-missing",
        "finish-reason-key-absent",
        "finish-reason-on-content-chunk",
        "finish-reason-repeated",
        "reasoning-field-variants",
        "role-every-chunk",
        "unknown-extension-fields",
        "usage-on-content-or-finish-chunk",
    ),
    reported=(
        "choices-missing-or-null",
        "error-flat-object",
        "full-message-repeated",
        "http-status-200-on-error",
        "object-wrong",
        "role-empty-or-null",
        "tool-call-leaked-as-text",
        "usage-on-every-chunk",
    ),
    evidence="13 streams recorded by others, 13 recognised without the host.",
)
