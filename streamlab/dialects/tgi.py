"""Hugging Face Text Generation Inference: its marks and known deviations. Data."""

from __future__ import annotations

from streamlab.dialects.base import Dialect, Kind, Sign, Trait

DIALECT = Dialect(
    name="tgi",
    title="Hugging Face Text Generation Inference",
    signs=(
        Sign(Kind.FINGERPRINT, r"\d+\.\d+\.\d+(-dev\d+)?-(sha-)?[0-9a-f]+|\d+\.\d+\.\d+(-dev\d+)?-native", 10),
        Sign(Kind.TRAIT, Trait.EMPTY_ID, 2),
        Sign(Kind.TRAIT, Trait.TEXT_OBJECT, 5),
        Sign(Kind.TRAIT, Trait.NO_SPACE, 3),
        Sign(Kind.HEADER, "x-compute-type", 4),
    ),
    deviations=(
        "chunk-id-missing-or-empty",
        "done-missing",
        "error-string",
        "error-then-no-done",
        "finish-reason-missing",
        "finish-reason-on-content-chunk",
        "finish-reason-unknown-value",
        "object-wrong",
        "role-every-chunk",
        "sse-comment-keepalive",
        "sse-no-space-after-colon",
        "tool-call-arguments-not-json",
        "tool-call-id-missing",
        "tool-call-name-missing",
        "tool-call-not-in-array",
        "tool-call-type-missing",
    ),
    reported=(
        "choice-index-is-token-counter",
        "choice-message-instead-of-delta",
        "http-status-200-on-error",
        "tool-call-arguments-object",
    ),
    evidence="5 streams recorded from the real server, 4 recognised without the host.",
)
